"""The environment as importlib.metadata tells it, but without opening hundreds of files."""

from __future__ import annotations

import platform
from importlib import metadata

from jupyter_mlgov.lineage.environment import distributions_in_use, environment, normalised


def test_every_installed_distribution_is_there_with_its_version() -> None:
    told: dict[str, str] = {}
    for distribution in metadata.distributions():
        told.setdefault(normalised(distribution.metadata["Name"]), str(distribution.version))
    found = environment()
    assert dict(found.packages) == told and len(told) > 50
    assert found.python == platform.python_version()
    assert found.digest == environment().digest


def test_what_is_loaded_is_in_use() -> None:
    import numpy

    assert numpy.__version__ == environment().packages["numpy"]
    assert {"numpy", "pytest"} <= set(distributions_in_use())
    assert set(distributions_in_use()) <= set(environment().packages)
