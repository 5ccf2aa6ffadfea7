"""Why a call takes the version of a function that it takes: klp_ftrace_handler()."""

from __future__ import annotations

from klpdsl._names import ORIGINAL
from klpdsl.engine.patch import entry_name
from klpdsl.reasons.rules import Reason, reason
from klpdsl.world.values import KLP_UNPATCHED, STATE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.semantics.records import Engine
    from klpdsl.trace.events import Call
    from klpdsl.world.values import Entry
    from klpdsl.world.world import World


def why_called(engine: Engine, call: Call, w: World) -> tuple[Reason, ...]:
    """Say why the call led where it did, in the world in which it was made."""
    stack = next(
        (found for key, found in w.func_stacks.items() if key[:2] == (call.object, call.function)), ()
    )
    words = {"function": call.function, "task": call.task}
    if not stack:
        return (reason(engine, "call-unpatched", **words),)
    top = stack[-1]
    words |= {"owner": top.patch, "stack": f"[{' '.join(map(entry_name, stack))}]"}
    patch = w.patches.get(top.patch)
    task = next((task for task in w.tasks if task.name == call.task), None)
    chosen: Entry | None = top
    if patch is None or task is None or not patch.transition:
        told = [reason(engine, "call-top", **words)]
    elif task.patch_state == KLP_UNPATCHED:
        chosen = stack[-2] if len(stack) > 1 else None
        below = "the original" if chosen is None else f"{chosen.patch}'s version below it"
        told = [reason(engine, "call-below", **words, below=below)]
    else:
        told = [reason(engine, "call-switched", **words, state=STATE_NAMES[task.patch_state])]
    if chosen is not None and chosen.nop:
        told.append(reason(engine, "call-nop", owner=chosen.patch))
    expected = ORIGINAL if chosen is None or chosen.nop else chosen.patch
    if expected != call.code:
        # Something else has redirected the call, or switched livepatch's hooks off: say what is, and no more.
        return (reason(engine, "call-otherwise", code=call.code),)
    return tuple(told)
