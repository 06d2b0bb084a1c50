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


def test_the_owners_of_modules_are_those_the_standard_library_names() -> None:
    """Ours is quicker; where both know a module, they name the same distributions."""
    import sys
    from importlib.metadata import packages_distributions

    from jupyter_mlgov.lineage import environment as room

    ours = room._owners(tuple(sys.path))
    theirs = {
        module: {room.normalised(name) for name in names} for module, names in packages_distributions().items() if module.isidentifier()
    }
    for module in ("numpy", "sklearn", "yaml", "pandas", "IPython", "dateutil", "google"):
        assert set(ours.get(module, ())) == theirs.get(module, set()), module
    differing = {module for module in theirs if set(ours.get(module, ())) != theirs[module]}
    assert differing <= {"jupyter_mlgov", "mlgov_validators"}, differing
