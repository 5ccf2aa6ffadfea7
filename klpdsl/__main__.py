"""The entry point of the ``klpdsl`` command and of ``python -m klpdsl``."""

import sys

from klpdsl import __version__


def main(argv: list[str] | None = None) -> int:
    """Run the command with `argv` (by default the process's own arguments) and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        sys.stdout.write(f"klpdsl {__version__}\n")
        return 0
    sys.stderr.write("usage: klpdsl --version\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
