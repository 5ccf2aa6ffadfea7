"""What the kernel's livepatch selftests agree on: files, helpers, what is compared."""

from __future__ import annotations

import re
from typing import NamedTuple

from klpdsl.semantics.points import position

PREFIX = "test_klp"
"""What the name of each module has in it: the filter of the log looks for that."""

GENERATED = "test_klp_gen_"
"""What the names of modules begin with that the scenario calls otherwise."""

MADE_BY = "Made by klpdsl"
"""What the first lines of a generated file say, and of no other."""

SYSFS = "/sys/kernel/livepatch"

REAL_FUNCTIONS = {"cmdline_proc_show": "/proc/cmdline", "meminfo_proc_show": "/proc/meminfo"}
"""Functions of the core kernel that the family patches, and the file that calls each. All take (seq_file *, void *)."""

REAL_SYSCALLS = frozenset({"sys_getpid"})
"""System calls that the family patches: the symbol has a prefix for the architecture."""

PATCHED_TEXT = "this has been live patched"
"""What a new version of one of those prints, behind the module's name."""

LONGEST_WAIT = 10
"""Seconds that a script lets a transition be blocked: after 15 the kernel sends signals, at a moment nobody chooses."""


class Loader(NamedTuple):
    """How the helpers of a tree load a module, what they write into the log for it, and the tool's own words."""

    since: str
    command: str
    failure: str
    words: dict[str, str]

    def strerror(self, errno: str) -> str:
        """Return what the tool says of an errno of init_module(); empty if that is not known."""
        return self.words.get(errno, _STRERROR.get(errno, ""))


#: The C library's words, in the C locale.
_STRERROR = {
    "EBUSY": "Device or resource busy",
    "EEXIST": "File exists",
    "EINVAL": "Invalid argument",
    "ENODEV": "No such device",
    "ENOMEM": "Cannot allocate memory",
    "EOPNOTSUPP": "Operation not supported",
    "EPERM": "Operation not permitted",
}

#: Up to v6.8 the modules lay in lib/livepatch; v6.9 moved them beside the scripts.
_LOADERS = (
    Loader(
        "v4.0",
        "% modprobe {0}",
        "modprobe: ERROR: could not insert '{0}': {1}",
        {
            "ENOENT": "Unknown symbol in module, or unknown parameter (see dmesg)",
            "ENOEXEC": "Exec format error",
        },
    ),
    Loader(
        "v6.9",
        "% insmod test_modules/{0}.ko",
        "insmod: ERROR: could not insert module test_modules/{0}.ko: {1}",
        {
            "EINVAL": "Invalid parameters",
            "ENOENT": "Unknown symbol in module",
            "ENOEXEC": "Invalid module format",
        },
    ),
)

_COMPARED = re.compile("livepatch:|test_klp")
_LEFT_OUT = re.compile("(tainting|taints) kernel")
#: Debug lines of a function for which the helpers leave dynamic debug off, and of what it called before v5.13.
_NOT_PRINTED = re.compile("livepatch: klp_(try_switch_task|check_stack): ")


def loader(release: str) -> Loader:
    """Return how the helpers of that release's tree load modules."""
    return next(one for one in reversed(_LOADERS) if position(one.since) <= position(release))


def is_compared(line: str) -> bool:
    """Whether a line of the kernel's log is one that `check_result` compares."""
    return bool(_COMPARED.search(line)) and not _LEFT_OUT.search(line) and not _NOT_PRINTED.match(line)
