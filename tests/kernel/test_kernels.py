"""Finding kernels and choosing packages; nothing here asks a network."""

from pathlib import Path

import pytest

from klpdsl.kernel.errors import KernelError
from klpdsl.kernel.kernels import (
    fetch_commands,
    given_kernel,
    kernel_named,
    kernels_at_hand,
    packages_for,
    relocate_headers,
)


def make_kernel(cache: Path, name: str, release: str) -> Path:
    folder = cache / "kernels" / name
    headers = folder / "usr/src" / f"linux-headers-{release}"
    (headers / "include/config").mkdir(parents=True)
    (headers / "Makefile").write_text("include /usr/src/linux-headers-x-common/Makefile\n", encoding="utf-8")
    (headers / "include/config/kernel.release").write_text(f"{release}\n", encoding="utf-8")
    (headers / ".config").write_text(
        "CONFIG_LIVEPATCH=y\nCONFIG_HZ=250\n# CONFIG_KPROBES is not set\n", "utf-8"
    )
    (folder / "boot").mkdir()
    (folder / "boot" / f"vmlinuz-{release}").write_text("", encoding="utf-8")
    return headers


def test_kernels_at_hand_are_in_the_order_of_their_releases(tmp_path: Path) -> None:
    make_kernel(tmp_path, "6.12", "6.12.117+deb12-cloud-amd64")
    make_kernel(tmp_path, "6.1", "6.1.0-56-cloud-amd64")
    assert [kernel.name for kernel in kernels_at_hand(tmp_path)] == ["6.1", "6.12"]
    assert kernel_named("6.1", tmp_path).release == "6.1.0-56-cloud-amd64"
    assert kernel_named("v6.12", tmp_path).version == "v6.12"
    assert kernel_named("6.12.117+deb12-cloud-amd64", tmp_path).name == "6.12"


def test_a_kernel_that_is_not_there(tmp_path: Path) -> None:
    make_kernel(tmp_path, "6.1", "6.1.0-56-cloud-amd64")
    with pytest.raises(KernelError, match=r"no kernel 6\.12 at hand \(there is: 6\.1\).*fetch 6\.12"):
        kernel_named("6.12", tmp_path)


def test_what_of_the_configuration_matters(tmp_path: Path) -> None:
    make_kernel(tmp_path, "6.1", "6.1.0-56-cloud-amd64")
    facts = kernel_named("6.1", tmp_path).facts()
    assert (facts["CONFIG_LIVEPATCH"], facts["CONFIG_HZ"], facts["CONFIG_KPROBES"]) == ("y", "250", "n")


def test_any_kernel(tmp_path: Path) -> None:
    headers = make_kernel(tmp_path, "own", "6.9.0-own")
    vmlinuz = tmp_path / "kernels/own/boot/vmlinuz-6.9.0-own"
    assert given_kernel(vmlinuz, headers).version == "v6.9"
    with pytest.raises(KernelError, match="no kernel image"):
        given_kernel(tmp_path / "nothing", headers)
    with pytest.raises(KernelError, match="no headers"):
        given_kernel(vmlinuz, tmp_path)


def test_the_newest_with_headers_is_chosen() -> None:
    names = [
        "linux-image-6.1.0-47-cloud-amd64", "linux-headers-6.1.0-47-cloud-amd64",
        "linux-image-6.1.0-56-cloud-amd64", "linux-image-6.1.0-56-cloud-amd64-unsigned",
        "linux-image-6.1.0-56-cloud-amd64-dbg", "linux-headers-6.1.0-56-cloud-amd64",
        "linux-image-6.1.0-99-cloud-amd64", "linux-kbuild-6.1", "linux-image-6.12.5-cloud-amd64",
    ]  # fmt: skip
    release, packages = packages_for("6.1", names)
    assert release == "6.1.0-56-cloud-amd64"
    assert packages == [
        "linux-image-6.1.0-56-cloud-amd64-unsigned", "linux-headers-6.1.0-56-cloud-amd64",
        "linux-headers-6.1.0-56-common", "linux-kbuild-6.1",
    ]  # fmt: skip


def test_a_release_with_a_kbuild_of_its_own() -> None:
    names = [
        "linux-image-6.12.117+deb12-cloud-amd64", "linux-headers-6.12.117+deb12-cloud-amd64",
        "linux-kbuild-6.12.117+deb12",
    ]  # fmt: skip
    assert packages_for("6.12", names)[1][-1] == "linux-kbuild-6.12.117+deb12"


def test_a_series_that_apt_does_not_know() -> None:
    with pytest.raises(KernelError, match=r"6\.99"):
        packages_for("6.99", ["linux-image-6.1.0-47-cloud-amd64"])


def test_fetching_installs_nothing(tmp_path: Path) -> None:
    commands = [" ".join(command) for command in fetch_commands(["linux-image-x"], tmp_path)]
    assert any("apt-get download linux-image-x" in command for command in commands)
    assert not any("apt-get install" in command or "sudo" in command for command in commands)


def test_headers_find_each_other_anywhere(tmp_path: Path) -> None:
    headers = make_kernel(tmp_path, "6.1", "6.1.0-56-cloud-amd64")
    relocate_headers(headers)
    text = (headers / "Makefile").read_text(encoding="utf-8")
    assert text == "include $(dir $(lastword $(MAKEFILE_LIST)))../linux-headers-x-common/Makefile\n"
