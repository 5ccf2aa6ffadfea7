"""What can go wrong before a kernel has said anything."""

from __future__ import annotations

from klpdsl._errors import KlpdslError


class KernelError(KlpdslError):
    """The real kernel cannot be asked: something is missing on this machine, or did not work. One sentence."""

    exit_code = 125


class NotExpressible(KlpdslError):  # noqa: N818 - not an error: an answer about the scenario
    """A real kernel cannot be made to do what the scenario says; each reason is a sentence."""

    exit_code = 125

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons

    def told(self, command: str) -> str:
        """Return the reasons, a line each."""
        return "\n".join(f"klpdsl {command}: not on a real kernel: {reason}" for reason in self.reasons)
