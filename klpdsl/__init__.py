"""Scenarios about kernel live patching, run on a model of every kernel's rules.

klpdsl reads scenarios written in a small language, plays them on a model of ``kernel/livepatch`` under the
semantics of a chosen release or proposal, and prints a canonical trace that can be kept as a golden file.

    scenario = klpdsl.load("first.klp")
    for step in scenario.run("v6.12").trace.steps:
        print(step.text, step.result)

What ``__all__`` names is the public interface; docs/api.md describes it, and all else may change at any time. It is
fetched from ``klpdsl.api`` when it is first asked for, so that importing this module costs nothing.
"""

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Diagnostic",
    "Engine",
    "EngineError",
    "Event",
    "Group",
    "Result",
    "Row",
    "RunResult",
    "Scenario",
    "ScenarioError",
    "Span",
    "StepTrace",
    "Trace",
    "TraceError",
    "__version__",
    "events",
    "get_engine",
    "list_engines",
    "load",
    "loads",
    "read_trace",
    "write_trace",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klpdsl.api import (
        Comparison,
        Diagnostic,
        Engine,
        EngineError,
        Event,
        Group,
        Result,
        Row,
        RunResult,
        Scenario,
        ScenarioError,
        Span,
        StepTrace,
        Trace,
        TraceError,
        events,
        get_engine,
        list_engines,
        load,
        loads,
        read_trace,
        write_trace,
    )
else:
    # Hidden from type checkers, which would take it for any name to be there.
    def __getattr__(name):
        """Fetch a name of the public interface when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module 'klpdsl' has no attribute {name!r}")
        from klpdsl import api

        value = globals()[name] = getattr(api, name)
        return value


def __dir__() -> list[str]:
    """Show what there is before it has been fetched."""
    return sorted({*globals(), *__all__})
