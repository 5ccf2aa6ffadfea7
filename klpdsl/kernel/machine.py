"""One boot of a kernel in qemu, from start to end, however it ends."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from klpdsl.kernel.errors import KernelError
from klpdsl.kernel.kernels import KernelImage

QEMU = "qemu-system-x86_64"

Acceleration = Literal["tcg", "kvm"]

_APPEND = "console=ttyS0 loglevel=4 panic=-1 oops=panic softlockup_panic=1"
# Time in the guest is counted in its instructions, and jumps when nothing runs: what it does depends neither on how
# fast nor on how busy this machine is, and a second of its sleep costs nothing. One thread emulates everything.
_COUNTED = ["-accel", "tcg", "-icount", "shift=2,sleep=off"]


class Boot(NamedTuple):
    """What came of a boot: the guest's report, the kernel's console, and how it ended.

    `end` is `finished` (the init said so, or that the guest could not be cleaned), `crashed` (the kernel died or the
    init fell silent and the machine went down) or `hung` (there was nothing new for too long, or no end in sight).
    """

    report: str
    console: str
    end: Literal["finished", "crashed", "hung"]
    seconds: float


def qemu_command(
    kernel: KernelImage, initramfs: Path, console: Path, report: Path, accel: Acceleration = "tcg"
) -> list[str]:
    """Return the command that boots `kernel` with `initramfs`, both serial ports going to files."""
    return [
        QEMU, *(_COUNTED if accel == "tcg" else ["-accel", accel, "-cpu", "host"]),
        "-m", "256", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(kernel.vmlinuz), "-initrd", str(initramfs), "-append", _APPEND,
        "-serial", f"file:{console}", "-serial", f"file:{report}",
    ]  # fmt: skip


def _read(path: Path) -> str:
    # A guest that dies may leave half a character.
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End a process, gently if it will have it, and return what it said."""
    if process.poll() is None:
        # `timeout` hands this on, which it could not do with SIGKILL.
        process.terminate()
    try:
        return process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


def boot(
    kernel: KernelImage,
    initramfs: bytes,
    *,
    accel: Acceleration = "tcg",
    silence: float = 45.0,
    limit: float = 900.0,
    progress: Callable[[str], None] | None = None,
) -> Boot:
    """Boot `kernel` and wait for its end, but not for ever.

    `silence`: seconds without a word from the guest after which it counts as hung; `limit`: seconds for everything.
    `progress` is called with the report as far as it has come.
    """
    with tempfile.TemporaryDirectory(prefix="klpdsl-vm-") as name:
        folder = Path(name)
        archive, console, report = folder / "initramfs.gz", folder / "console", folder / "report"
        archive.write_bytes(initramfs)
        # Should nobody be left to end it, it ends all the same.
        command = ["timeout", "--kill-after=5", f"{limit:.0f}"]
        command += qemu_command(kernel, archive, console, report, accel)
        if shutil.which(QEMU) is None:
            raise KernelError(f"`{QEMU}` is needed and not there (Debian: qemu-system-x86)")
        started = last_word = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        except FileNotFoundError as error:
            raise KernelError(f"`{error.filename}` is needed and not there") from None
        size, hung = 0, False
        try:
            while process.poll() is None:
                time.sleep(0.1)
                now = time.monotonic()
                # The console does not count: a kernel that is stuck says so every half minute.
                grown = report.stat().st_size if report.is_file() else 0
                if grown != size:
                    size, last_word = grown, now
                    if progress:
                        progress(_read(report))
                hung = now - last_word > silence or now - started > limit
                if hung:
                    break
        finally:
            _, complaint = _end(process)
        text = _read(report)
        if not text and process.returncode and not hung:
            raise KernelError(f"{QEMU} did not start: {complaint.strip() or 'no message'}")
        ended = text.rstrip().rsplit("\n", 1)[-1] in {"FINISHED", "DIRTY"}
        end: Literal["finished", "crashed", "hung"] = "hung" if hung else "finished" if ended else "crashed"
        return Boot(text, _read(console), end, time.monotonic() - started)
