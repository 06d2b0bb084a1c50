"""binder/ as repo2docker reads it: its own detection and Dockerfile. No image is built here; that needs an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

# repo2docker imports modules by names that its own libraries have given up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def buildpack(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The first of repo2docker's buildpacks, in its own order, that takes this repository."""
    from repo2docker.app import Repo2Docker

    monkeypatch.chdir(checkout)
    hub = Repo2Docker()
    pack = next(pack for pack in (kind(hub.base_image) for kind in hub.buildpacks) if pack.detect())
    pack.platform = "linux/amd64"
    return pack


def test_repo2docker_takes_binder_as_an_environment_of_conda_with_our_python(buildpack: object, checkout: Path) -> None:
    assert type(buildpack).__name__ == "CondaBuildPack"
    assert buildpack.binder_dir == "binder"  # type: ignore[attr-defined]  # a build pack's
    assert buildpack.python_version == "3.11"  # type: ignore[attr-defined]  # likewise


def test_the_dockerfile_runs_post_build_and_starts_through_start(buildpack: object) -> None:
    made = buildpack.render()  # type: ignore[attr-defined]  # likewise
    lines = [line.strip() for line in made.splitlines()]
    assert "RUN ./binder/postBuild" in lines
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in lines
    assert any('env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in line for line in lines)
