"""What can go wrong before a kernel has said anything."""

from __future__ import annotations


class KernelError(Exception):
    """The real kernel cannot be asked: something is missing on this machine, or did not work. One sentence."""


class NotExpressible(Exception):  # noqa: N818 - not an error: an answer about the scenario
    """A real kernel cannot be made to do what the scenario says; each reason is a sentence."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons
