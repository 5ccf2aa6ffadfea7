"""Generated selftests on a real kernel in qemu: modules built against its headers, scripts run in the guest."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from klpdsl.kernel.initramfs import pack
from klpdsl.kernel.kernels import KernelImage
from klpdsl.kernel.machine import boot

_HERE = Path(__file__).parent

#: What a script's shell calls. The rest is busybox.
TOOLS = ("bash", "kmod", "sysctl")

_INIT = """#!/bin/bash
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
for tool in insmod rmmod modprobe depmod; do ln -sf kmod /bin/$tool; done
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t debugfs none /sys/kernel/debug
exec > /dev/ttyS1 2>&1
ln -sf sysctl.real /bin/sysctl
# A forced patch stays for ever: last of all.
for test in $(ls -d /tests/* | grep -v force) /tests/*force*; do
    [[ -d $test ]] || continue
    rm -rf /lib/modules; mkdir -p /lib/modules/$(uname -r)
    ln -s $test/test_modules /lib/modules/$(uname -r)/extra
    depmod -a
    cd $test
    for script in test-gen-*.sh; do
        echo "== ${test##*/}"
        timeout 600 bash ./$script < /dev/null
        echo "-- $?"
    done
done
echo FINISHED
poweroff -f
"""


class Ran(NamedTuple):
    """What a script printed, and its exit code."""

    said: str
    code: int


def missing() -> str:
    """What is not there to run selftests with; empty if nothing."""
    wanted = (*TOOLS, "busybox", "qemu-system-x86_64", "make", "gcc")
    return ", ".join(
        tool for tool in wanted if shutil.which(tool, path="/bin:/usr/bin:/sbin:/usr/sbin") is None
    )


def build(kernel: KernelImage, folder: Path) -> str:
    """Build test_modules of a generated test with W=1; return what the compiler had to say."""
    modules = folder / "test_modules"
    objects = sorted(path.stem for path in modules.glob("*.c"))
    (modules / "Kbuild").write_text("".join(f"obj-m += {name}.o\n" for name in objects), encoding="utf-8")
    done = subprocess.run(
        ["make", "-C", str(kernel.headers), f"M={modules}", "W=1", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "warning" in line)


def run(kernel: KernelImage, tests: dict[str, Path]) -> dict[str, Ran]:
    """Run the scripts of some folders on one boot."""
    files = {"init": _INIT.encode()}
    for tool in (*TOOLS, "busybox"):
        program = shutil.which(tool, path="/bin:/usr/bin:/sbin:/usr/sbin")
        assert program is not None
        files[f"bin/{tool}{'.real' if tool == 'sysctl' else ''}"] = Path(program).read_bytes()
        for library in _libraries(program):
            files[library.lstrip("/")] = Path(library).read_bytes()
    for name, folder in tests.items():
        files[f"tests/{name}/functions.sh"] = (_HERE / "functions.sh").read_bytes()
        for path in (*folder.glob("*.sh"), *folder.glob("test_modules/*.ko")):
            files[f"tests/{name}/{path.relative_to(folder)}"] = path.read_bytes()
    booted = boot(kernel, pack(_with_folders(files)), silence=120)
    found = re.findall(r"^== (.*)\n((?:.*\n)*?)-- (\d+)$", booted.report.replace("\r", ""), re.MULTILINE)
    assert booted.end == "finished", booted.report + booted.console
    return {name: Ran(said, int(code)) for name, said, code in found}


def _with_folders(files: dict[str, bytes]) -> dict[str, bytes]:
    """Only the folder that a file lies in gets an entry of its own: one empty file in each above it brings those."""
    above = {f"{parent}/.keep" for path in files for parent in Path(path).parents if str(parent) != "."}
    return {**dict.fromkeys(sorted(above, key=lambda path: path.count("/")), b""), **files}


def _libraries(program: str) -> list[str]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+\.so\S*)", done.stdout)
