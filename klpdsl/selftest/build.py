"""From a scenario and an engine to the files of a selftest, or to all the reasons why there can be none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from klpdsl._errnos import ERRNOS
from klpdsl.run.program import Program
from klpdsl.run.session import Loaded, load_text
from klpdsl.selftest import csource
from klpdsl.selftest.conventions import REAL_FUNCTIONS, REAL_SYSCALLS, loader
from klpdsl.selftest.names import ModuleNames, function_problem
from klpdsl.selftest.playing import Play, PlayedStep, clean_up, play
from klpdsl.selftest.refusal import NotAScript
from klpdsl.selftest.script import ScriptCase, script
from klpdsl.selftest.sites import SiteError, Sites
from klpdsl.selftest.steps import CannotBeWritten, StepWriter
from klpdsl.semantics.engines import called
from klpdsl.semantics.records import Engine
from klpdsl.syntax import tree
from klpdsl.syntax.place import Span
from klpdsl.syntax.wording import format_statement
from klpdsl.world.values import VMLINUX, PatchSpec


class Selftest(NamedTuple):
    """The files of a test (paths below the folder of the livepatch selftests), and what the makefiles need."""

    files: dict[str, str]
    script: str
    objects: tuple[str, ...]
    expected: tuple[str, ...]

    def makefile_lines(self) -> str:
        """Return what to add to the two makefiles."""
        objects = "".join(f"\nobj-m += {name}.o" for name in self.objects)
        return f"# Makefile\nTEST_PROGS += {self.script}\n\n# test_modules/Makefile{objects}\n"


def build(loaded: Loaded, engine: Engine, release: str, older: Sequence[Engine] = ()) -> Selftest:
    """Return the test of a scenario for the selftests of a release's tree.

    `older`: engines of kernels on which the test is to pass too. What it asks of files in sysfs that they lack is
    asked only where the file is there. Raises `NotAScript`, with all reasons.
    """
    guarded = frozenset(
        failed.check.span
        for one in older
        for failed in play(loaded, one).failed
        if failed.check and isinstance(failed.check.condition, tree.AttributeIs) and failed.got == "gone"
    )
    made = _Builder(loaded, engine, release, called(engine.name, (release,)), guarded).build()
    for one in older:
        before = _Builder(loaded, one, release, one.name, guarded).build()
        if before.expected != made.expected:
            difference = _first_difference(before, made, one.name, release)
            raise NotAScript(loaded.source, ((0, f"it would not pass on {one.name}: {difference}"),))
    return made


def _first_difference(older: Selftest, made: Selftest, name: str, release: str) -> str:
    for before, after in zip(older.expected, made.expected, strict=False):
        if before != after:
            return f"that writes `{before}` where {release} writes `{after}`"
    return f"the log has {len(older.expected)} lines on {name} and {len(made.expected)} on {release}"


def with_clean_up(loaded: Loaded, engine: Engine) -> Loaded:
    """Return the scenario with statements at its end that leave nothing loaded."""
    added = clean_up(play(loaded, engine).world)
    text = next(iter(loaded.texts().values())) if not added else loaded.texts()[loaded.source]
    return load_text(f"{text.rstrip()}\n{added}", loaded.source) if added else loaded


class _Builder:
    """The work in progress on one test."""

    def __init__(
        self, loaded: Loaded, engine: Engine, release: str, label: str, guarded: frozenset[Span]
    ) -> None:
        self._first = loaded
        self._engine = engine
        self._release = release
        self._label = label
        self._guarded = guarded
        self._choosing: set[str] = set()
        self._reasons: dict[tuple[int, str], None] = {}

    def build(self) -> Selftest:
        self._check_engine()
        self._check_statements(self._first.program)
        self._give_up_if_any()
        loaded = with_clean_up(self._first, self._engine)
        program = loaded.program
        played = play(loaded, self._engine)
        for line, text, got, check in played.failed:
            if check is None or check.span not in self._guarded:
                self._refuse(line, f"on {self._label} it expects `{text}` and gets {got}")
        specs = self._specs(played, program)
        used = self._vmlinux_functions(specs) | self._called(played)
        names = ModuleNames(
            loaded.source, self._module_names(program, played, used, specs), tuple(program.modules)
        )
        for problem in names.problems:
            self._refuse(0, problem)
        sites = Sites(program, names, used)
        self._check_world(program, sites)
        self._give_up_if_any()
        case = self._case(loaded, played, names, sites, specs)
        self._give_up_if_any()
        files = {names.script: script(case, names)}
        objects = []
        for name in sites.functions:
            if name not in names.variables:
                continue  # never loaded
            tasks = tuple(
                csource.Sleeper(task.uninterruptible, task.kind == "kthread" and task.of == name)
                for task in program.world.tasks
            )
            target = csource.Target(names.modules[name], sites.functions[name], tasks)
            files[f"test_modules/{target.module}.c"] = csource.target_source(target, case.title)
            objects.append(target.module)
        for spec in specs:
            patch = self._patch(spec, names, sites)
            files[f"test_modules/{patch.module}.c"] = csource.patch_source(patch, case.title)
            objects.append(patch.module)
        return Selftest(files, names.script, tuple(objects), case.expected)

    # --- what can not be ---

    def _refuse(self, line: int, reason: str) -> None:
        if reason:
            self._reasons.setdefault((line, reason))

    def _give_up_if_any(self) -> None:
        if self._reasons:
            raise NotAScript(self._first.source, tuple(self._reasons))

    def _check_engine(self) -> None:
        sem = self._engine.semantics
        if sem.system != "klp":
            self._refuse(0, f"{self._label} is not the kernel's own livepatch")
        elif sem.api == "register":
            self._refuse(
                0, f"modules for {self._label} would have to register their patches first (before v5.1)"
            )

    def _check_statements(self, program: Program) -> None:
        for statement in program.statements:
            if isinstance(statement, (tree.Interleave, tree.Choose)):
                word = "interleave" if isinstance(statement, tree.Interleave) else "choose"
                self._refuse(statement.span.line, f"a script has one order, and `{word}` has many")

    def _check_world(self, program: Program, sites: Sites) -> None:
        world = program.world
        if world.cpus:
            self._refuse(0, "no script holds idle tasks where it wants them (`cpus`)")
        if world.contended:
            self._refuse(0, "no script makes others wait for the task list's lock (`contended`)")
        if not world.arch_reliable:
            self._refuse(
                0, "where stack traces are not reliable the kernel has no livepatch to test (`arch`)"
            )
        if world.is_async:
            self._refuse(0, "no script chooses when the kernel does its queued work (`async`)")
        if world.srcversions or any(module.build_of for module in program.modules.values()):
            self._refuse(0, "the modules made here have one build each (`as`, `srcversion`)")
        for name in (*world.redirects, *world.probes, *world.init_errors):
            self._refuse(0, f"the module made for '{name}' would have to do more than to be patched")
        for task in world.tasks:
            if task.nohz or task.unkillable or task.vcpu or task.io_worker:
                self._refuse(0, f"'{task.name}' would have to be more than an ordinary process")
            if task.running or task.unreliable or len(task.stack) > 1:
                what = (
                    "on a CPU"
                    if task.running
                    else "unreliable"
                    if task.unreliable
                    else "in two functions at once"
                )
                self._refuse(0, f"no script can put '{task.name}' {what}")
        for obj, functions in sites.functions.items():
            if len(set(functions)) != len(functions):
                self._refuse(0, f"two functions of {obj} have one name")
            for name in functions:
                self._refuse(0, function_problem(name))

    # --- what there is ---

    def _specs(self, played: Play, program: Program) -> list[PatchSpec]:
        """The patches that are loaded, each by its name: a module has one shape, but for a parameter."""
        found: dict[str, PatchSpec] = {}
        declared = {
            statement.name: statement
            for statement in program.declarations
            if isinstance(statement, tree.PatchDecl)
        }
        for step in played.steps:
            operation = step.statement.operation
            if isinstance(operation, (tree.Load, tree.Apply)) and operation.name not in program.modules:
                spec = program.spec(operation)
                if spec.name in declared and _replaces(operation) and not _replaces(declared[spec.name]):
                    self._choosing.add(spec.name)
                first = found.setdefault(spec.name, spec)
                if first != (spec._replace(replace=first.replace) if spec.name in declared else spec):
                    self._refuse(step.statement.span.line, f"'{spec.name}' is loaded in two shapes")
        return list(found.values())

    def _vmlinux_functions(self, specs: list[PatchSpec]) -> frozenset[str]:
        return frozenset(
            func.name for spec in specs for obj in spec.objects if obj.name == VMLINUX for func in obj.funcs
        )

    def _called(self, played: Play) -> frozenset[str]:
        called = set()
        for step in played.steps:
            operation = step.statement.operation
            if isinstance(operation, tree.TaskStep):
                for action in operation.actions:
                    if isinstance(action, (tree.Call, tree.Syscall)) and action.function is not None:
                        called.add(action.function.name)
            for check in step.checks:
                if isinstance(check.condition, tree.TaskSees):
                    called.add(check.condition.function.name)
        return frozenset(called)

    def _module_names(
        self, program: Program, played: Play, used: frozenset[str], specs: list[PatchSpec]
    ) -> tuple[str, ...]:
        """The modules that the test builds: in the order of their coming, targets first."""
        symbols = {symbol.name for symbol in program.world.symbols[VMLINUX]}
        loaded = set(program.world.modules) | {
            step.statement.operation.name
            for step in played.steps
            if isinstance(step.statement.operation, (tree.Load, tree.Apply))
        }
        names = [VMLINUX] if (symbols - set(REAL_FUNCTIONS) - REAL_SYSCALLS) & used else []
        names += [name for name in program.modules if name in loaded]
        names += [spec.name for spec in specs]
        return tuple(dict.fromkeys(names))

    def _patch(self, spec: PatchSpec, names: ModuleNames, sites: Sites) -> csource.LivePatch:
        objects = []
        for obj in spec.objects:
            callbacks = tuple((name, ERRNOS.get(errno, 0)) for name, errno in obj.callbacks)
            functions = tuple(
                csource.NewFunction(func.name, self._kind(obj.name, func.name)) for func in obj.funcs
            )
            if obj.name != VMLINUX:
                objects.append(csource.ObjectInC(names.modules.get(obj.name, obj.name), functions, callbacks))
                continue
            real = tuple(function for function in functions if function.kind != "slot")
            if real or callbacks:
                objects.append(csource.ObjectInC("", real, callbacks))
            stand_ins = tuple(function for function in functions if function.name in sites.stand_ins)
            if stand_ins:
                objects.append(csource.ObjectInC(names.modules[VMLINUX], stand_ins, ()))
        states = tuple((state.id, state.version) for state in spec.states)
        replace = None if spec.name in self._choosing else spec.replace
        return csource.LivePatch(names.modules[spec.name], spec.name, tuple(objects), replace, states)

    def _kind(self, obj: str, name: str) -> Literal["slot", "file", "syscall"]:
        if obj == VMLINUX and name in REAL_SYSCALLS:
            return "syscall"
        return "file" if obj == VMLINUX and name in REAL_FUNCTIONS else "slot"

    # --- the case ---

    def _case(
        self, loaded: Loaded, played: Play, names: ModuleNames, sites: Sites, specs: list[PatchSpec]
    ) -> ScriptCase:
        writer = StepWriter(names, sites, loader(self._release), frozenset(self._choosing))
        said = loader(self._release)
        shell: list[str] = []
        expected: list[str] = []
        for spec in specs:
            self._check_patch(spec)
        standing = [name for name in sites.functions if name == VMLINUX]
        standing = [name for name in standing if name in names.variables]
        started = [*standing, *(name for name in loaded.program.world.modules if name in sites.functions)]
        for name in started:
            module = names.modules[name]
            shell.append(f"load_mod ${names.variables[name]}")
            expected += [said.command.format(module), f"{module}: {module}_init"]
        try:
            for task in loaded.program.world.tasks:
                for code in task.stack:
                    shell += sites.stand(task.name, (code.object, code.function, code.position))
        except SiteError as error:
            self._refuse(0, str(error))
        for check in played.opening:
            shell += self._check(writer, check, None)
        for step in played.steps:
            lines = self._step(writer, step, expected)
            # Waiting twice for one thing, as where `settle` follows what ends by itself.
            shell += (
                lines[1:]
                if shell[-1:] == list(lines[:1]) and lines[0].startswith("transition_ended")
                else lines
            )
        for name in standing:
            module = names.modules[name]
            shell.append(f"unload_mod ${names.variables[name]}")
            expected += [f"% rmmod {module}", f"{module}: {module}_exit"]
        title = loaded.title or names.script.removesuffix(".sh")
        steps = tuple(format_statement(step.statement.operation) for step in played.steps)
        prose = _prose(self._first)
        return ScriptCase(title, prose, steps, tuple(shell), tuple(expected), self._label)

    def _check_patch(self, spec: PatchSpec) -> None:
        if spec.immediate or any(func.immediate for obj in spec.objects for func in obj.funcs):
            self._refuse(0, f"'{spec.name}' is immediate, which no such kernel knows")
        if not spec.marked:
            self._refuse(0, f"'{spec.name}' is not marked as a livepatch, and the helpers would not load it")
        if spec.replace_sets or spec.override or spec.replaceable is not None:
            self._refuse(0, f"'{spec.name}' says of itself what no release knows")
        if spec.relocations:
            self._refuse(0, f"the module made for '{spec.name}' has no relocations for livepatch")
        if not spec.objects:
            self._refuse(0, f"'{spec.name}' patches nothing")
        for obj in spec.objects:
            for func in obj.funcs:
                if func.sympos > 1:
                    self._refuse(0, f"'{spec.name}' patches one of several functions called {func.name}")
                self._refuse(0, function_problem(func.name))

    def _step(self, writer: StepWriter, step: PlayedStep, expected: list[str]) -> tuple[str, ...]:
        line = step.statement.span.line
        try:
            written = writer.write(step)
            expected += writer.log(step, written)
        except (CannotBeWritten, SiteError) as error:
            self._refuse(line, str(error))
            return ()
        checks = [line for check in step.checks for line in self._check(writer, check, step)]
        return (*written.shell, *checks)

    def _check(self, writer: StepWriter, check: tree.Expect, step: PlayedStep | None) -> tuple[str, ...]:
        try:
            lines = writer.check(check, step)
        except (CannotBeWritten, SiteError) as error:
            self._refuse(check.span.line, str(error))
            return ()
        condition = check.condition
        if check.span not in self._guarded or not isinstance(condition, tree.AttributeIs):
            return lines
        there = f"does_sysfs_exist {writer.variable(condition.subject)} {condition.attribute}"
        return (f"if {there}; then", *(f"\t{line}" for line in lines), "fi")


def _prose(loaded: Loaded) -> tuple[str, ...]:
    """The comment at the head of the scenario."""
    lines = []
    for line in loaded.texts()[loaded.source].splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return tuple(lines)


def _replaces(patch: tree.PatchDecl | tree.Load | tree.Apply) -> bool:
    return any(flag.name == "replace" for flag in patch.flags)
