"""The model beside the machine, for many scenarios and kernels: who agrees, who does not, who cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from klpdsl.goldens.suite import Suite
from klpdsl.kernel import evidence
from klpdsl.kernel.batch import Batch, Played
from klpdsl.kernel.distribution import engine_of
from klpdsl.kernel.errors import NotExpressible
from klpdsl.kernel.kernels import KernelImage
from klpdsl.kernel.machine import Acceleration
from klpdsl.kernel.observable import Difference, compare, visible_steps
from klpdsl.kernel.plan import GuestPlan, make_plan
from klpdsl.kernel.retrace import retrace
from klpdsl.run.session import Loaded, execute, load_file
from klpdsl.semantics.engines import resolve
from klpdsl.syntax.diagnostics import ScenarioError
from klpdsl.trace.events import Trace
from klpdsl.trace.text import to_text

Answer = Literal["confirmed", "contradicted", "not-expressible", "not-meant", "cannot-judge"]


class KernelVerdict(NamedTuple):
    """What a kernel says about a scenario. `why` says so in lines; `evidence` is what is worth keeping of it."""

    scenario: str
    kernel: str
    answer: Answer
    why: tuple[str, ...] = ()
    evidence: evidence.Evidence | None = None
    outcome: Played | None = None


class _Question(NamedTuple):
    plan: GuestPlan
    model: Trace
    engine: str


def confirm(
    suite: Suite,
    names: Iterable[str],
    kernel: KernelImage,
    *,
    everything: bool = False,
    accel: Acceleration = "tcg",
    machines: int = 2,
    progress: Callable[[str], None] | None = None,
) -> list[KernelVerdict]:
    """Ask `kernel` about the scenarios; one verdict each, in their order.

    `everything`: also those whose header does not name its release. What the model says of them is no golden, but it
    is what the model says.
    """
    verdicts: dict[str, KernelVerdict] = {}
    questions: dict[str, _Question] = {}
    for name in names:
        asked = _question(suite, name, kernel, everything=everything)
        if isinstance(asked, KernelVerdict):
            verdicts[name] = asked
        else:
            questions[name] = asked
    plans = {name: question.plan for name, question in questions.items()}
    outcomes = Batch(kernel, plans, accel=accel, machines=machines, progress=progress).run()
    for name, outcome in outcomes.items():
        verdicts[name] = judge(name, kernel, questions[name], outcome)
    return [verdicts[name] for name in names]


def _question(suite: Suite, name: str, kernel: KernelImage, *, everything: bool) -> _Question | KernelVerdict:
    try:
        loaded = load_file(suite.scenario_path(name))
        meant = _is_meant_for(loaded, kernel)
        if not meant and not everything:
            return KernelVerdict(name, kernel.name, "not-meant")
        engine = engine_of(kernel)
        plain = resolve(kernel.version)
        trace = execute(loaded, engine).trace
        # Only what a golden says too can be told from the goldens to be stale.
        golden = meant and trace == execute(loaded, plain).trace
    except ScenarioError as error:
        return KernelVerdict(name, kernel.name, "cannot-judge", tuple(error.render().splitlines()))
    try:
        return _Question(make_plan(loaded.program), trace, kernel.version if golden else engine.name)
    except NotExpressible as refusal:
        kept = evidence.Evidence("not-expressible", kernel.release, why=refusal.reasons)
        return KernelVerdict(name, kernel.name, "not-expressible", refusal.reasons, kept)


def _is_meant_for(loaded: Loaded, kernel: KernelImage) -> bool:
    # Nothing changed in v6.12, so that it has the engine, and the name in a list of engines, of a release before.
    return {kernel.version, resolve(kernel.version).name} & set(loaded.engine_names()) != set()


def judge(name: str, kernel: KernelImage, question: _Question, outcome: Played) -> KernelVerdict:
    """Compare what the model and the guest gave."""
    if outcome.end != "played":
        step = max(len(outcome.seen.steps) - 1, 0)
        last = outcome.boot.console.rstrip().splitlines()[-3:]
        why = (f"the guest {outcome.end} at step {step}, twice", *last)
        return KernelVerdict(name, kernel.name, "cannot-judge", why, outcome=outcome)
    notes = tuple(f"step {step.number}: {note}" for step in outcome.seen.steps for note in step.notes)
    if notes:
        return KernelVerdict(name, kernel.name, "cannot-judge", notes, outcome=outcome)
    model = visible_steps(question.model)
    difference = compare(model, visible_steps(retrace(question.plan, outcome.seen)))
    why = () if difference is None else describe(difference)
    kept = evidence.Evidence(
        "confirmed" if difference is None else "contradicted",
        kernel.release,
        question.engine,
        _digest_of(question.plan),
        evidence.digest_of_steps(model),
        evidence.digest_of_text(to_text(question.model)) if question.engine == kernel.version else "",
        why,
    )
    return KernelVerdict(name, kernel.name, kept.state, why, kept, outcome)


def _digest_of(plan: GuestPlan) -> str:
    files = {source: source.name for source in plan.sources}
    return evidence.digest_of_plan(plan.script("", files), ("".join(source.parts) for source in plan.sources))


def describe(difference: Difference) -> tuple[str, ...]:
    """Say in lines where the two part."""
    return (
        f"step {difference.step}: {difference.text}",
        *(f"only the model:  {line}" for line in difference.only_model),
        *(f"only the kernel: {line}" for line in difference.only_kernel),
    )
