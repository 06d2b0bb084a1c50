"""The recorder's bench, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lineage.test_recorder import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Closed behind the test."""
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path)
    yield made
    made.recorder.close()
