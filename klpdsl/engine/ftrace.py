"""Who may have a function: what kernel/trace/ftrace.c allows several users of one function, and who runs in the end.

At most one user of a function may send its calls elsewhere (FTRACE_OPS_FL_IPMODIFY): livepatch, or a kprobe that asks
for it. A user whose trampoline is called directly (FTRACE_OPS_FL_DIRECT) is one of these up to v5.19; from v6.0 on
it can share the function, if it knows how to (ftrace_ops.ops_func), as the trampolines of BPF programs do.
"""

from __future__ import annotations

from klpdsl.engine.context import Kernel
from klpdsl.world.values import FuncKey

BPF = ("fentry", "fexit")
"""The programs that hang on a function's one BPF trampoline."""


def redirected_by(k: Kernel, module: str) -> tuple[FuncKey, ...]:
    """The functions on which a module has an ftrace handler with IPMODIFY: one that may send a call elsewhere.

    A kprobe that has no post_handler only looks on; up to v5.3 all kprobes had the handler of those that do not.
    """
    probed = k.w.probes.get(module, ()) if k.sem.kprobe_ipmodify == "always" else ()
    return k.w.redirects.get(module, ()) + probed


def redirected_by_others(k: Kernel, key: FuncKey) -> bool:
    """Whether somebody other than livepatch has the function for IPMODIFY."""
    if "kprobe" in k.w.tracers.get(key, ()) and k.sem.kprobe_ipmodify == "always":
        return True
    return any(
        key in redirected_by(k, name)
        for name in (*k.w.redirects, *k.w.probes)
        if name in k.w.modules and not k.w.modules[name].window
    )


def register_ipmodify(k: Kernel, key: FuncKey) -> bool:
    """Whether a user with IPMODIFY gets the function; who is called directly is asked to share it.

    prepare_direct_functions_for_ipmodify() (v6.0): FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_PEER.
    """
    if redirected_by_others(k, key):
        return False
    direct = [tracer for tracer in k.w.tracers.get(key, ()) if tracer != "kprobe"]
    if not direct:
        return True
    if k.sem.direct_calls != "shared" or "direct" in direct:
        return False
    k.w.shared |= {key}
    return True


def unregister_ipmodify(k: Kernel, key: FuncKey) -> None:
    """The user with IPMODIFY has left: FTRACE_OPS_CMD_DISABLE_SHARE_IPMODIFY_PEER."""
    k.w.shared -= {key}


def calls_original(k: Kernel, key: FuncKey) -> bool:
    """Whether the function's trampoline calls the original by itself, whatever livepatch has chosen.

    The trampoline of a program that runs after the function (BPF_TRAMP_F_CALL_ORIG) calls it, and only where it was
    told to share does it take the address from its caller's frame (BPF_TRAMP_F_ORIG_STACK).
    """
    return bool(k.w.tracers) and "fexit" in k.w.tracers.get(key, ()) and key not in k.w.shared


def release(k: Kernel, key: FuncKey) -> None:
    """The function's text is freed."""
    k.w.tracers.pop(key, None)
    k.w.shared -= {key}
