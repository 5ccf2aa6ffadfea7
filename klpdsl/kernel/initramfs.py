"""The initramfs: a cpio archive, written here because its format is simpler than calling the tool."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

_DIRECTORY, _FILE = 0o040755, 0o100755


def _entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # The fields of the "newc" format: inode, mode, uid, gid, links, time, size, four device numbers, the name's
    # length with its end, and a checksum that this format does not use.
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    named = header + encoded
    return named + bytes(-len(named) % 4) + content + bytes(-len(content) % 4)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return an initramfs with `files` (paths without a leading slash) and the folders they lie in."""
    folders = sorted({path.rsplit("/", 1)[0] for path in files if "/" in path})
    entries = [(folder, _DIRECTORY, b"") for folder in folders]
    entries += [(path, _FILE, content) for path, content in files.items()]
    archive = b"".join(_entry(number, *entry) for number, entry in enumerate(entries, 1))
    return gzip.compress(archive + _entry(0, "TRAILER!!!", 0, b""), compresslevel=1, mtime=0)
