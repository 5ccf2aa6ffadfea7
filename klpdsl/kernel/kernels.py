"""Which kernels are at hand, and how to get one: Debian's packages, unpacked into a cache and never installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from klpdsl import _cache
from klpdsl.kernel.errors import KernelError

FLAVOUR = "cloud-amd64"
"""Debian's kernel for virtual machines: everything the guest needs is built in, and it is the smallest."""

FACTS = ("CONFIG_LIVEPATCH", "CONFIG_PREEMPT_DYNAMIC", "CONFIG_UNWINDER_ORC", "CONFIG_HZ", "CONFIG_KPROBES")
"""What of a kernel's configuration the outcome of a scenario may depend on."""


class KernelImage(NamedTuple):
    """A kernel that can be booted, and the headers to build modules for it."""

    name: str
    """What the user calls it: `6.12`."""
    release: str
    """What it calls itself: `6.12.117+deb12-cloud-amd64`."""
    vmlinuz: Path
    headers: Path
    """The folder for `make -C`."""

    @property
    def version(self) -> str:
        """The name of the mainline release it is made from, as engines are named: `v6.12`."""
        found = re.match(r"\d+\.\d+", self.release)
        if not found:
            raise KernelError(f"cannot tell the kernel's version from its release '{self.release}'")
        return f"v{found.group()}"

    def facts(self) -> dict[str, str]:
        """Return what of its configuration matters (`FACTS`)."""
        config = self.headers / ".config"
        if not config.is_file():
            return {}
        lines = dict(
            line.split("=", 1)
            for line in config.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.startswith("CONFIG_") and "=" in line
        )
        return {fact: lines.get(fact, "n") for fact in FACTS}


def cache_folder() -> Path:
    """Return where kernels and built modules are kept: $KLPDSL_CACHE_DIR, or klpdsl below $XDG_CACHE_HOME."""
    if given := _cache.chosen_directory():
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "klpdsl"


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def kernels_at_hand(cache: Path | None = None) -> list[KernelImage]:
    """Return the kernels in the cache, oldest first."""
    found = []
    for folder in sorted(((cache or cache_folder()) / "kernels").glob("*")):
        for vmlinuz in (folder / "boot").glob("vmlinuz-*"):
            release = vmlinuz.name.removeprefix("vmlinuz-")
            headers = folder / "usr/src" / f"linux-headers-{release}"
            if (headers / "Makefile").is_file():
                found.append(KernelImage(folder.name, release, vmlinuz, headers))
    return sorted(found, key=lambda kernel: _order(kernel.release))


def kernel_named(name: str, cache: Path | None = None) -> KernelImage:
    """Return the kernel in the cache that `name` means: `6.12`, or the whole release."""
    kernels = kernels_at_hand(cache)
    wanted = name.removeprefix("v")
    for kernel in reversed(kernels):
        if wanted in {kernel.name, kernel.release}:
            return kernel
    have = ", ".join(kernel.name for kernel in kernels) or "none"
    raise KernelError(
        f"no kernel {name} at hand (there is: {have}); get it with: klpdsl kernel fetch {wanted}"
    )


def given_kernel(vmlinuz: Path, headers: Path) -> KernelImage:
    """Return the kernel made of these two; its release is what its headers say."""
    if not vmlinuz.is_file():
        raise KernelError(f"no kernel image at {vmlinuz}")
    release_file = headers / "include/config/kernel.release"
    if not release_file.is_file():
        raise KernelError(
            f"{headers} holds no headers that modules can be built with: {release_file} is missing"
        )
    release = release_file.read_text(encoding="utf-8", errors="replace").strip()
    return KernelImage(release, release, vmlinuz.resolve(), headers.resolve())


# --- fetching -----------------------------------------------------------------------------------------------------


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise KernelError(f"`{command[0]}` is needed and not there") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise KernelError(f"`{' '.join(command)}` failed: {last}")
    return done.stdout


def packages_for(name: str, package_names: list[str]) -> tuple[str, list[str]]:
    """Choose from apt's `package_names` the newest kernel of the series `name`: its release and its packages.

    The image is taken unsigned where there is one: it is the same kernel, and its package has no dependencies.
    """
    pattern = re.compile(rf"linux-image-({re.escape(name)}[.][\w.+-]*-{FLAVOUR})(?:-unsigned)?$")
    releases = {found.group(1) for package in package_names if (found := pattern.match(package))}
    with_headers = [release for release in releases if f"linux-headers-{release}" in package_names]
    if not with_headers:
        raise KernelError(f"apt knows no linux-image-{name}.*-{FLAVOUR} with headers; is the suite right?")
    release = max(with_headers, key=_order)
    base = release.removesuffix(f"-{FLAVOUR}")
    image = f"linux-image-{release}"
    if f"{image}-unsigned" in package_names:
        image += "-unsigned"
    kbuild = f"linux-kbuild-{base}"
    if kbuild not in package_names:
        kbuild = f"linux-kbuild-{name}"
    return release, [image, f"linux-headers-{release}", f"linux-headers-{base}-common", kbuild]


def fetch_commands(packages: list[str], folder: Path) -> list[list[str]]:
    """Return the commands that bring `packages` into `folder`, for `fetch` and for whoever must do it by hand."""
    unpack = 'for package in *.deb; do dpkg-deb -x "$package" . && rm "$package"; done'
    return [
        ["mkdir", "-p", str(folder)],
        ["env", "-C", str(folder), "apt-get", "download", *packages],
        ["env", "-C", str(folder), "sh", "-c", unpack],
    ]


def how_to_fetch(name: str, cache: Path | None = None) -> list[list[str]]:
    """Return the commands that do what `fetch` does, for whoever may not or cannot do it here."""
    series = name.removeprefix("v")
    folder = (cache or cache_folder()) / "kernels" / series
    names = _run(["apt-cache", "pkgnames", "linux-"], Path.cwd()).split()
    release, packages = packages_for(series, names)
    makefile = folder / "usr/src" / f"linux-headers-{release}" / "Makefile"
    relocate = f"s#^include /usr/src/#include {folder}/usr/src/#"
    return [*fetch_commands(packages, folder), ["sed", "-i", relocate, str(makefile)]]


def fetch(name: str, cache: Path | None = None) -> KernelImage:
    """Download the newest kernel of the series `name` with its headers and unpack it into the cache."""
    top = (cache or cache_folder()) / "kernels"
    top.mkdir(parents=True, exist_ok=True)
    names = _run(["apt-cache", "pkgnames", "linux-"], top).split()
    release, packages = packages_for(name.removeprefix("v"), names)
    folder = top / name.removeprefix("v")
    fresh = top / f".{folder.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for command in fetch_commands(packages, fresh):
            _run(command, top)
    except KernelError as error:
        raise KernelError(f"{error}\nto do it by hand: klpdsl kernel fetch {folder.name} --dry-run") from None
    relocate_headers(fresh / "usr/src" / f"linux-headers-{release}")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return kernel_named(folder.name, cache)


def relocate_headers(headers: Path) -> None:
    """Make the headers' Makefile find the common headers beside it, wherever that is.

    The package's Makefile is one line that includes /usr/src/…-common/Makefile; all else in the packages is linked
    by relative names.
    """
    makefile = headers / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    beside = r"include $(dir $(lastword $(MAKEFILE_LIST)))../\1"
    makefile.write_text(re.sub(r"^include /usr/src/(.*)", beside, text, flags=re.MULTILINE), encoding="utf-8")
