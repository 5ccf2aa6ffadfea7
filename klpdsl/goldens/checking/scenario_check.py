"""Running scenarios on the engines they are meant for, and comparing with the goldens. Writes nothing into the tree."""

from __future__ import annotations

from klpdsl.goldens.checking.findings import Case, ScenarioReport
from klpdsl.goldens.runs import cases, known_clean
from klpdsl.goldens.runs.cases import Run
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite
from klpdsl.syntax.diagnostics import ScenarioError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from klpdsl.goldens.causes.why import Why


def check_scenario(
    suite: Suite, name: str, only: Collection[str] = (), *, explain: bool = True, cache: bool = True
) -> ScenarioReport:
    """Run one scenario on every engine that it is meant for, or on those of `only`, and compare with its goldens.

    A claim, which is an alphabet and no script, has no trace that anybody would want to keep: it is meant for none
    here, and `klpdsl verify --kept` looks after it.
    """
    contents = cases.inputs(suite, name)
    try:
        files = store.read_bytes(suite, name)
    except OSError as error:
        where = suite.relative(str(error.filename))
        return ScenarioReport(name, (), error=f"{where}: cannot be read: {error.strerror}", complete=False)
    runs = cases.cached(contents) if cache else None
    hit = runs is not None
    try:
        if runs is None:
            loaded = cases.load(suite, name)
            meant = () if loaded.program.alphabet else loaded.engine_names()
            wanted = [engine for engine in meant if not only or engine in only]
            runs = tuple(cases.execute(loaded, engine) for engine in wanted)
            if contents != cases.inputs(suite, name):
                # Somebody is editing it just now: what ran may be neither what was there nor what is.
                cache, contents = False, (b"\0in between",)
            if cache and len(wanted) == len(meant):
                cases.remember(contents, runs)
        else:
            meant = tuple(run.engine for run in runs)
            runs = tuple(run for run in runs if not only or run.engine in only)
        goldens = {engine: store.decode(content) for engine, content in files.items()}
        found = _compare(suite, name, goldens, runs, explain=explain)
    except ScenarioError as error:
        line = error.diagnostics[0].span.line if error.diagnostics else 0
        return ScenarioReport(name, (), error=error.render(), line=line, complete=False)
    redundant, unmeant = housekeeping(goldens, meant)
    return ScenarioReport(
        name,
        tuple(case for case in found if not case.matches or case.run.broken or case.surprising),
        len(runs),
        meant,
        complete=len(runs) == len(meant),
        inputs=cases.inputs_digest(contents),
        base=tuple((engine, store.fingerprint(content)) for engine, content in files.items()),
        redundant=redundant,
        unmeant=unmeant,
        cached=hit,
        key=known_clean.key(contents, files) if cache and len(runs) == len(meant) else "",
    )


def _compare(
    suite: Suite, name: str, goldens: dict[str, str], runs: tuple[Run, ...], *, explain: bool
) -> tuple[Case, ...]:
    found = []
    for run in runs:
        nearest = store.nearest(goldens, run.engine)
        found.append(Case(run, goldens.get(nearest), nearest))
    if not explain or all(case.matches for case in found):
        return tuple(found)
    return _explained(suite, name, found)


def _explained(suite: Suite, name: str, found: list[Case]) -> tuple[Case, ...]:
    """The cases, those that differ with the reason; it is looked for once where engines differ in the same way."""
    from klpdsl.goldens.causes import why

    loaded = None
    known: dict[tuple[str, str], Why] = {}
    explained = []
    for case in found:
        reason = None
        if case.golden is None:
            reason = why.NEW
        elif not case.matches:
            same = (case.golden, case.run.text)
            reason = known.get(same)
            if reason is None:
                loaded = loaded or cases.load(suite, name)
                reason = why.explain(suite, loaded, case.run, case.golden, case.golden_engine)
                # What lies between two engines is another for each; what the code gives for one text is the same.
                if reason.cause.kind in {"code", "scenario", "unreadable"}:
                    known[same] = reason
        explained.append(case._replace(why=reason))
    return tuple(explained)


def housekeeping(goldens: dict[str, str], meant: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Golden files that say what their nearest ancestor's says already, and those for no engine that is meant."""
    unmeant = tuple(engine for engine in goldens if engine not in meant)
    redundant = []
    for engine, text in goldens.items():
        ancestor = store.nearest((other for other in goldens if other != engine), engine)
        if ancestor and goldens[ancestor] == text:
            redundant.append(engine)
    return tuple(redundant), unmeant
