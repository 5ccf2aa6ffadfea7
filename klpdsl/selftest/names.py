"""From the names of a scenario to those of files, modules and C: chosen here, so that nothing can break out of them."""

from __future__ import annotations

import re
from pathlib import PurePath

from klpdsl.kernel.sources import MAX_MODULE_NAME, symbol_problem
from klpdsl.selftest.conventions import GENERATED, PREFIX
from klpdsl.world.values import VMLINUX

_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT = re.compile(r"[^A-Za-z0-9]+")


class ModuleNames:
    """The module of each patch and target of a scenario, and the shell variable that holds its name.

    `used` are those that the test builds and loads; `targets` are modules that its patches may only speak of.
    """

    def __init__(self, scenario: str, used: tuple[str, ...], targets: tuple[str, ...]) -> None:
        self.script = (
            f"test-gen-{_UNFIT.sub('-', PurePath(scenario).stem).strip('-').lower() or 'scenario'}.sh"
        )
        self.modules: dict[str, str] = {}
        self.problems: list[str] = []
        for name in dict.fromkeys((*used, *targets)):
            self.modules[name] = self._module(name)
        if len(set(self.modules.values())) != len(self.modules):
            self.problems.append("two modules of the scenario would get one name")
        self.variables: dict[str, str] = {}
        for number, name in enumerate(used):
            short = _UNFIT.sub("_", name).strip("_").upper().removeprefix("TEST_KLP_")
            variable = f"MOD_{short or number}"
            self.variables[name] = (
                variable if variable not in self.variables.values() else f"{variable}_{number}"
            )

    def _module(self, name: str) -> str:
        if name == VMLINUX:
            return f"{GENERATED}target_vmlinux"
        if not _MODULE.fullmatch(name):
            self.problems.append(f"a kernel module cannot be called '{name}'")
        module = name if name.startswith(PREFIX) else GENERATED + name
        if len(module) > MAX_MODULE_NAME:
            self.problems.append(
                f"the name '{module}' is longer than a kernel module's can be ({MAX_MODULE_NAME})"
            )
        return module

    def in_log(self, text: str) -> str:
        """Return a line of the log with the names of the modules instead of the scenario's."""
        return self._quoted.sub(lambda found: found[1] + self.modules[found[2]] + found[3], text)

    @property
    def _quoted(self) -> re.Pattern[str]:
        renamed = "|".join(re.escape(name) for name, module in self.modules.items() if name != module)
        # How kernel/livepatch writes a name: in quotes, in parentheses, or as a word after "module".
        return re.compile(rf"(['(]|\bmodule )({renamed or '(?!)'})(['):]|$)")

    def with_variables(self, text: str) -> str:
        """Return a text with the shell's variables for the modules' names in it."""
        known = {self.modules[name]: variable for name, variable in self.variables.items()}
        if not known:
            return text
        longest_first = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
        return re.sub(rf"\b({longest_first})(_init|_exit)?\b", lambda f: _variable(known[f[1]], f[2]), text)


def _variable(name: str, behind: str | None) -> str:
    return f"${{{name}}}{behind}" if behind else f"${name}"


def function_problem(name: str) -> str:
    """Say why no function of a generated module can be called so; empty if one can."""
    return symbol_problem(name)
