"""The text of a generated test script."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import NamedTuple

from klpdsl.selftest.conventions import MADE_BY, SYSFS
from klpdsl.selftest.names import ModuleNames

_WIDTH = 76

#: Functions that a script defines where it calls them.
_FUNCTIONS = {
    "in_transition": (
        "# in_transition(modname) - wait until a livepatch is in transition, and nothing ends that\n"
        "function in_transition() {\n"
        f"\tloop_until \"grep -qs '^1$' {SYSFS}/$1/transition\" ||\n"
        '\t\tdie "$1: not in transition"\n}\n'
    ),
    "transition_ended": (
        "# transition_ended(modname) - wait until a livepatch is in transition no more, or gone\n"
        "function transition_ended() {\n"
        f"\tloop_until \"! grep -qs '^1$' {SYSFS}/$1/transition\" ||\n"
        '\t\tdie "$1: the transition does not end"\n}\n'
    ),
}


class ScriptCase(NamedTuple):
    """A test case: its title, prose and steps in the scenario's words, lines of shell, and the log that they leave."""

    title: str
    prose: tuple[str, ...]
    steps: tuple[str, ...]
    shell: tuple[str, ...]
    expected: tuple[str, ...]
    engine: str


def script(case: ScriptCase, names: ModuleNames) -> str:
    """Return the script that runs a case."""
    variables = "".join(f"{variable}={names.modules[name]}\n" for name, variable in names.variables.items())
    title = _in_quotes(_plain(case.title))
    body = "\n".join(case.shell)
    functions = "".join(f"\n{text}" for name, text in _FUNCTIONS.items() if f"{name} " in body)
    expected = "\n".join(names.with_variables(_in_quotes(line)) for line in case.expected)
    return (
        "#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0\n"
        f"# {MADE_BY}: the log is what {case.engine} writes.\n\n"
        ". $(dirname $0)/functions.sh\n\n"
        "# What tools say is compared.\nexport LC_ALL=C\n\n"
        f"{variables}{functions}\nsetup_config\n\n\n"
        f"{_comment(case)}\n"
        f'start_test "{title}"\n\n{body}\n\ncheck_result "{expected}"\n\nexit 0\n'
    )


def _comment(case: ScriptCase) -> str:
    lines = [f"# TEST: {_plain(case.title)}", "#"]
    for paragraph in _paragraphs(case.prose):
        lines += [*(f"# {part}" for part in textwrap.wrap(paragraph, _WIDTH)), "#"]
    for step in case.steps:
        lines += [f"# {part}" for part in textwrap.wrap(f"- {_plain(step)}", _WIDTH, subsequent_indent="  ")]
    return "\n".join(lines) + "\n"


def _paragraphs(prose: tuple[str, ...]) -> list[str]:
    return [" ".join(lines) for words, lines in groupby(map(_plain, prose), bool) if words]


def _plain(text: str) -> str:
    """Return a text that cannot end the line that it stands in."""
    return "".join(c if c.isprintable() else " " for c in text)


def _in_quotes(text: str) -> str:
    """Return a text as it stands between double quotes in the shell."""
    return "".join(f"\\{c}" if c in '\\"$`' else c for c in text)
