"""Each step of a scenario as lines of shell, and as the lines that it leaves in the log."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, NamedTuple

from klpdsl._errnos import ERRNOS
from klpdsl._names import ORIGINAL
from klpdsl.selftest.conventions import (
    LONGEST_WAIT,
    PATCHED_TEXT,
    REAL_FUNCTIONS,
    SYSFS,
    Loader,
    is_compared,
)
from klpdsl.selftest.names import ModuleNames
from klpdsl.selftest.playing import PlayedStep
from klpdsl.selftest.sites import Sites
from klpdsl.syntax import tree
from klpdsl.syntax.wording import format_statement
from klpdsl.trace.events import Call, Callback, Log
from klpdsl.world.values import VMLINUX


class Written(NamedTuple):
    """A step in the script: its lines, and what it writes into the log before and after the kernel does."""

    shell: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class CannotBeWritten(Exception):  # noqa: N818 - an answer about one step
    """No shell can do that; the text says why."""


class StepWriter:
    """Writes the steps of one scenario, in order: it remembers which tasks are where.

    `choosing` are the patches whose module has a parameter `replace`.
    """

    def __init__(self, names: ModuleNames, sites: Sites, loader: Loader, choosing: frozenset[str]) -> None:
        self._names = names
        self._sites = sites
        self._loader = loader
        self._choosing = choosing
        self._waited = 0

    # --- what comes out ---

    def write(self, step: PlayedStep) -> Written:
        """Return a step's lines. Raises `CannotBeWritten`."""
        if step.trace.result is not None and step.trace.result.value == "unsupported":
            raise CannotBeWritten(f"this kernel does not know it: {step.trace.result.reason}")
        operation = step.statement.operation
        written = _WRITERS.get(type(operation), _refused)(self, step, operation)
        if step.after.ends_alone and not isinstance(operation, (tree.Tick, tree.Settle)):
            written = written._replace(shell=(*written.shell, *self._soon(step)))
        return written

    def log(self, step: PlayedStep, written: Written) -> tuple[str, ...]:
        """Return what `check_result` has to find in the log of a step."""
        lines = list(written.before)
        for event in step.trace.events:
            if isinstance(event, Log):
                lines.append(self._names.in_log(event.text))
                if "signaling remaining tasks" in event.text:
                    raise CannotBeWritten("the kernel sends signals at a moment that no script can choose")
            elif isinstance(event, Callback):
                lines.append(self._callback(step, event))
        return tuple(line for line in (*lines, *written.after) if is_compared(line))

    def _callback(self, step: PlayedStep, event: Callback) -> str:
        patch = self._names.modules[event.patch]
        if event.object == VMLINUX:
            return f"{patch}: {event.callback}_callback: vmlinux"
        operation = step.statement.operation
        state = "[MODULE_STATE_LIVE] Normal state"
        if getattr(operation, "name", None) == event.object:
            coming = isinstance(operation, tree.Load)
            state = (
                "[MODULE_STATE_COMING] Full formed, running module_init"
                if coming
                else "[MODULE_STATE_GOING] Going away"
            )
        return f"{patch}: {event.callback}_callback: {self._names.modules[event.object]} -> {state}"

    def variable(self, name: str) -> str:
        """Return how the shell says a module's name."""
        return f"${self._names.variables[name]}"

    # --- steps ---

    def load(self, step: PlayedStep, operation: tree.Load | tree.Apply) -> Written:
        """Insmod of a patch or of a target."""
        name, result = operation.name, self._result(step)
        module, variable = self._names.modules[name], self.variable(name)
        # A patch that is loaded now with the flag and now without has a parameter for it.
        said = (
            f" replace={int(any(flag.name == 'replace' for flag in operation.flags))}"
            if name in self._choosing
            else ""
        )
        command = self._loader.command.format(module) + said
        if result != "0":
            error = self._loader.failure.format(module, self._strerror(result))
            return Written((f"load_failing_mod {variable}{said}",), (command,), (error,))
        if name in self._sites.target_modules:
            return Written((f"load_mod {variable}",), (command,), (f"{module}: {module}_init",))
        if step.after.transition == name:
            return Written((f"load_lp_nowait {variable}{said}", *self._begun(name)), (command,))
        return Written((f"load_lp {variable}{said}",), (command,))

    def unload(self, step: PlayedStep, operation: tree.Unload) -> Written:
        """Rmmod."""
        name, result = operation.name, self._result(step)
        module, variable = self._names.modules[name], self.variable(name)
        command = f"% rmmod {module}"
        if result == "0":
            if name in self._sites.target_modules:
                return Written((f"unload_mod {variable}",), (command, f"{module}: {module}_exit"))
            return Written((f"unload_lp {variable}",), (command,))
        if result not in ("EAGAIN", "EBUSY"):
            raise CannotBeWritten(f"what rmmod says of {result} is not known")
        shell = (
            f'log "% rmmod {variable}"',
            f'ret=$(rmmod {variable} 2>&1) && die "{variable} could be removed"',
            'log "$ret"',
        )
        return Written(shell, (command, f"rmmod: ERROR: Module {module} is in use"))

    def write_attribute(self, step: PlayedStep, name: str, attribute: str, value: str) -> Written:
        """A write into sysfs, said to the log as the helpers do."""
        path = f"{SYSFS}/{self.variable(name)}/{attribute}"
        plain = f"{SYSFS}/{self._names.modules[name]}/{attribute}"
        said = f"% echo {value} > {plain}"
        quoted = shlex.quote(value)
        result = self._result(step)
        if result != "0":
            shell = (
                f'log "% echo {value} > {path}"',
                f'(echo {quoted} > "{path}") 2> /dev/null && die "{attribute} of {self.variable(name)} took {value}"',
            )
            return Written(shell, (said,))
        disabling = attribute == "enabled" and value == "0"
        if disabling and not step.after.transition:
            return Written((f"disable_lp {self.variable(name)}",), (said,))
        write: tuple[str, ...] = (f'log "% echo {value} > {path}"', f'echo {quoted} > "{path}"')
        if attribute == "enabled" and step.after.transition == name and not step.after.ends_alone:
            write += self._begun(name)
        return Written(write, (said,))

    def enable(self, step: PlayedStep, operation: tree.Enable) -> Written:
        """`echo 1` into enabled."""
        return self.write_attribute(step, operation.name, "enabled", "1")

    def disable(self, step: PlayedStep, operation: tree.Disable) -> Written:
        """`echo 0` into enabled."""
        return self.write_attribute(step, operation.name, "enabled", "0")

    def reverse(self, step: PlayedStep, _: tree.Reverse) -> Written:
        """The opposite into enabled of the patch in transition."""
        name = step.before.transition
        if not name:
            raise CannotBeWritten("no patch is in transition that could be reversed")
        return self.write_attribute(step, name, "enabled", "0" if name in step.before.enabled else "1")

    def force(self, step: PlayedStep, operation: tree.Force) -> Written:
        """`echo 1` into force."""
        name = operation.name or step.before.transition
        if not name:
            raise CannotBeWritten("no patch is in transition that could be forced")
        return self.write_attribute(step, name, "force", "1")

    def write_any(self, step: PlayedStep, operation: tree.Write) -> Written:
        """Any text into any attribute."""
        if not operation.value.isascii() or not operation.value.replace("-", "").replace("_", "").isalnum():
            raise CannotBeWritten("a selftest's log can hold only words that the shell leaves alone")
        return self.write_attribute(step, operation.name, operation.attribute, operation.value)

    def sysctl(self, step: PlayedStep, operation: tree.Sysctl) -> Written:
        """kernel.ftrace_enabled, by the family's helper."""
        if operation.key != "kernel.ftrace_enabled":
            raise CannotBeWritten(f"no helper writes the sysctl {operation.key}")
        result = self._result(step)
        if result == "0":
            said = f"livepatch: kernel.ftrace_enabled = {operation.value}"
            return Written((f"set_ftrace_enabled {operation.value}",), after=(said,))
        error = self._strerror(result)  # EBUSY: all tools agree
        said = f'livepatch: sysctl: setting key "kernel.ftrace_enabled": {error}'
        return Written((f"set_ftrace_enabled --fail {operation.value}",), after=(said,))

    def tick(self, step: PlayedStep, operation: tree.Tick) -> Written:
        """Time passes: waited for where a transition ends in it."""
        if not step.before.transition:
            return Written(())
        if not step.after.transition:
            return Written(self._ended(step.before.transition))
        self._waited += operation.seconds
        if self._waited > LONGEST_WAIT:
            raise CannotBeWritten(
                f"a transition is blocked for more than {LONGEST_WAIT} seconds, and signals may come at any moment"
            )
        return Written((f"sleep {operation.seconds}",))

    def settle(self, step: PlayedStep, _: tree.Settle) -> Written:
        """Wait for the end of the transition."""
        if step.after.transition:
            raise CannotBeWritten("the transition does not end here, and a script can not wait for that")
        return Written(self._ended(step.before.transition) if step.before.transition else ())

    def show(self, step: PlayedStep, _: tree.Show) -> Written:
        """Somebody looks: a script has nothing to do."""
        del step
        return Written(())

    def set_callbacks(self, step: PlayedStep, operation: tree.SetCallbacks) -> Written:
        """pre_patch of a patch begins to fail, by the parameter of its module."""
        del step
        callbacks = {callback.name: callback.errno or "0" for callback in operation.callbacks}
        if set(callbacks) != {"pre_patch"}:
            raise CannotBeWritten("only what pre_patch returns can be changed in a module that is loaded")
        number = -ERRNOS.get(callbacks["pre_patch"], 0)
        module = self._names.modules[operation.name]
        said = f"% echo {number} > /sys/module/{module}/parameters/pre_patch_ret"
        return Written((f"set_pre_patch_ret {self.variable(operation.name)} {number}",), (said,))

    def task_step(self, step: PlayedStep, operation: tree.TaskStep) -> Written:
        """What a task does."""
        (action,) = operation.actions
        task = operation.task
        if self._result(step) != "0":
            raise CannotBeWritten(
                f"`{format_statement(operation)}` fails, and nothing in user space would see how"
            )
        if isinstance(action, tree.Call):
            return Written(self._sites.call(task, action.function))
        if isinstance(action, tree.Return):
            return Written(self._sites.return_(task))
        if isinstance(action, tree.Syscall) and action.function is None:
            return Written(())
        if isinstance(action, tree.Syscall) and action.function is not None:
            return self._system_call(step, action.function)
        raise CannotBeWritten(
            f"no script can make a task do `{format_statement(action)}` and know when it has"
        )

    def _system_call(self, step: PlayedStep, function: tree.FunctionRef) -> Written:
        """A file is read whose contents the function makes; one of the core kernel's says so in the log."""
        if self._sites.is_generated(function):
            return Written((f'cat "{self._sites.file(function)}" > /dev/null',))
        if step.after.transition:
            raise CannotBeWritten("which version a task runs in the middle of a transition, nobody else runs")
        codes = [event.code for event in step.trace.events if isinstance(event, Call)]
        said = [f"{self._names.modules[code]}: {PATCHED_TEXT}" for code in codes if code != ORIGINAL]
        return Written(
            (f"grep '{PATCHED_TEXT.partition('been ')[2]}' {self._sites.file(function)} > /dev/kmsg",),
            after=tuple(said),
        )

    # --- expectations ---

    def check(self, check: tree.Expect, step: PlayedStep | None) -> tuple[str, ...]:
        """Return the lines that look at what an expectation asks for. Raises `CannotBeWritten`."""
        condition = check.condition
        text = format_statement(condition).replace('"', "'")
        if isinstance(condition, tree.AttributeIs):
            return self._check_attribute(condition, text)
        if isinstance(condition, tree.TransitionIs):
            if condition.patch is None or condition.negated:
                want = "!" if (condition.patch is None) != condition.negated else ""
                which = "*" if condition.patch is None else self.variable(condition.patch)
                look = f"grep -qs '^1$' {SYSFS}/{which}/transition"
                return (f'{look} && die "{text}"',) if want else (f'{look} || die "{text}"',)
            return (f"check_sysfs_value {self.variable(condition.patch)} transition 1",)
        if isinstance(condition, tree.TaskSees):
            if step is not None and step.after.transition:
                raise CannotBeWritten(
                    "which version a task sees in the middle of a transition, nobody else can look up"
                )
            return self._check_version(condition, text)
        if isinstance(condition, tree.LogContains):
            return ()  # the whole log is compared
        raise CannotBeWritten(f"`expect {format_statement(condition)}` asks for what only the model can see")

    def _check_attribute(self, condition: tree.AttributeIs, text: str) -> tuple[str, ...]:
        variable = self.variable(condition.subject)
        if condition.attribute == "refs":
            path = f"/sys/module/{variable}/refcnt"
            if condition.value == "gone":
                return (f'[[ ! -e /sys/module/{variable} ]] || die "{text}"',)
            # The kernel puts a reference in its own time, and soon.
            return (f"loop_until '[[ $(cat {path}) == {int(condition.value)} ]]' || die \"{text}\"",)
        path = f"{SYSFS}/{variable}/{condition.attribute}"
        if condition.value == "gone":
            return (f'[[ ! -e {path} ]] || die "{text}"',)
        return (f"check_sysfs_value {variable} {condition.attribute} {shlex.quote(condition.value)}",)

    def _check_version(self, condition: tree.TaskSees, text: str) -> tuple[str, ...]:
        path = self._sites.file(condition.function)
        if condition.function.name in REAL_FUNCTIONS and not self._sites.is_generated(condition.function):
            look = f"grep -q '{PATCHED_TEXT}' {path}"
            original = (condition.code == ORIGINAL) != condition.negated
            if condition.code != ORIGINAL:
                look = f'grep -q "^{self.variable(condition.code)}: {PATCHED_TEXT}" {path}'
                original = condition.negated
            return (f'{look} && die "{text}"',) if original else (f'{look} || die "{text}"',)
        relation = "!=" if condition.negated else "=="
        return (f'[[ $(cat {path}) {relation} {shlex.quote(condition.code)} ]] || die "{text}"',)

    # --- helpers ---

    def _result(self, step: PlayedStep) -> str:
        return step.trace.result.value if step.trace.result else "0"

    def _strerror(self, errno: str) -> str:
        said = self._loader.strerror(errno)
        if not said:
            raise CannotBeWritten(f"what the tools say of {errno} is not known")
        return said

    def _begun(self, name: str) -> tuple[str, ...]:
        return (f"in_transition {self.variable(name)}",)

    def _ended(self, name: str) -> tuple[str, ...]:
        self._waited = 0
        return (f"transition_ended {self.variable(name)}",)

    def _soon(self, step: PlayedStep) -> tuple[str, ...]:
        """What follows must not come while the kernel completes the transition by itself."""
        return self._ended(step.after.transition)


def _refused(_: StepWriter, step: PlayedStep, operation: Any) -> Written:
    del step
    raise CannotBeWritten(f"no helper of the family does `{format_statement(operation)}`")


_WRITERS: dict[type, Callable[[StepWriter, PlayedStep, Any], Written]] = {
    tree.Load: StepWriter.load,
    tree.Apply: StepWriter.load,
    tree.Unload: StepWriter.unload,
    tree.Enable: StepWriter.enable,
    tree.Disable: StepWriter.disable,
    tree.Reverse: StepWriter.reverse,
    tree.Force: StepWriter.force,
    tree.Write: StepWriter.write_any,
    tree.Sysctl: StepWriter.sysctl,
    tree.Tick: StepWriter.tick,
    tree.Settle: StepWriter.settle,
    tree.Show: StepWriter.show,
    tree.SetCallbacks: StepWriter.set_callbacks,
    tree.TaskStep: StepWriter.task_step,
}
"""What a script can do; every other operation is refused with its words."""
