"""The way from a file, or a text, to a scenario that can run. Everybody comes in through here.

A scenario that has been read before comes out of the cache, without the grammar, the parser or the checks being so
much as imported. So this module imports nothing that is not needed for that.
"""

from __future__ import annotations

from klpdsl import _cache
from klpdsl.syntax.analysis import Analysis
from klpdsl.syntax.files import DISK, File, Files, encoded, look_up
from klpdsl.syntax.place import Span
from klpdsl.syntax.resolve import resolve

__all__ = ["Analysis", "analyse", "load_scenario", "load_text"]


def load_scenario(path: str, files: Files = DISK) -> Analysis:
    """Read, parse and check the scenario in a file. Raises ScenarioError with all that is wrong."""
    try:
        data = files.read(path)
    except (OSError, ValueError) as error:
        from klpdsl.syntax.diagnostics import ScenarioError, unreadable

        raise ScenarioError([unreadable(Span(path, 1, 1, 1, 1), error)]) from None
    return _sound(_read(look_up(data, path), files))


def load_text(text: str | bytes, source: str = "<text>", files: Files = DISK) -> Analysis:
    """Read, parse and check a scenario given as text. Raises ScenarioError with all that is wrong.

    `source` names it in messages; imports are looked up beside the file of that name.
    """
    return _sound(analyse(text, source, files))


def analyse(text: str | bytes, source: str = "<text>", files: Files = DISK) -> Analysis:
    """Return all there is to know about a scenario, whatever is wrong with it: what editors work with.

    Raises nothing: what is wrong is in `problems`. `files` may have unsaved texts laid over them, for what is imported.
    """
    return _read(look_up(encoded(text) if isinstance(text, str) else text, source), files)


def _sound(analysis: Analysis) -> Analysis:
    if analysis.problems:
        from klpdsl.syntax.diagnostics import ScenarioError

        raise ScenarioError(analysis.problems, analysis.texts())
    return analysis


def _read(file: File, files: Files) -> Analysis:
    if file.scenario is not None and file.checked:
        items = file.scenario.items
        digest = _cache.digest(file.data)
        return Analysis(file.scenario, items, resolve(items), (file.source,), digest, (file.data,))
    from klpdsl.syntax.assemble import assemble

    return assemble(file, files)
