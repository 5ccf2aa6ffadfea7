"""A review: one class at a time, a decision for each, every decision saved when it is made.

This is the review without a screen; the line mode and the full-screen mode show it and pass keys on.
"""

from __future__ import annotations

from collections.abc import Sequence

from klpdsl.goldens.checking.classes import Class
from klpdsl.goldens.deciding import pending
from klpdsl.goldens.deciding.pending import Decision
from klpdsl.goldens.reporting.check_report import (
    changed_lines,
    class_lines,
    several,
    structure_lines,
    text_lines,
)
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.goldens.suite import Suite

ACCEPT, REJECT, SKIP = "accept", "reject", "skip"

KEYS = (
    ("a", "accept", "make these traces the goldens"),
    ("r", "reject", "keep the goldens; the rule or the scenario has to change"),
    ("s", "skip", "decide later"),
    ("A", "accept all", "accept this one and all that are left"),
    ("R", "reject all", "reject this one and all that are left"),
    ("S", "skip all", "skip this one and all that are left"),
    ("i", "info", "show or hide the cause and all members"),
    ("d", "diff", "show or hide the difference of the texts"),
    ("e", "explain", "what is known of the engine change or the rule"),
    ("b", "back", "to the class before"),
    ("u", "undo", "take the latest decision back"),
    ("/", "search", "to the next class that has these words in it"),
    ("q", "quit", "carry nothing out; decisions are kept"),
    ("?", "help", "this list"),
)


