"""The one way to write a file: whole or not at all, where it was meant to go and nowhere else.

A file is written without a name, brought to the disk, and only then takes the place of the old one; so whoever reads
it, and whoever kills us, finds the old one or the new one. The folder is reached component by component, and no link
is followed on the way: a checkout may hold links that lead out of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from klpdsl._cache import digest
from klpdsl._checkout import is_below, kind_of, repository_above, suite_above

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
_STREAMS = ("/dev/stdout", "/dev/stderr")
#: What is said by systems that cannot have a file without a name.
_NO_UNNAMED = frozenset((errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT))
#: How often a file is written when somebody else writes the same one.
_TRIES = 3


class UnfitPlaceError(OSError):
    """A place where nothing is written or removed: a link, something that is no file, or outside."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(errno.EINVAL, reason, path)


class Folder:
    """An open folder, in which files are written and removed by their names. `path` is for error messages."""

    __slots__ = ("handle", "path")

    def __init__(self, handle: int, path: str) -> None:
        self.handle = handle
        self.path = path

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Let errors bear the whole path of a file in here."""
        try:
            yield
        except OSError as error:
            error.filename = os.path.join(self.path, name)
            error.filename2 = None
            raise

    def write(self, name: str, data: bytes) -> None:
        """Replace a file, or a link of that name, by a file with this content; it keeps the old file's mode."""
        check_name(self.path, name)
        with self._told(name):
            for left in reversed(range(_TRIES)):
                try:
                    self._write(name, data)
                    break
                except FileNotFoundError:
                    if not left:
                        raise
            os.fsync(self.handle)

    def _write(self, name: str, data: bytes) -> None:
        # Always the same one, so that what a killed process has left is taken away by the next.
        temporary = f".klpdsl-{digest(name.encode('utf-8', 'surrogateescape'))[:12]}"
        handle = self._unnamed()
        linked = handle < 0
        if linked:
            temporary += f".{os.getpid()}"
            handle = os.open(temporary, _NEW, 0o666, dir_fd=self.handle)
        try:
            self._keep_mode(handle, name)
            _write_all(handle, data)
            os.fsync(handle)
            if not linked:
                self._link(handle, temporary)
                linked = True
            os.replace(temporary, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)
            linked = False
        finally:
            os.close(handle)
            if linked:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=self.handle)

    def _unnamed(self) -> int:
        """A file that no folder has yet; -1 where there is no such thing."""
        if not os.path.isdir("/proc/self/fd"):
            return -1
        try:
            return os.open(".", os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o666, dir_fd=self.handle)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                return -1
            raise

    def _keep_mode(self, handle: int, name: str) -> None:
        try:
            mode = os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISREG(mode):
            os.fchmod(handle, mode & 0o777)

    def _link(self, handle: int, temporary: str) -> None:
        named = f"/proc/self/fd/{handle}"
        try:
            os.link(named, temporary, dst_dir_fd=self.handle)
        except FileExistsError:
            os.unlink(temporary, dir_fd=self.handle)
            os.link(named, temporary, dst_dir_fd=self.handle)

    def create(self, name: str, data: bytes) -> None:
        """Write a file that is not there yet, onto the disk; it may be seen before it is whole."""
        with self._told(name):
            handle = os.open(name, _NEW, 0o666, dir_fd=self.handle)
            try:
                _write_all(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)

    def remove(self, name: str) -> None:
        """Take a file away, or a link, if it is there; that lasts."""
        if self.take(name):
            self.sync()

    def take(self, name: str) -> bool:
        """Take a file away, or a link; returns whether it was there. `sync` makes it last."""
        check_name(self.path, name)
        with self._told(name):
            try:
                os.unlink(name, dir_fd=self.handle)
            except FileNotFoundError:
                return False
            return True

    def take_over(self, name: str, source: Folder, old: str) -> None:
        """Let a file of another folder take the place of one in here. `sync` makes it last."""
        check_name(self.path, name)
        with self._told(name):
            os.replace(old, name, src_dir_fd=source.handle, dst_dir_fd=self.handle)

    def sync(self) -> None:
        """Make renames and removals in here last."""
        with self._told("."):
            os.fsync(self.handle)


def check_name(folder: str, name: str) -> None:
    """Raise `UnfitPlaceError` for what leads into another folder."""
    if name in ("", os.curdir, os.pardir) or os.sep in name or "\0" in name:
        raise UnfitPlaceError(os.path.join(folder, name.replace("\0", "\\0")), "that is no name of a file")


@contextlib.contextmanager
def open_folder(root: str, parts: Sequence[str] = (), *, make: bool = False) -> Iterator[Folder]:
    """Open the folder that is reached from `root` by these names, no link among them.

    `root` itself is taken as it is. What is missing is made if `make` says so. Raises `FileNotFoundError`, and
    `UnfitPlaceError` where something else than a folder is on the way.
    """
    handle, path = os.open(root, _FOLDER), root
    try:
        for part in parts:
            check_name(path, part)
            path = os.path.join(path, part)
            inner = _step(handle, part, path, make=make)
            os.close(handle)
            handle = inner
        yield Folder(handle, path)
    finally:
        os.close(handle)


def _step(handle: int, part: str, path: str, *, make: bool) -> int:
    try:
        try:
            return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
        except FileNotFoundError:
            if not make:
                raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, dir_fd=handle)
        os.fsync(handle)
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
    except OSError as error:
        error.filename = path
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            kind = kind_of(os.stat(part, dir_fd=handle, follow_symlinks=False).st_mode)
            raise UnfitPlaceError(path, f"it is {kind}, and no folder") from error
        raise


def replace_file(path: str, data: bytes) -> None:
    """Write a file that the user has named. Raises OSError, with the path in it.

    A link of that name gives way to the file. Where the name lies in a checkout, the folder has to, too: nobody means
    a link that leads out of it. A pipe or a device gets the data as it is.
    """
    name = os.path.basename(path)
    if path in _STREAMS or path.startswith(_DESCRIPTORS) or _is_special(path):
        _write_through(path, data)
        return
    folder = os.path.dirname(path) or os.curdir
    with _opened_for(path, folder) as opened:
        opened.path = os.path.dirname(path)
        check_folder(folder, path)
        opened.write(name, data)


def check_folder(folder: str, path: str = "") -> None:
    """Raise `UnfitPlaceError` where a folder lies in a checkout by its name and elsewhere in truth.

    `path` is what is to be written there, for the error. The folder need not be there.
    """
    lexical = os.path.abspath(folder)
    root = suite_above(lexical) or repository_above(lexical)
    if root and not is_below(os.path.realpath(folder), os.path.realpath(root)):
        raise UnfitPlaceError(
            path or folder, f"a link on the way leads out of {root}; name the file by its real path"
        )


@contextlib.contextmanager
def _opened_for(path: str, folder: str) -> Iterator[Folder]:
    try:
        handle = os.open(folder, _FOLDER)
    except OSError as error:
        error.filename = path
        raise
    try:
        yield Folder(handle, folder)
    finally:
        os.close(handle)


def _is_special(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _write_through(path: str, data: bytes) -> None:
    try:
        # A pipe that nobody reads is an error rather than a wait.
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            os.set_blocking(handle, True)
            _write_all(handle, data)
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = path
        raise


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
