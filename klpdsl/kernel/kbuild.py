"""Compiling: the generated modules against a kernel's headers, and the guest's init. What was built once is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from klpdsl.kernel.errors import KernelError
from klpdsl.kernel.kernels import KernelImage, cache_folder
from klpdsl.kernel.sources import GUEST, Source

_RUNTIME = Source("klprt", ((GUEST / "klprt.c").read_text(encoding="utf-8"),))
_HEADER = (GUEST / "klprt.h").read_text(encoding="utf-8")

# A function keeps its frame while it sleeps in one it has called; and nobody debugs these modules.
_FLAGS = "-fno-optimize-sibling-calls -g0"


class Built(NamedTuple):
    """The modules of a batch: the runtime's file, and each source's."""

    runtime: Path
    modules: dict[Source, Path]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]


def _replace(built: Path, kept: Path) -> None:
    """Put a file into the cache so that whoever looks meanwhile sees all of it or nothing."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.{threading.get_ident()}")
    shutil.copyfile(built, temporary)
    temporary.replace(kept)


def _run_make(kernel: KernelImage, folder: Path, jobs: int, variables: Iterable[str] = ()) -> str:
    """Build the modules that `folder`'s Kbuild file names; return what make said."""
    command = [
        "make", "-k", f"-j{jobs}", "-C", str(kernel.headers), f"M={folder}",
        # BTF for modules would take pahole, and nothing here reads it.
        "CONFIG_DEBUG_INFO_BTF_MODULES=", *variables, "modules",
    ]  # fmt: skip
    # The variables of a make that runs us are no business of the kernel's.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=900, env=clean | {"LC_ALL": "C"}
        )
    except FileNotFoundError:
        raise KernelError("`make` is needed to build modules and is not there") from None
    except subprocess.TimeoutExpired:
        raise KernelError("building the modules took more than 15 minutes") from None
    return done.stdout + done.stderr


def _write_source(source: Source, folder: Path) -> None:
    folder.mkdir()
    (folder / "klprt.h").write_text(_HEADER, encoding="utf-8")
    names = []
    for number, text in enumerate(source.parts):
        # A module of one file is that file; a part of one must not be called like the whole.
        name = source.name if len(source.parts) == 1 else f"{source.name}-part{number}"
        names.append(name)
        (folder / f"{name}.c").write_text(text, encoding="utf-8")
    kbuild = f"obj-m := {source.name}.o\nccflags-y := {_FLAGS}\n"
    if len(names) > 1:
        kbuild += f"{source.name}-y := {' '.join(f'{name}.o' for name in names)}\n"
    (folder / "Kbuild").write_text(kbuild, encoding="utf-8")


def _errors(said: str) -> str:
    lines = [line for line in said.splitlines() if "error" in line.lower() or "No such file" in line]
    return "\n".join((lines or said.splitlines()[-5:])[:5])


def _runtime(kernel: KernelImage, cache: Path, jobs: int) -> tuple[Path, Path]:
    """Return the runtime module for `kernel` and the list of the symbols it exports."""
    folder = cache / "modules" / kernel.release / f"runtime-{_digest(*_RUNTIME.parts, _HEADER)}"
    module, symbols = folder / "klprt.ko", folder / "Module.symvers"
    if not (module.is_file() and symbols.is_file()):
        with tempfile.TemporaryDirectory(prefix="klpdsl-") as name:
            work = Path(name) / "runtime"
            _write_source(_RUNTIME, work)
            said = _run_make(kernel, work, jobs)
            if not (work / "klprt.ko").is_file():
                raise KernelError(f"the runtime module does not build for {kernel.release}:\n{_errors(said)}")
            _replace(work / "Module.symvers", symbols)
            _replace(work / "klprt.ko", module)
    return module, symbols


def _without_namesakes(sources: list[Source]) -> list[list[Source]]:
    """Deal the sources out so that no two of one name are built together: the kernel's makefiles refuse that."""
    rounds: list[list[Source]] = []
    seen: dict[str, int] = {}
    for source in sources:
        number = seen[source.name] = seen.get(source.name, -1) + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(source)
    return rounds


def _build(kernel: KernelImage, sources: list[Source], paths: dict[Source, Path], symbols: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="klpdsl-") as name:
        work = Path(name)
        for number, source in enumerate(sources):
            _write_source(source, work / f"m{number}")
        (work / "Kbuild").write_text(
            "".join(f"obj-m += m{n}/\n" for n in range(len(sources))), encoding="utf-8"
        )
        said = _run_make(kernel, work, 1, [f"KBUILD_EXTRA_SYMBOLS={symbols}"])
        for number, source in enumerate(sources):
            built = work / f"m{number}" / f"{source.name}.ko"
            if not built.is_file():
                raise KernelError(
                    f"module {source.name} does not build for {kernel.release}:\n{_errors(said)}"
                )
            _replace(built, paths[source])


def build_modules(
    kernel: KernelImage, sources: Iterable[Source], cache: Path | None = None, jobs: int = 2
) -> Built:
    """Build `sources` for `kernel`, or take them from the cache."""
    cache = cache or cache_folder()
    runtime, symbols = _runtime(kernel, cache, jobs)
    store = cache / "modules" / kernel.release
    key = _digest(*_RUNTIME.parts, _HEADER, _FLAGS)
    paths = {
        source: store / f"{_digest(key, source.name, *source.parts)}.ko" for source in dict.fromkeys(sources)
    }
    missing = [source for source, path in paths.items() if not path.is_file()]
    with ThreadPoolExecutor(jobs) as pool:
        for done in [
            pool.submit(_build, kernel, some, paths, symbols) for some in _without_namesakes(missing)
        ]:
            done.result()
    return Built(runtime, paths)


def build_init(cache: Path | None = None) -> Path:
    """Return the guest's init, a static program."""
    text = (GUEST / "init.c").read_text(encoding="utf-8")
    kept = (cache or cache_folder()) / f"init-{_digest(text, _HEADER)}"
    if kept.is_file():
        return kept
    with tempfile.TemporaryDirectory(prefix="klpdsl-") as name:
        built = Path(name) / "init"
        command = ["gcc", "-static", "-O2", "-o", str(built), str(GUEST / "init.c")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise KernelError("`gcc` is needed to build the guest's init and is not there") from None
        if done.returncode:
            raise KernelError(f"the guest's init does not build:\n{_errors(done.stderr)}")
        _replace(built, kept)
    return kept
