"""`klpdsl review --tui`: the review on a full screen, with textual. The same keys, the same decisions."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Header, Input, Label, ListItem, ListView, Static

from klpdsl import _output
from klpdsl.goldens.reporting.paint import Paint
from klpdsl.goldens.reporting.reviewing import ACCEPT, REJECT, SKIP, Review

_MARKS = {ACCEPT: "✓", REJECT: "✗", SKIP: "·"}


def show(review: Review) -> bool:
    """Let somebody review; True when the decisions are to be carried out."""
    return bool(ReviewApp(review).run())


class Ask(ModalScreen[str | None]):
    """One line of text from the user; None when Escape is pressed."""

    CSS = "Ask { align: center middle; } Ask Input { width: 80%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "never mind")]

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """The input, with what is asked for in it."""
        yield Input(placeholder=self._what)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter ends it."""
        self.dismiss(event.value)


class Classes(ListView, can_focus=False):
    """The list of classes: it shows where one is, and takes no keys."""


class ReviewApp(App[bool]):
    """The classes on the left, the current one on the right."""

    TITLE = "klpdsl review"
    CSS = """
    #classes { width: 36; border-right: solid $primary; }
    #said { height: auto; color: $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "accept"),
        Binding("r", "decide('reject')", "reject"),
        Binding("s", "decide('skip')", "skip"),
        Binding("A", "accept_all", "accept all"),
        Binding("R", "decide_all('reject')", "reject all"),
        Binding("S", "decide_all('skip')", "skip all"),
        Binding("i", "show_or_hide('info')", "info"),
        Binding("d", "show_or_hide('diff')", "diff"),
        Binding("e", "explain", "explain"),
        Binding("b", "before", "back"),
        Binding("u", "undo", "undo"),
        Binding("slash", "search", "search"),
        Binding("enter", "finish", "carry out"),
        Binding("q", "leave", "quit"),
        Binding("ctrl+c", "leave", "quit", show=False, priority=True),
    ]

    def __init__(self, review: Review) -> None:
        super().__init__()
        self._review = review

    def compose(self) -> ComposeResult:
        """The frame; refresh_all() fills it."""
        yield Header()
        with Horizontal():
            yield Classes(id="classes")
            with VerticalScroll():
                yield Static(id="said")
                yield Static(id="detail")
        yield Footer()

    async def on_mount(self) -> None:
        """Show the first class."""
        listed = self.query_one("#classes", ListView)
        await listed.extend(ListItem(Label(self._entry(place))) for place in range(len(self._review.classes)))
        self.refresh_all("")

    def _entry(self, place: int) -> Text:
        one = self._review.classes[place]
        made = self._review.made.get(one.id)
        return Text(
            _output.visible(f"{_MARKS[made.verdict] if made else ' '} {one.id} {one.title}"),
            overflow="ellipsis",
            no_wrap=True,
        )

    def refresh_all(self, said: str) -> None:
        """Bring the screen up to the review."""
        review = self._review
        for place, item in enumerate(self.query_one("#classes", ListView).children):
            item.query_one(Label).update(self._entry(place))
        self.query_one("#classes", ListView).index = min(review.place, len(review.classes) - 1)
        self.sub_title = review.totals()
        self.query_one("#said", Static).update(Text(said))
        lines = review.lines(Paint(True)) or [
            review.totals(),
            "",
            "Enter carries it out, u takes the latest back, q keeps it for later",
        ]
        self.query_one("#detail", Static).update(Text.from_ansi(_output.screened("\n".join(lines))))

    # --- keys ---

    def action_decide(self, verdict: str) -> None:
        """Reject or skip."""
        self.refresh_all(self._review.decide(verdict))

    def action_decide_all(self, verdict: str) -> None:
        """Reject or skip what is left."""
        self.refresh_all(self._review.decide_all(verdict))

    def action_accept(self) -> None:
        """Accept, for a reason where goldens change that exist."""
        one = self._review.current
        if one is None:
            return
        problem = self._review.blocked(one)
        if problem:
            self.refresh_all(f"not accepted: {problem}")
        elif one.alters:
            self._ask("reason", lambda reason: self._review.decide(ACCEPT, reason))
        else:
            self.refresh_all(self._review.decide(ACCEPT))

    def action_accept_all(self) -> None:
        """Accept what is left."""
        left = [one for one in self._review.classes[self._review.place :] if one.id not in self._review.made]
        if any(one.alters for one in left):
            self._ask("reason", lambda reason: self._review.decide_all(ACCEPT, reason))
        else:
            self.refresh_all(self._review.decide_all(ACCEPT))

    def action_show_or_hide(self, what: str) -> None:
        """Show more or less."""
        setattr(self._review, what, not getattr(self._review, what))
        self.refresh_all("")

    def action_explain(self) -> None:
        """What is known of the cause, in place of the difference."""
        self.query_one("#detail", Static).update(
            Text.from_ansi(_output.screened("\n".join(self._review.explain(Paint(True)))))
        )

    def action_before(self) -> None:
        """To the class before."""
        self.refresh_all(self._review.back())

    def action_undo(self) -> None:
        """Take the latest decision back."""
        self.refresh_all(self._review.undo())

    def action_search(self) -> None:
        """To a class with some words in it."""
        self._ask("search", self._review.search)

    def action_finish(self) -> None:
        """Carry the decisions out."""
        if self._review.remaining:
            self.refresh_all(f"{self._review.remaining} undecided (S skips them)")
        else:
            self.exit(True)

    def action_leave(self) -> None:
        """Go; what was decided is kept."""
        self.exit(False)

    def _ask(self, what: str, then: Any) -> None:
        def answered(text: str | None) -> None:
            self.refresh_all("" if text is None else then(text))

        self.push_screen(Ask(what), answered)
