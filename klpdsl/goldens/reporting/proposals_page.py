"""The generator of docs/proposals.md: each debate, what was asked, and what each alternative answers.

`python -m klpdsl.goldens.reporting.proposals_page docs/proposals.md` writes the document, `--check` only says whether
it is what the data and the goldens give (exit 1 if not). The answers are read out of the goldens.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from klpdsl._documents import markdown_table, write_or_compare
from klpdsl.goldens.storage import store
from klpdsl.goldens.suite import Suite, find_suite
from klpdsl.run.session import load_file
from klpdsl.semantics.distances import distance, measured, said
from klpdsl.semantics.engines import resolve
from klpdsl.semantics.records import Debate, EngineError, Proposal, Question
from klpdsl.semantics.table import debate, proposal, table
from klpdsl.trace import events as ev
from klpdsl.trace.reading import from_text

_NOT_ASKED = "-"
_HEAD = """\
# The debates of 2023 to 2026

<!-- Made by `make docs` from klpdsl/semantics/data/debates.toml and goldens/: change those, not this. -->

What was argued about livepatch on the list (live-patching@vger.kernel.org), each alternative an engine, and what each
of them does about the questions that were asked. An answer is what the golden of the scenario says, which the question
links to; run `klpdsl compare` on it to see all of it. `-`: the scenario does not ask that engine. *unsupported*: it has
no such thing. Whose reading an engine is, and what in it is inferred, says `klpdsl engines NAME` and
[fidelity.md](fidelity.md#engines-of-the-debates-of-2023-to-2026).
"""


class _Asked(NamedTuple):
    """A question, the engines that its scenario is for, and the trace of each."""

    question: Question
    traces: dict[str, ev.Trace]


def answer(trace: ev.Trace, look: str) -> str:
    """What a trace says about a question. Raises EngineError for what looks nowhere.

    `look` is one of these; STEP is the text of a step, and the first of that text is meant, but for `result last`:

        result: STEP, result last: STEP  how the step ended
        calls: STEP                      which versions ran in it
        callbacks: STEP                  the callbacks that ran in it
        sysfs PATH: STEP                 what it shows there
        complete P                       the step in which the transition to P was complete
        violations                       the properties that were broken, each with the first step that did
    """
    word, _, text = look.partition(":")
    kind, _, name = word.partition(" ")
    text = text.strip()
    if kind == "violations":
        first: dict[str, int] = {}
        for each in trace.steps:
            for event in each.events:
                if isinstance(event, ev.Violation):
                    first.setdefault(event.property, each.number)
        return "; ".join(f"**{name}** in step {number}" for name, number in first.items()) or "nothing broken"
    if kind == "complete":
        done = ev.Log("notice", f"livepatch: '{name}': patching complete")
        return next((f"in `{each.text}`" for each in trace.steps if done in each.events), "never")
    steps = reversed(trace.steps) if name == "last" else trace.steps
    step = next((one for one in steps if one.text == text), None)
    if step is None:
        raise EngineError(f"`{look}` looks nowhere: the scenario has no step `{text}`")
    if kind == "result" and step.result is not None:
        return step.result.value
    if kind == "calls":
        ran = [f"{event.function} of {event.code}" for event in step.events if isinstance(event, ev.Call)]
        return ", ".join(ran) or _end(step)
    if kind == "callbacks":
        called = [
            f"{event.patch} {event.object} {event.callback}"
            for event in step.events
            if isinstance(event, ev.Callback)
        ]
        return ", ".join(called) or ("none" if step.result == ev.Result("0") else _end(step))
    if kind == "sysfs":
        shown = [e.value for e in step.events if isinstance(e, ev.Sysfs) and e.path == name]
        return shown[-1] or "gone" if shown else "not there"
    raise EngineError(f"`{look}`: there is no `{kind}` to look at")


def _end(step: ev.StepTrace) -> str:
    return step.result.value if step.result else _NOT_ASKED


def render(suite: Suite) -> str:
    """Return the document. Raises EngineError for a question without a scenario, or one that looks nowhere."""
    debates = [_debate(suite, debate(name)) for name in table()["debates"]]
    return "\n".join([_HEAD, *debates, _distances()])


_APART = """\
## How far they are apart

For every two engines the shortest sequence of steps after which an observer sees something else, found by search
(`klpdsl separate`; its level `behaviour`: all but the log and the files of sysfs). `=`: none of any length, over
klpdsl's own alphabets; `?`: none was found there, and the search did not close. `klpdsl separate A B` prints the
scenario. The numbers, for the other levels and the proposals of 2017 too, are kept in
`klpdsl/semantics/data/distances.toml` (`make distances`).

"""


def _distances() -> str:
    """The engines of the debates and what they stand on, and the releases, each with each."""
    proposed = [one for one in map(proposal, table()["proposals"]) if one.debate]
    bases = dict.fromkeys(resolve(one.base).name for one in proposed if one.base not in table()["proposals"])
    releases = dict.fromkeys(name for pair in measured() for name in pair if _age(name)[1])
    tables = [
        ("Proposals", [*bases, *(one.id for one in proposed)]),
        ("Releases", sorted(releases, key=_age)),
    ]
    parts = [f"{name}:\n\n```text\n{_matrix(names)}```\n" for name, names in tables]
    alike = [
        (f"`{left}`, `{right}`", *map(said, found))
        for left, right in measured()
        if (found := distance(left, right)) is not None and min(found) <= 0
    ]
    head = ("not told apart at some level", "full", "behaviour", "outcome")
    return f"{_APART}{chr(10).join(parts)}\n{markdown_table(head, alike)}"


def _matrix(names: list[str]) -> str:
    width = max(map(len, names))
    lines = [f"{'':{width + 4}}{''.join(f'{place:3}' for place in range(1, len(names)))}"]
    for row, left in enumerate(names):
        found = (distance(left, right) for right in names[:row])
        cells = "".join(f"{said(one.behaviour) if one else '':>3}" for one in found)
        lines.append(f"{row + 1:2}  {left:{width}}{cells}".rstrip())
    return "\n".join(lines) + "\n"


def _debate(suite: Suite, about: Debate) -> str:
    asked = [_asked(suite, question) for question in about.question]
    engines = [one for one in map(proposal, table()["proposals"]) if one.debate == about.id]
    answering = {name for one in asked for name in one.traces}
    others = sorted(answering - {one.id for one in engines}, key=_age)
    names = [*others, *(one.id for one in engines if one.id in answering)]
    head = ("", *(f"[{one.question.ask}](../{_path(one.question)})" for one in asked))
    rows = [(f"`{name}`", *(_cell(one, name) for one in asked)) for name in names]
    listed = "".join(f"- {_alternative(one)}\n" for one in engines)
    return f"## {about.title}\n\n{about.text.strip()}\n\n{listed}\n{markdown_table(head, rows)}"


def _asked(suite: Suite, question: Question) -> _Asked:
    path = suite.scenario_path(f"proposals/{question.scenario}")
    if not os.path.exists(path):
        raise EngineError(f"debates.toml: there is no scenario {_path(question)}")
    texts = store.meant(suite, f"proposals/{question.scenario}", load_file(path))
    return _Asked(question, {name: from_text(text) for name, text in texts.items()})


def _cell(asked: _Asked, engine: str) -> str:
    trace = asked.traces.get(engine)
    return _NOT_ASKED if trace is None else answer(trace, asked.question.look)


def _age(name: str) -> tuple[bool, tuple[int, ...]]:
    """Releases first, the oldest first; then engines of other debates."""
    is_release = name.startswith("v") and name[1:].replace(".", "").isdigit()
    return not is_release, tuple(map(int, name[1:].split("."))) if is_release else ()


def _alternative(one: Proposal) -> str:
    mark = " (a mutant: it must be caught)" if one.kind == "mutant" else ""
    return f"`{one.id}`{mark}: {one.who}, {one.when}; {one.status}. {' '.join(one.prose.split())}"


def _path(question: Question) -> str:
    return f"scenarios/proposals/{question.scenario}.klp"


def main(argv: list[str]) -> int:
    """Write the document to the path given, or compare with it."""
    module = "klpdsl.goldens.reporting.proposals_page"
    return write_or_compare(argv, module, "the data and the goldens give", lambda: render(find_suite([])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
