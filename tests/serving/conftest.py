"""One house with two versions for all tests that leave it as it was; a fresh one for those that do not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving.world import House, Served, serving


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    """A folder with two promoted versions, to be copied."""
    root = tmp_path_factory.mktemp("served")
    house = House(root, empty_mlflow)
    house.promote(seed=1)
    house.promote(seed=2)
    house.workspace.close()
    return root


@pytest.fixture
def house(tmp_path: Path, empty_mlflow: Path) -> Callable[..., House]:
    """An empty house with its own team file."""

    def make(team: str | None = None, **more: object) -> House:
        root = tmp_path / "w"
        root.mkdir()
        return House(root, empty_mlflow, **({"team": team} if team is not None else {}), **more)

    return make


@pytest.fixture(scope="session")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over two versions that no test changes."""
    root = tmp_path_factory.mktemp("shared") / "w"
    shutil.copytree(built, root)
    house = reopened(root)
    with serving(house.workspace) as served:
        yield served
    house.workspace.close()


def reopened(root: Path) -> House:
    """The house in a copied folder. Its files keep their first place, so what MLflow points to is still there."""
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace

    house = House.__new__(House)
    house.workspace = Workspace(root, Settings(actor="ana", tracking_uri=f"sqlite:///{root / 'mlflow.db'}", deliver="manual"))
    house.folders = {}
    return house


@pytest.fixture
def two(built: Path, tmp_path: Path) -> House:
    """A copy of the house with two versions, to be changed at will."""
    shutil.copytree(built, tmp_path / "w")
    return reopened(tmp_path / "w")
