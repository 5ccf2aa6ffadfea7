"""The command `klpdsl`: finds the subcommand's module and runs it. What the command does not use is not imported."""

from __future__ import annotations

import sys

from klpdsl import __version__
from klpdsl.cli.commands import COMMANDS

USAGE = 2


def usage() -> str:
    """The text of `klpdsl --help`."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: klpdsl COMMAND [ARGUMENT…]\n\n"
        "Scenarios of kernel live patching: run them on a model of any kernel, keep their traces as goldens.\n\n"
        f"commands:\n{listed}\n\n"
        "All take --color[=always|never|auto], and --no-pager where output goes through one.\n"
        "`klpdsl help COMMAND` says more.   example: klpdsl run -c 'load p1; show' --engine v6.12\n\n"
        "exit codes: 0 clean, 1 mismatch or failed expectation, 2 usage or scenario error, 3 housekeeping only,\n"
        "4 internal error, or the machine failed (no space), 5 nothing selected, 125 cannot judge\n"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        if argv is None:
            import gc

            from klpdsl import _streams, _workers

            # What is imported is here to stay: nothing is gained by looking it over again and again.
            gc.disable()
            _streams.set_up()
            _workers.end_together()
            argv = sys.argv[1:]
        from klpdsl.cli.common import guard
    except KeyboardInterrupt:
        return 130
    name = argv[0] if argv else ""
    return guard(name if name in COMMANDS else "", lambda: _run(name, argv[1:]))


def _run(name: str, arguments: list[str]) -> int:
    if name == "help" and arguments and arguments[0] != "help":
        # `help kernel run` is `kernel run --help`.
        name, arguments = arguments[0], [*arguments[1:], "--help"]
    if name in ("", "-h", "--help", "help"):
        print(usage(), end="", file=sys.stdout if name else sys.stderr)
        return 0 if name else USAGE
    if name in ("--version", "-V"):
        print(f"klpdsl {__version__}")
        return 0
    if name not in COMMANDS:
        return _unknown(name)
    if any(word.startswith(("--color", "--no-pager")) for word in arguments):
        from klpdsl.cli.general_options import taken

        arguments = taken(arguments)
    module = f"klpdsl.cli.{name.replace('-', '_')}"
    __import__(module)  # importlib would be one more module to load
    _settle_memory()
    command = sys.modules[module]
    if sys.stdout is not None and sys.stdout.isatty():
        from klpdsl.cli.paging import PAGED, paged

        if name in PAGED:
            return paged(lambda: command.main(arguments))
    code: int = command.main(arguments)
    return code


def _settle_memory() -> None:
    """All that has been imported is left out of the collector's rounds, which begin now if they were put off."""
    import gc

    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _unknown(name: str) -> int:
    import difflib

    near = difflib.get_close_matches(name.lower(), COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if name.endswith(".klp"):
        hint = f"; did you mean `klpdsl run {name}`?"
    elif name.startswith("-"):
        hint = "; options stand behind the command"
    print(f"klpdsl: no command is called {name!r}{hint} (klpdsl --help lists them)", file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