class Review:
    """A review in progress."""

    def __init__(self, suite: Suite, classes: Sequence[Class], violations: bool = False) -> None:
        self.suite = suite
        self.classes = tuple(classes)
        self.violations = violations
        self.info = True
        self.diff = True
        known = {one.id for one in self.classes}
        # A skipped class comes again in the next review: skipping is no decision to keep.
        self.made = {
            id_: one
            for id_, one in pending.decisions(suite).items()
            if id_ in known and one.verdict in (ACCEPT, REJECT)
        }
        self.resumed = len(self.made)
        self._order: list[str] = list(self.made)
        self.place = 0
        self._forward(0)

    @property
    def current(self) -> Class | None:
        """The class to be decided; None when all are."""
        return self.classes[self.place] if self.place < len(self.classes) else None

    @property
    def remaining(self) -> int:
        """How many classes nobody has said anything about."""
        return sum(one.id not in self.made for one in self.classes)

    def decided(self, verdict: str) -> list[Class]:
        """The classes with this decision."""
        return [one for one in self.classes if one.id in self.made and self.made[one.id].verdict == verdict]

    def blocked(self, one: Class) -> str:
        """Why a class cannot be accepted; empty when it can."""
        if one.blocked:
            member = one.blocked[0]
            return f"{member.scenario} on {member.engine}: {member.blocked[0]}"
        if not self.violations:
            for member in one.members:
                if member.violations:
                    return (
                        f"{member.scenario} on {member.engine}: violation of {member.violations[0]}, which nobody "
                        "expects (klpdsl review --with-violations, if it is right)"
                    )
        return ""

    def decide(self, verdict: str, reason: str = "") -> str:
        """Decide the current class and go on to the next; returns what to say, empty when all is well."""
        one = self.current
        if one is None:
            return "all is decided"
        problem = self._decide(one, verdict, reason)
        if not problem:
            self._save()
            self._forward(self.place + 1)
        return problem

    def decide_all(self, verdict: str, reason: str = "") -> str:
        """Decide the current class and all that are left undecided."""
        problems = []
        for one in self.classes[self.place :]:
            if one.id not in self.made:
                problem = self._decide(one, verdict, reason)
                problems += [problem] if problem else []
        self._save()
        self._forward(self.place)
        return "; ".join(problems)

    def _decide(self, one: Class, verdict: str, reason: str) -> str:
        if verdict == ACCEPT:
            problem = self.blocked(one)
            if problem:
                return f"not accepted: {problem}"
            if one.alters and not reason.strip():
                return "not accepted: goldens that exist change only for a reason"
        self.made[one.id] = Decision(verdict, reason.strip())
        self._order = [id_ for id_ in self._order if id_ != one.id] + [one.id]
        return ""

    def undo(self) -> str:
        """Take the latest decision back, and go there."""
        if not self._order:
            return "nothing is decided yet"
        id_ = self._order.pop()
        del self.made[id_]
        self._save()
        self.place = next(i for i, one in enumerate(self.classes) if one.id == id_)
        return ""

    def back(self) -> str:
        """To the class before, decided or not."""
        if self.place == 0:
            return "this is the first"
        self.place -= 1
        return ""

    def search(self, words: str) -> str:
        """To the next class in whose report all the words stand."""
        wanted = words.lower().split()
        count = len(self.classes)
        for step in range(1, count + 1):
            place = (min(self.place, count - 1) + step) % count
            one = self.classes[place]
            text = " ".join([one.id, one.title, one.specimen.cause_text, *one.scenarios]).lower()
            if all(word in text for word in wanted):
                self.place = place
                return ""
        return f"no class has {words!r} in it"

    def _forward(self, start: int) -> None:
        """To the next class that is not decided, from a place on and then from the beginning."""
        order = [*range(start, len(self.classes)), *range(min(start, len(self.classes)))]
        undecided = [place for place in order if self.classes[place].id not in self.made]
        self.place = undecided[0] if undecided else len(self.classes)

    def _save(self) -> None:
        # What other reviews have decided about other classes stays.
        known = {one.id for one in self.classes}
        others = {id_: one for id_, one in pending.decisions(self.suite).items() if id_ not in known}
        kept = {id_: one for id_, one in self.made.items() if one.verdict != SKIP}
        pending.decide(self.suite, {**others, **kept})

    # --- what is shown ---

    def lines(self, paint: Paint) -> list[str]:
        """The current class, as far as it is to be shown."""
        one = self.current
        if one is None:
            return []
        verdict = self.made.get(one.id)
        head = f"class {self.place + 1} of {len(self.classes)}"
        if verdict:
            head += f", decided: {verdict.verdict}"
        lines = [paint(head, "dim")]
        if self.info:
            shown = class_lines(one, self.place + 1, paint, text=self.diff)
        else:
            count = f"{several(len(one.members), 'run')} of {several(len(one.scenarios), 'scenario')}"
            shown = [paint(one.title, "bold"), f"   {count}", *changed_lines(one.specimen, paint)]
            if self.diff:
                shown += text_lines(one.specimen, paint)
        problem = self.blocked(one)
        return [*lines, *shown, *([paint(f"   cannot be accepted: {problem}", "red")] if problem else [])]

    def explain(self, paint: Paint) -> list[str]:
        """All that is known of the cause: the kernel's change, the axes' history, the rule."""
        one = self.current
        return explanation(one, paint) if one else []

    def totals(self) -> str:
        """How far it is."""
        count = {verdict: len(self.decided(verdict)) for verdict in (ACCEPT, REJECT, SKIP)}
        return f"{count[ACCEPT]} accepted, {count[REJECT]} rejected, {count[SKIP]} skipped, {self.remaining} undecided"


def explanation(one: Class, paint: Paint) -> list[str]:
    """What stands behind a class: more than its title says."""
    from klpdsl.semantics.engines import resolve
    from klpdsl.semantics.explain import history
    from klpdsl.semantics.records import EngineError
    from klpdsl.semantics.table import change, table

    lines = [paint(one.cause.label, "bold"), f"  {one.specimen.cause_text}"]
    for name in filter(None, one.cause.change.split("+")):
        if name in table()["changes"]:
            found = change(name)
            lines += [f"  {found.release}: {found.cite()}", f"    {found.effect}"]
    try:
        engine = resolve(one.specimen.engine)
        for axis in one.cause.axes:
            lines.append(f"  the axis {axis} on {engine.name}:")
            lines += [
                f"    {step.value} {f'by {step.by}' if step.by else '(at first)'}"
                for step in history(engine, axis)
            ]
    except EngineError:
        pass
    if one.cause.function:
        lines.append(f"  the rule: {one.cause.function} {f'({one.cause.where})' if one.cause.where else ''}")
    lines.append("  the structural difference of the specimen:")
    lines += [f"    {line}" for line in structure_lines(one.specimen)]
    return lines
