"""What the kernel's own scripts expect in the log: not their text, but a digest of it, from the tree of 6.6.57."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

#: The modules of the tree print more than what every module prints: that is theirs, and no scenario says it.
_OF_THEIR_OWN = re.compile(r"busymod_work_func|loglevel")
_PARAMETERS = re.compile(r"(?m)^(% modprobe \S+) \S.*$")


class Upstream(NamedTuple):
    """A scenario, the test case of the tree that it plays, and the digest of the log that the case expects."""

    scenario: str
    script: str
    title: str
    digest: str


def plain(lines: Iterable[str]) -> list[str]:
    """Return the lines without what the tree's modules print of their own, and without parameters of modules."""
    return [_PARAMETERS.sub(r"\1", line) for line in lines if not _OF_THEIR_OWN.search(line)]


def digest(lines: Iterable[str]) -> str:
    """Return the digest of what is compared."""
    return hashlib.sha256("\n".join(plain(lines)).encode()).hexdigest()[:16]


#: All test cases of that tree but the one of shadow variables, which calls their API from a module of its own.
CASES = (
    Upstream("callbacks-atomic-replace", "test-callbacks.sh", "atomic replace", "1f25446ec9a69b44"),
    Upstream("callbacks-busy-target", "test-callbacks.sh", "busy target module", "337f70d9a486c3e6"),
    Upstream("callbacks-coming", "test-callbacks.sh", "module_coming notifier", "ddd4779f4d71e3c9"),
    Upstream(
        "callbacks-coming-fails",
        "test-callbacks.sh",
        "module_coming + pre-patch callback -ENODEV",
        "757a5f54f5e1e284",
    ),
    Upstream(
        "callbacks-coming-going",
        "test-callbacks.sh",
        "module_coming and module_going notifiers",
        "15ef2feb1ab8d75e",
    ),
    Upstream("callbacks-going", "test-callbacks.sh", "module_going notifier", "ed0861b6872076f5"),
    Upstream("callbacks-multiple-patches", "test-callbacks.sh", "multiple livepatches", "d9a0c02331be6193"),
    Upstream(
        "callbacks-multiple-targets", "test-callbacks.sh", "multiple target modules", "1323725ecf6bd02e"
    ),
    Upstream(
        "callbacks-pre-patch-fails", "test-callbacks.sh", "pre-patch callback -ENODEV", "5d83f82bf92d3c66"
    ),
    Upstream("callbacks-target-absent", "test-callbacks.sh", "target module not present", "af717cd7ad1f4dfb"),
    Upstream(
        "callbacks-target-before", "test-callbacks.sh", "target module before livepatch", "1d9cff8195324b24"
    ),
    Upstream(
        "ftrace-enabled",
        "test-ftrace.sh",
        "livepatch interaction with ftrace_enabled sysctl",
        "f408fb710b704892",
    ),
    Upstream("livepatch-atomic-replace", "test-livepatch.sh", "atomic replace livepatch", "b534aae8233aaf7a"),
    Upstream("livepatch-basic", "test-livepatch.sh", "basic function patching", "3745b547ae870f96"),
    Upstream("livepatch-multiple", "test-livepatch.sh", "multiple livepatches", "efe5216128f93405"),
    Upstream("state-compatible", "test-state.sh", "compatible cumulative livepatches", "3b898bf7a1e8bf0a"),
    Upstream(
        "state-incompatible", "test-state.sh", "incompatible cumulative livepatches", "e8a5e805d5df2101"
    ),
    Upstream("state-modification", "test-state.sh", "system state modification", "45e57d5a08401b6c"),
    Upstream(
        "state-taking-over", "test-state.sh", "taking over system state modification", "0e7cc95abc7ee9f9"
    ),
    Upstream("sysfs", "test-sysfs.sh", "sysfs test", "3745b547ae870f96"),
    Upstream("sysfs-object-patched", "test-sysfs.sh", "sysfs test object/patched", "15ef2feb1ab8d75e"),
)
