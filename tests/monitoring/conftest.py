"""One Prometheus for all tests that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.live import Live, started
from tests.workspace.conftest import checks_here as checks_here


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Started when first asked for, stopped at the end."""
    folder = tmp_path_factory.mktemp("live")
    Path(folder / "w").mkdir()
    with started(folder) as one:
        yield one
