"""Tests of the language keep their cache to themselves."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "klpdsl-cache"
    monkeypatch.setenv("KLPDSL_CACHE_DIR", str(folder))
    monkeypatch.delenv("KLPDSL_NO_CACHE", raising=False)
