"""Tracers that come and go beside livepatch: kprobes, BPF programs on a trampoline, other direct users of ftrace."""

from __future__ import annotations

from klpdsl.engine import ftrace, patch
from klpdsl.engine.context import SUCCESS, Kernel, Outcome, unsupported
from klpdsl.world.values import VMLINUX, FuncKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TAKEN = Outcome("EBUSY", "somebody else has the function for redirecting its calls")


def attach(k: Kernel, tracer: str, key: FuncKey) -> Outcome:
    """A tracer comes to a function: register_kprobe(), bpf_trampoline_link_prog() or register_ftrace_direct()."""
    if tracer != "kprobe" and k.sem.direct_calls == "none":
        return unsupported("direct_calls", "exclusive", "shared")
    if not patch.in_memory(k, key):
        return Outcome("ENOENT", "there is no such function in memory")
    symbol = patch.symbol(k, key)
    if symbol is not None and symbol.notrace:
        return Outcome("EINVAL", "ftrace has no place in the function")
    refused = _REGISTER[tracer](k, key)
    if refused is not None:
        return refused
    k.w.tracers[key] = (*k.w.tracers.get(key, ()), tracer)
    _pin(k, tracer, key, k.module_get)
    return SUCCESS


def detach(k: Kernel, tracer: str, key: FuncKey) -> Outcome:
    """One tracer of that kind leaves the function."""
    there = list(k.w.tracers.get(key, ()))
    if tracer not in there:
        return Outcome("ENOENT", "no such tracer is there")
    there.remove(tracer)
    if there:
        k.w.tracers[key] = tuple(there)
    else:
        del k.w.tracers[key]
    if not any(one in ftrace.BPF for one in there):
        # The trampoline goes with its last program, and what it was told with it.
        k.w.shared -= {key}
    _pin(k, tracer, key, k.module_put)
    return SUCCESS


def _kprobe(k: Kernel, key: FuncKey) -> Outcome | None:
    """arm_kprobe_ftrace(): all kprobes of one kind are one user of ftrace."""
    if k.sem.kprobe_ipmodify == "post-handler" or "kprobe" in k.w.tracers.get(key, ()):
        return None
    direct = any(tracer != "kprobe" for tracer in k.w.tracers.get(key, ()))
    return _TAKEN if direct or _has_ipmodify(k, key) else None


def _direct(k: Kernel, key: FuncKey) -> Outcome | None:
    """register_ftrace_direct(): one direct user for each function, which shares it with nobody who redirects it."""
    if any(tracer != "kprobe" for tracer in k.w.tracers.get(key, ())):
        return Outcome("EBUSY", "the function has a direct user already")
    return _TAKEN if _has_ipmodify(k, key) else None


def _bpf(k: Kernel, key: FuncKey, *, calls: bool) -> Outcome | None:
    """bpf_trampoline_update(): the trampoline is made anew for all programs of the function, and put in place.

    `calls`: with this program it calls the function itself.
    """
    there = k.w.tracers.get(key, ())
    if "direct" in there:
        return Outcome("EBUSY", "the function has a direct user already")
    redirected = _has_ipmodify(k, key)
    if redirected and k.sem.direct_calls == "exclusive":
        return _TAKEN
    if not redirected or not calls or key in k.w.shared:
        return None
    if not any(tracer in ftrace.BPF for tracer in there):
        # The first attempt says that it has to share (-EAGAIN); the second is made with another trampoline.
        if k.sem.direct_retry == "stuck":
            return Outcome("EBUSY", "the first attempt has left the function's entry behind")
        k.w.shared |= {key}
    elif k.sem.direct_modify == "asked":
        k.w.shared |= {key}
    return None


_REGISTER: dict[str, Callable[[Kernel, FuncKey], Outcome | None]] = {
    "kprobe": _kprobe,
    "direct": _direct,
    "fentry": lambda k, key: _bpf(k, key, calls="fexit" in k.w.tracers.get(key, ())),
    "fexit": lambda k, key: _bpf(k, key, calls=True),
}


def _has_ipmodify(k: Kernel, key: FuncKey) -> bool:
    return key in k.w.func_stacks or ftrace.redirected_by_others(k, key)


def _pin(k: Kernel, tracer: str, key: FuncKey, change: Callable[[str], None]) -> None:
    # A trampoline holds the module that its function is in (bpf_trampoline_module_get()).
    if tracer in ftrace.BPF and key[0] != VMLINUX and key[0] in k.w.modules:
        change(key[0])
