"""Colours of the versions, for pictures on a page: told apart without colour too, since each names its version."""

from __future__ import annotations

LIGHT = ("#d5ecd4", "#d3e3f8", "#ecd9f4", "#fbe3c5", "#cdeeee", "#f8d7df", "#e6e6b8", "#dcdcf5")
DARK = ("#1f4a24", "#1c3b66", "#4a2a5c", "#5e4213", "#155052", "#5e2433", "#4b4b16", "#33336b")
"""Fills for the first patches to appear, in order; later ones begin again. Text on them keeps a contrast above 7:1."""


def css(prefix: str) -> str:
    """Rules for everything that is drawn: a light page, and a dark one where the reader prefers that."""
    light = "".join(f"{prefix}.v{i}{{fill:{c};background:{c}}}" for i, c in enumerate(LIGHT))
    dark = "".join(f"{prefix}.v{i}{{fill:{c};background:{c}}}" for i, c in enumerate(DARK))
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"


def shades(versions: tuple[str, ...]) -> dict[str, str]:
    """For each version the class of its colour."""
    return {name: f"v{i % len(LIGHT)}" for i, name in enumerate(versions)}
