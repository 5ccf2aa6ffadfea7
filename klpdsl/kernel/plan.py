"""From a program to what the guest is told: which modules there are, how the world is set up, and each step.

What a real kernel cannot be made to do is refused here, with all its reasons.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from klpdsl.kernel import sources
from klpdsl.kernel.errors import NotExpressible
from klpdsl.kernel.sources import (
    STAND_IN,
    Function,
    ModuleProbe,
    PatchedFunction,
    PatchedObject,
    PatchModule,
    Source,
    TargetModule,
)
from klpdsl.run.flow import NextStep
from klpdsl.run.program import Program
from klpdsl.syntax import tree
from klpdsl.syntax.conditions import parts_of
from klpdsl.syntax.wording import format_statement
from klpdsl.world.values import VMLINUX, PatchSpec

MAX_TASKS = 64
"""As many as the guest's init has room for."""

FIRST_PID = 101

UNINTERRUPTIBLE = 1
"""The runtime's flag of that name."""

_SYSCTLS = {"kernel.ftrace_enabled": "/proc/sys/kernel/ftrace_enabled"}

# What makes a release say that it never had something: the step is not carried out, and its result is this.
UNSUPPORTED = "unsupported"

Field = str | Source
Sites = dict[tree.FunctionRef, tuple[str, str, str]]


class PlannedStep(NamedTuple):
    """A step: what the guest does (a verb and its operands; a source stands for its module's file).

    `fixed` is the result where not the kernel but the tool gives it. `operation` is the statement's node, `wanted` the
    result it must have, if any, and `checks` are the expectations after it.
    """

    line: int
    text: str
    order: tuple[Field, ...]
    operation: tree.Operation
    wanted: str
    fixed: str
    checks: tuple[tree.Expect, ...]


class GuestPlan(NamedTuple):
    """A scenario as the guest runs it."""

    sources: tuple[Source, ...]
    world: tuple[tuple[Field, ...], ...]
    steps: tuple[PlannedStep, ...]
    opening: tuple[tree.Expect, ...]
    sites: Sites
    """What the functions are (object, name, position) about which expectations ask."""
    pids: dict[str, int]
    """What a canonical trace calls the tasks' pids: counted from 101 in order of declaration."""

    def script(self, key: str, files: Mapping[Source, str]) -> str:
        """Return the guest's lines for this scenario, which it will report under `key`."""
        orders: list[tuple[Field, ...]] = [
            ("scenario", key),
            *self.world,
            ("begin",),
            *self._probes(self.opening),
        ]
        for number, step in enumerate(self.steps, 1):
            orders += [("step", str(number), *step.order), *self._probes(step.checks)]
        orders.append(("end",))
        return "".join(
            "\t".join(files[field] if isinstance(field, Source) else field for field in order) + "\n"
            for order in orders
        )

    def _probes(self, checks: tuple[tree.Expect, ...]) -> Iterator[tuple[Field, ...]]:
        """What has to be looked at for expectations about whose code a task sees."""
        for check in checks:
            for condition in parts_of(check.condition):
                if isinstance(condition, tree.TaskSees):
                    yield ("probe", condition.task, *self.sites[condition.function])


def make_plan(program: Program) -> GuestPlan:
    """Return what the guest must do to play `program`. Raises NotExpressible."""
    return _Planner(program).plan()


class _Planner:
    """The work in progress on one plan."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._refusals: dict[str, None] = {}
        self._sources: dict[Source, None] = {}
        self._targets: dict[str, Source] = {}
        self._sites: Sites = {}

    def plan(self) -> GuestPlan:
        """Plan all of it, and only then say what cannot be done."""
        world = self._world()
        opening, steps = self._steps()
        if self._refusals:
            raise NotExpressible(tuple(self._refusals))
        names = [task.name for task in self._program.world.tasks if task.kind != "idle"] + list(
            self._children()
        )
        pids = {name: pid for pid, name in enumerate(names, FIRST_PID)}
        return GuestPlan(tuple(self._sources), tuple(world), tuple(steps), opening, self._sites, pids)

    def _refuse(self, reason: str) -> None:
        if reason:
            self._refusals.setdefault(reason)

    # --- the world ------------------------------------------------------------------------------------------------

    def _world(self) -> list[tuple[Field, ...]]:
        start = self._program.world
        if start.cpus:
            self._refuse(
                "the idle tasks of a real kernel cannot be held where a scenario wants them (`cpus`)"
            )
        if start.contended:
            self._refuse("nobody can be made to wait for the lock on the task list at will (`contended`)")
        if start.is_async:
            self._refuse("no moment can be chosen at which queued work is done (`async`, `work`)")
        if not start.arch_reliable:
            self._refuse("the kernel is built for x86-64, which has reliable stack traces (`arch`)")
        if start.srcversions or any(module.build_of for module in self._program.modules.values()):
            self._refuse(
                "the stand-ins for modules have one build each, and no srcversion of a scenario's choice (`as`)"
            )
        core = tuple(Function(symbol.name, symbol.notrace) for symbol in start.symbols[VMLINUX])
        stand_in = self._target(STAND_IN, core)
        for name, module in self._program.modules.items():
            functions = tuple(Function(function.name, function.notrace) for function in module.functions)
            self._refuse(sources.module_name_problem(name))
            probes = tuple(
                ModuleProbe(*key, after)
                for keys, after in ((start.redirects, True), (start.probes, False))
                for key in keys.get(name, ())
            )
            init_error = self._errno(start.init_errors.get(name, "0"))
            self._targets[name] = self._target(name, functions, init_error, probes)
        orders: list[tuple[Field, ...]] = [("set-up", "load", stand_in)]
        orders += [("set-up", "load", self._targets[name]) for name in start.modules if name in self._targets]
        return orders + self._tasks()

    def _target(
        self,
        name: str,
        functions: tuple[Function, ...],
        init_error: int = 0,
        probes: tuple[ModuleProbe, ...] = (),
    ) -> Source:
        for function in functions:
            self._refuse(sources.symbol_problem(function.name))
        return self._source(sources.target_source(TargetModule(name, functions, init_error, probes)))

    def _tasks(self) -> list[tuple[Field, ...]]:
        declared: list[tuple[Field, ...]] = []
        calls: list[tuple[Field, ...]] = []
        for task in self._program.world.tasks:
            if task.kind == "idle":
                continue
            self._refuse(sources.task_name_problem(task.name))
            if task.running:
                self._refuse(f"no moment can be chosen at which '{task.name}' is on a CPU (`running`)")
            if task.of:
                self._refuse(
                    f"the modules here do no work of their own ('{task.name}' does that of '{task.of}')"
                )
            if task.unreliable:
                self._refuse(f"the stack of '{task.name}' cannot be made unreliable (`unreliable`)")
            for flag in ("nohz", "unkillable", "vcpu", "io_worker"):
                if getattr(task, flag):
                    self._refuse(f"'{task.name}' is an ordinary process on a CPU with ticks (`{flag}`)")
            if task.of:
                self._refuse(f"the stand-in for {task.of} does not wait for '{task.name}' (`of`)")
            flags = UNINTERRUPTIBLE if task.uninterruptible else 0
            declared.append(("task", task.name, task.kind, str(flags)))
            calls.append(("start", task.name))
            calls += [
                ("set-up", "call", task.name, code.object, code.function, str(code.position))
                for code in task.stack
            ]
        for name in self._children():
            self._refuse(sources.task_name_problem(name))
            declared.append(("task", name, "user", "0"))
        if len(declared) > MAX_TASKS:
            self._refuse(f"there are more than {MAX_TASKS} tasks")
        return declared + calls

    def _children(self) -> Iterator[str]:
        seen = {task.name for task in self._program.world.tasks}
        kthreads = {task.name for task in self._program.world.tasks if task.kind == "kthread"}
        for statement in self._program.statements:
            if isinstance(statement, tree.Step) and isinstance(statement.operation, tree.TaskStep):
                for action in statement.operation.actions:
                    if isinstance(action, tree.Fork) and statement.operation.task in kthreads:
                        self._refuse(f"only user tasks fork; '{statement.operation.task}' is a kernel thread")
                    elif isinstance(action, tree.Fork) and action.child not in seen:
                        seen.add(action.child)
                        yield action.child

    # --- the steps ------------------------------------------------------------------------------------------------

    def _steps(self) -> tuple[tuple[tree.Expect, ...], list[PlannedStep]]:
        opening: list[tree.Expect] = []
        steps: list[PlannedStep] = []
        for statement in self._program.flow.plain(self._refuse_to_choose):
            if isinstance(statement, tree.Step):
                steps.append(self._step(statement))
            elif isinstance(statement, tree.Expect):
                for condition in parts_of(statement.condition):
                    if isinstance(condition, tree.TasksSee):
                        self._refuse(
                            "what each of all tasks would run is not asked of a real kernel (`any`, `all`)"
                        )
                    elif isinstance(condition, tree.TaskSees):
                        self._sites[condition.function] = self._function(condition.function)
                if steps:
                    steps[-1] = steps[-1]._replace(checks=(*steps[-1].checks, statement))
                else:
                    opening.append(statement)
        return tuple(opening), steps

    def _refuse_to_choose(self, _move: NextStep) -> bool:
        self._refuse("the order of an `interleave` is the model's to choose")
        return False

    def _step(self, statement: tree.Step) -> PlannedStep:
        operation = statement.operation
        fixed = ""
        if isinstance(operation, tree.TaskStep):
            order = self._action(operation.task, operation.actions[0])
        elif isinstance(operation, (tree.Load, tree.Apply)):
            order = self._load(operation)
            if order == ("observe",):
                fixed = UNSUPPORTED
        else:
            order = self._operator(operation)
        for field in order:
            if isinstance(field, str) and any(mark in field for mark in "\t\n"):
                self._refuse(f"'{field!r}' cannot be said to the guest")
        text = format_statement(operation)
        return PlannedStep(statement.span.line, text, order, operation, statement.result, fixed, ())

    def _load(self, operation: tree.Load | tree.Apply) -> tuple[Field, ...]:
        if isinstance(operation, tree.Load) and operation.name in self._program.modules:
            return ("load", self._targets[operation.name])
        spec = self._program.spec(operation)
        if spec.immediate or any(func.immediate for obj in spec.objects for func in obj.funcs):
            # struct klp_patch and struct klp_func have no such member (any more): there is no such module.
            return ("observe",)
        return ("load", self._source(sources.patch_source(self._patch(spec))))

    def _patch(self, spec: PatchSpec) -> PatchModule:
        self._refuse(sources.module_name_problem(spec.name))
        objects = []
        for obj in spec.objects:
            for name in (obj.name, *(func.name for func in obj.funcs)):
                self._refuse(sources.object_name_problem(name))
            callbacks = tuple((name, self._errno(value)) for name, value in obj.callbacks)
            functions = tuple(PatchedFunction(func.name, func.sympos) for func in obj.funcs)
            objects.append(PatchedObject(obj.name, functions, callbacks))
        if any(obj.debts for obj in spec.objects):
            self._refuse(f"the callbacks made for '{spec.name}' take nothing (`takes`, `gives`)")
        if spec.replace_sets or spec.override or spec.replaceable is not None:
            self._refuse(f"sets of patches and `replaceable` are proposals: '{spec.name}' can not be built")
        if any(state.block_disable or state.shadow or state.callbacks is not None for state in spec.states):
            self._refuse(f"what the states of '{spec.name}' ask for is a proposal: it can not be built")
        if spec.relocations:
            self._refuse(
                f"the module made for '{spec.name}' has no relocations for livepatch (`relocations`)"
            )
        return PatchModule(
            spec.name,
            tuple(objects),
            spec.replace,
            spec.marked,
            tuple((state.id, state.version) for state in spec.states),
        )

    def _errno(self, name: str) -> int:
        if name == "0":
            return 0
        number = getattr(errno, name, 0)
        if not isinstance(number, int) or not number:
            self._refuse(f"this machine knows no errno {name}")
            return 0
        return number

    def _source(self, source: Source) -> Source:
        self._sources.setdefault(source)
        return source

    def _operator(self, operation: tree.Operation) -> tuple[Field, ...]:
        order: tuple[Field, ...] = ("observe",)
        match operation:
            case tree.Unload(name=name):
                order = ("unload", name)
            case tree.Enable(name=name):
                order = ("write", name, "enabled", "1")
            case tree.Disable(name=name):
                order = ("write", name, "enabled", "0")
            case tree.Open() | tree.Close() | tree.Hold() | tree.Drop() | tree.Write():
                order = self._file(operation)
            case tree.Reverse():
                order = ("reverse",)
            case tree.Force(name=name):
                order = ("write", name, "force", "1") if name else ("current", "force", "1")
            case tree.Signal(name=name):
                order = ("write", name, "signal", "1") if name else ("current", "signal", "1")
            case tree.Tick(seconds=seconds):
                order = ("tick", str(seconds))
            case tree.Settle():
                order = ("settle",)
            case tree.Sysctl(key=key, value=value):
                if key not in _SYSCTLS:
                    self._refuse(f"the sysctl {key} is not one that a scenario may set on a real kernel")
                order = ("sysctl", _SYSCTLS.get(key, key), str(value))
            case tree.Show():
                pass
            case _:
                order = self._from_outside(operation)
        return order

    def _from_outside(self, operation: tree.Operation) -> tuple[Field, ...]:
        """What is done to tasks, functions and modules and not to livepatch."""
        order: tuple[Field, ...] = ("observe",)
        match operation:
            case tree.Kill(signal=signal, task=task):
                order = ("kill", task, signal)
            case tree.Attach(tracer="kprobe", function=function):
                order = ("attach", *self._function(function))
            case tree.Detach(tracer="kprobe", function=function):
                order = ("detach", *self._function(function))
            case tree.BeginLoad(name=name) | tree.BeginUnload(name=name) | tree.Proceed(name=name):
                self._refuse(f"the insmod or rmmod of '{name}' can not be held in the middle")
            case tree.SetCallbacks() | tree.Shadow():
                self._refuse(
                    "what a module's own code does while it is loaded can not be played on a real kernel"
                )
            case _:
                self._refuse(f"the guest cannot do `{format_statement(operation)}`")
        return order

    def _file(
        self, operation: tree.Open | tree.Close | tree.Hold | tree.Drop | tree.Write
    ) -> tuple[Field, ...]:
        match operation:
            case tree.Write(name=name, attribute=attribute, value=value):
                return ("write", name, attribute, value)
            case tree.Open(name=name, path=path):
                return ("open", name, _real_path(path))
            case tree.Close(name=name, path=path):
                return ("close", name, _real_path(path))
        self._refuse(
            f"nothing in user space takes a reference on a kobject (`{format_statement(operation)}`)"
        )
        return ("observe",)

    def _action(self, task: str, action: tree.Action) -> tuple[Field, ...]:
        match action:
            case tree.Call(function=function):
                return ("call", task, *self._function(function))
            case tree.Return():
                return ("return", task)
            case tree.Syscall(function=None):
                return ("enter", task)
            case tree.Syscall(function=tree.FunctionRef() as function):
                return ("through", task, *self._function(function))
            case tree.Fork(slowly=True):
                self._refuse(f"'{task}' cannot be held in the middle of fork (`slowly`)")
            case tree.Fork(child=child):
                return ("fork", task, child)
            case tree.Simple(verb="run" | "sleep" as verb):
                self._refuse(f"no moment can be chosen at which '{task}' is on a CPU (`{verb}`)")
            case tree.Simple(verb="unreliable" | "reliable" as verb):
                self._refuse(f"the stack of '{task}' cannot be made unreliable (`{verb}`)")
            case tree.Simple(verb="switchpoint"):
                self._refuse(f"no kernel has a switch point that '{task}' could ask for (`switchpoint`)")
            case tree.Simple(verb="resched" | "freeze" as verb):
                return (verb, task)
            case tree.Exit(slowly=True):
                self._refuse(f"'{task}' cannot be held where it has left the task list (`exit slowly`)")
            case tree.Exit():
                return ("exit", task)
            case _:
                self._refuse(f"the guest cannot make a task do `{format_statement(action)}`")
        return ("observe",)

    def _function(self, reference: tree.FunctionRef) -> tuple[str, str, str]:
        object_, name, position = self._program.key(reference)
        return object_, name, str(position)


def _real_path(path: str) -> str:
    """Return the path below a patch's directory in which the stand-in is what it stands in for."""
    head, slash, below = path.partition("/")
    return (STAND_IN if head == VMLINUX else head) + slash + below
