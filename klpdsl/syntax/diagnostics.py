"""What is wrong with a scenario, as values and as the text a user reads.

A report names the place, shows the line with a caret below the offending words, and says in the words of
`docs/language.md` what could stand there instead.
"""

from __future__ import annotations

from klpdsl._errors import KlpdslError
from klpdsl.syntax import limits
from klpdsl.syntax.place import Span
from klpdsl.syntax.problem import Diagnostic

__all__ = ["Diagnostic", "ScenarioError", "unreadable"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def unreadable(span: Span, error: OSError | ValueError) -> Diagnostic:
    """Return what to say, at `span`, about a file that can not be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Diagnostic(span, f"the file can not be read: {reason}")


def _shortened(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    if len(diagnostics) <= limits.ERRORS:
        return diagnostics
    last = Diagnostic(diagnostics[limits.ERRORS].span, "more errors follow, which are not shown")
    return (*diagnostics[: limits.ERRORS], last)


class ScenarioError(KlpdslError):
    """A scenario that cannot run: everything that is wrong with it and with the files it imports.

    `texts` holds the text of each source by name, to show the lines from; a source that could not be read is absent.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = _shortened(tuple(diagnostics))
        self.texts: dict[str, str] = dict(texts or {})
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return self.render()

    def told(self, command: str) -> str:  # noqa: ARG002 (it is the scenario that is wrong, whoever reads it)
        """Return the whole report."""
        return self.render()

    def render(self) -> str:
        """Return the whole report, ready to print; there is no newline at its end."""
        from klpdsl.syntax.rendering import render

        return "\n".join(
            render(diagnostic, self.texts.get(diagnostic.span.source)) for diagnostic in self.diagnostics
        )
