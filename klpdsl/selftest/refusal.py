"""What can keep a scenario from becoming a selftest."""

from __future__ import annotations

from klpdsl._errors import KlpdslError


class NotAScript(KlpdslError):  # noqa: N818 - not an error: an answer about the scenario
    """No selftest can do what the scenario says; a reason is a line of the scenario (0: all of it) and a sentence."""

    exit_code = 125

    def __init__(self, source: str, reasons: tuple[tuple[int, str], ...]) -> None:
        super().__init__("; ".join(text for _, text in reasons))
        self._source = source
        self.reasons = reasons

    def told(self, command: str) -> str:
        """Return the reasons, a line each."""
        return "\n".join(
            f"klpdsl {command}: {self._source}{f':{line}' if line else ''}: not as a selftest: {text}"
            for line, text in self.reasons
        )
