"""`klpdsl explain`: what happened in a step of a scenario and why, with the kernel's function and release behind it."""

from __future__ import annotations

import os

from klpdsl.cli.common import OK, USAGE, complain, parser
from klpdsl.cli.engine_options import add_engines, asked_engines
from klpdsl.cli.lists import wrapped
from klpdsl.cli.scenario_options import add_text, loaded_of
from klpdsl.reasons.telling import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from klpdsl.reasons.telling import Sentence, Told


def main(argv: list[str]) -> int:
    """Run the command; returns its exit code."""
    p = parser(
        "explain",
        "Say what happened in a step of a scenario, or in every step, and why: who holds a transition and what would\n"
        "release it, why the others do not, why a call takes its version, why a step was refused, how a property\n"
        "came to be broken. Behind each sentence stands the kernel's function, and since when it is so.",
        "klpdsl explain scenarios/force/replace.klp:5 --engine v6.12",
    )
    p.add_argument("where", nargs="?", metavar="FILE[:STEP]", help="a scenario, and perhaps one of its steps")
    add_text(p)
    p.add_argument("--step", type=int, metavar="N", help="only this step")
    p.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how to print it")
    add_engines(p, "where it happened (default: the newest that the scenario is meant for)")
    arguments = p.parse_args(argv)
    where, step = _where(arguments.where or "", arguments.step)
    if step is None:
        complain("klpdsl explain: one step, by its number from 1 on: FILE:STEP or --step STEP")
        return USAGE
    if bool(where) == (arguments.text is not None):
        complain("klpdsl explain: name a file, - for standard input, or give a scenario with -c")
        return USAGE
    loaded = loaded_of(where or None, arguments.text)
    engines = asked_engines(arguments.engine or [loaded.engine_names()[-1]])
    answers = []
    for asked in engines:
        told = explain(loaded, asked.engine, step)
        if step and not told:
            complain(f"klpdsl explain: there is no step {step} in {loaded.source}")
            return USAGE
        answers.append((asked.label, told))
    if arguments.format == "json":
        import json

        rows = [{"engine": label, "steps": [_plain(one) for one in told]} for label, told in answers]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        write = _markdown if arguments.format == "markdown" else _text
        print("\n".join(line for label, told in answers for line in write(label, told)))
    return OK


def _where(where: str, step: int | None) -> tuple[str, int | None]:
    """The file, and the step that is asked for: 0 where none is, None where it is none or there are two."""
    path, _, number = where.rpartition(":")
    if path and number.isdecimal() and not os.path.exists(where):
        # Nothing has so many steps, and Python reads no number of more digits.
        asked = int(number) if len(number) < 10 else 10**9
        return path, asked if step is None and asked else None
    return where, 0 if step is None else step if step > 0 else None


def _plain(told: Told) -> dict[str, object]:
    return {
        "step": told.number,
        "text": told.text,
        "result": told.result,
        "paragraphs": {one.title: [_row(s) for s in one.sentences] for one in told.paragraphs},
    }


def _row(sentence: Sentence) -> dict[str, object]:
    row: dict[str, object] = {"text": sentence.text.strip(), "source": sentence.source}
    return row | ({"inner": [_row(one) for one in sentence.inner]} if sentence.inner else {})


class _Notes:
    """The sources that were named, each once, by the number under which they stand at the end."""

    def __init__(self) -> None:
        self.sources: dict[str, int] = {}

    def mark(self, sentence: Sentence) -> str:
        """The sentence with the number of its source."""
        if not sentence.source:
            return sentence.text
        return f"{sentence.text} [{self.sources.setdefault(sentence.source, len(self.sources) + 1)}]"


def _text(label: str, told: Sequence[Told]) -> Iterator[str]:
    notes = _Notes()
    yield f"on {label}"
    if not told:
        yield "nothing in it needs an explanation"
    for one in told:
        yield ""
        yield _head(one)
        for paragraph in one.paragraphs:
            yield f"  {paragraph.title}"
            for sentence in paragraph.sentences:
                yield from _wrapped(notes.mark(sentence), "    - ", "      ")
                for inner in sentence.inner:
                    yield from _wrapped(notes.mark(inner), "        ", "          ")
    if notes.sources:
        yield ""
        for source, number in notes.sources.items():
            yield from _wrapped(source, f"[{number}] ", "    ")


def _head(told: Told) -> str:
    return f"step {told.number}: {told.text}" + (f"  = {told.result}" if told.result else "")


def _wrapped(text: str, first: str, others: str) -> list[str]:
    """The lines of a sentence that may bring an indent of its own."""
    lead = " " * (len(text) - len(text.lstrip()))
    return wrapped(text.strip(), first + lead, others + lead)


def _markdown(label: str, told: Sequence[Told]) -> Iterator[str]:
    notes = _Notes()
    yield f"**on {label}**"
    for one in told:
        yield ""
        yield f"**step {one.number}:** `{one.text}`" + (f" = {one.result}" if one.result else "")
        for paragraph in one.paragraphs:
            yield from ("", f"*{paragraph.title}*", "")
            for sentence in paragraph.sentences:
                yield f"- {notes.mark(sentence)}"
                yield from (f"  - {notes.mark(inner).strip()}" for inner in sentence.inner)
    if notes.sources:
        yield ""
    yield from (f"{number}. {source}" for source, number in notes.sources.items())
