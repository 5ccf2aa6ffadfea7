"""Where a checkout begins, who owns it, and what the files in it may name.

A checkout may be somebody else's work: a pull request, an archive from the net. What its files name is looked for below
its root only, and in nothing hidden there: `.git/config` may hold a token. The root is the suite that a file is part
of (the nearest folder above with scenarios/), else the repository, else the file's own folder; it is never looked for
above the repository.

This is on the way to every scenario that imports another: nothing but `os` is used.
"""

from __future__ import annotations

import os
import stat

from klpdsl._errors import exit_code_of

SCENARIOS = "scenarios"
_REPOSITORY = ".git"


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder's, or the folder itself. Both are real paths, or none is."""
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def may_be_named(path: str, root: str) -> bool:
    """Return whether a scenario may name the file with this real path: it is below the root and in nothing hidden."""
    if not is_below(path, root):
        return False
    return not any(part.startswith(".") for part in path[len(root) :].split(os.sep))


def is_folder(path: str) -> bool:
    """Return whether there is a folder. Raises OSError where the machine fails to say so."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        if exit_code_of(error) == 4:
            raise
        return False
    except ValueError:  # a NUL in it
        return False


def suite_above(start: str) -> str:
    """Return the nearest folder with scenarios/ at or above an absolute path, but not above its repository.

    Empty when there is none.
    """
    folder = start
    while not is_folder(os.path.join(folder, SCENARIOS)):
        parent = os.path.dirname(folder)
        if parent == folder or os.path.lexists(os.path.join(folder, _REPOSITORY)):
            return ""
        folder = parent
    return folder


def repository_above(start: str) -> str:
    """Return the top of the repository that an absolute path lies in; empty when it lies in none."""
    folder = start
    while not os.path.lexists(os.path.join(folder, _REPOSITORY)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent
    return folder


def root_of(path: str) -> str:
    """Return the real path of the folder below which everything stays that the file at `path` names."""
    folder = os.path.realpath(os.path.dirname(path))
    root = suite_above(folder) or repository_above(folder) or folder
    # A suite at the very top, as in a container made for it, must not open all of the machine.
    return os.path.join(root, SCENARIOS) if os.path.dirname(root) == root else root


def stranger(path: str) -> str:
    """Return who owns a file or folder, if that is neither us nor root; empty otherwise, and where there is none.

    Root could change klpdsl itself. Under sudo, whoever called it is us, too.
    """
    try:
        owner = os.lstat(path).st_uid
    except OSError:
        return ""
    return "" if is_ours(owner) else name_of(owner)


def is_ours(owner: int) -> bool:
    """Return whether a user's files are trusted as our own."""
    ours = {0, os.geteuid()}
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isdecimal():
        ours.add(int(caller))
    return owner in ours


def name_of(owner: int) -> str:
    """Return a user's name, or the number of one without."""
    import pwd

    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"


def kind_of(mode: int) -> str:
    """Return in words what lies there, for what is no regular file."""
    for test, word in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return word
    return "a file"
