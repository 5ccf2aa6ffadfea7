"""The command `klpdsl`: finds the subcommand's module and runs it. What the command does not use is not imported."""

from __future__ import annotations

import sys

from klpdsl import __version__

COMMANDS = {
    "run": "print the trace of a scenario on one engine or several",
    "check": "run every scenario on every engine it is meant for and compare with the goldens",
    "review": "look at what differs, one class at a time, and decide",
    "accept": "make what scenarios give now their goldens",
    "reject": "drop changes that are pending",
    "prune": "remove goldens that belong to no scenario or say what their ancestor's says",
    "diff": "compare what two engines make of a scenario, with the changes responsible",
    "blame": "say which engine change, commit and reason brought a golden's line",
    "git-setup": "let git recompute goldens that two branches have changed",
    "merge-golden": "merge a golden, called by git",
    "doctor": "say what is not set up",
    "fmt": "rewrite scenarios in their canonical form",
    "kernel": "play scenarios on a real kernel in qemu, and confirm the model by it",
    "compare": "show in one table what different engines do with a scenario",
    "history": "print every change at which a scenario's trace changes",
    "bisect": "find the change, or our commit, that makes a difference",
    "reduce": "find the smallest scenario that still shows a difference",
    "engines": "list the lineage, an engine's axes, the changes between two engines",
}
"""The subcommands, each in the module of its name in `klpdsl.cli`, and what they do."""

INTERNAL_ERROR = 4
USAGE = 2
INTERRUPTED = 130
READER_GONE = 141


def usage() -> str:
    """The text of `klpdsl --help`."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: klpdsl COMMAND [ARGUMENT…]\n\n"
        "Scenarios of kernel live patching: run them on a model of any kernel, keep their traces as goldens.\n\n"
        f"commands:\n{listed}\n\n"
        "`klpdsl COMMAND --help` says more.   example: klpdsl run -c 'load p1; show' --engine v6.12\n\n"
        "exit codes: 0 clean, 1 mismatch or failed expectation, 2 usage or scenario error, 3 housekeeping only,\n"
        "4 internal error, or the machine failed (no space), 5 nothing selected, 125 cannot judge\n"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    _write_utf_8()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage(), end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else USAGE
    name = arguments[0]
    if name in ("--version", "-V"):
        print(f"klpdsl {__version__}")
        return 0
    if name not in COMMANDS:
        return _unknown(name)
    return _guarded(name, arguments[1:])


def _write_utf_8() -> None:
    """Let what we print be the same bytes in every locale, and bytes of a path that are no text be what they were."""
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        if encoding.lower() != "utf-8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _unknown(name: str) -> int:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    print(f"klpdsl: no command is called {name!r}{hint} (klpdsl --help lists them)", file=sys.stderr)
    return USAGE


def _guarded(name: str, arguments: list[str]) -> int:
    import importlib
    import os

    try:
        code: int = importlib.import_module(f"klpdsl.cli.{name.replace('-', '_')}").main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing more, not even when the interpreter closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        print("klpdsl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if os.environ.get("KLPDSL_DEBUG"):
            raise
        from klpdsl.cli.common import told_of

        return told_of(name, error)
    except Exception as error:
        if os.environ.get("KLPDSL_DEBUG"):
            raise
        print(
            f"klpdsl: internal error: {type(error).__name__}: {error}\n"
            "This is a bug of klpdsl, not of your scenario. KLPDSL_DEBUG=1 shows where it happened.",
            file=sys.stderr,
        )
        return INTERNAL_ERROR
    return code


if __name__ == "__main__":
    sys.exit(main())
