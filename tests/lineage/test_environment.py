"""The environment as importlib.metadata tells it, but without opening hundreds of files."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.lineage.comparison import compare
from jupyter_mlgov.lineage.environment import described, distributions_in_use, environment, normalised, read_environment, read_lock, records
from jupyter_mlgov.lineage.facts import Environment, Machine
from jupyter_mlgov.lineage.machine import image, machine


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


def test_every_record_has_its_digest_and_a_kept_one_is_used_only_while_the_file_stands(tmp_path: Path) -> None:
    import hashlib

    found = records()
    distribution = metadata.distribution("numpy")
    content = (Path(str(distribution.locate_file(""))) / f"numpy-{distribution.version}.dist-info" / "RECORD").read_bytes()
    assert found["numpy"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert len(found) > 50 and set(found) <= set(environment().packages)
    cache = tmp_path / "records.json"
    assert records(cache) == found == records(cache)
    kept = json.loads(cache.read_text())
    path = next(path for path in kept if "/numpy-" in path)
    kept[path][3] = "sha256:" + "0" * 64
    cache.write_text(json.dumps(kept))
    assert records(cache)["numpy"] == "sha256:" + "0" * 64, "the cache is used"
    kept[path][1] -= 1
    cache.write_text(json.dumps(kept))
    assert records(cache) == found, "another time of change: the file is read"
    for broken in ("no json", "[]", '{"x": 1}', json.dumps({path: [1, 2, 3]})):
        cache.write_text(broken)
        assert records(cache) == found
    assert records(tmp_path / "no" / "folder.json") == found


def test_a_machine_is_told_or_said_to_be_unknown(tmp_path: Path) -> None:
    assert machine({}, tmp_path).features == ("unknown",)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(
        "model name\t: Some CPU\nflags\t\t: fpu sse4_2 avx2 avx512f fma vme\n\nprocessor: 1\nflags: none\n"
    )
    told = machine({"OMP_NUM_THREADS": "2", "SECRET": "hunter2"}, tmp_path)
    assert (told.cpu, told.features) == ("Some CPU", ("avx2", "avx512f", "fma", "sse4_2"))
    assert told.settings == {"OMP_NUM_THREADS": "2"}
    assert told.blas and told.blas != ("unknown",)


IMAGE = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("environ", "files", "told"),
    [
        ({}, {}, ""),
        ({"MLGOV_IMAGE_DIGEST": IMAGE}, {}, IMAGE),
        ({"MLGOV_IMAGE_DIGEST": f"registry/x@{IMAGE}"}, {}, IMAGE),
        ({"MLGOV_IMAGE_DIGEST": "latest"}, {}, "unknown"),
        ({}, {".dockerenv": ""}, "unknown"),
        ({}, {"run/.containerenv": ""}, "unknown"),
        ({}, {"run/.containerenv": f'engine="podman"\nimageid="{"cd" * 32}"\n'}, "sha256:" + "cd" * 32),
        ({}, {".dockerenv": "", "etc/mlgov/image-digest": IMAGE + "\n"}, IMAGE),
        ({"KUBERNETES_SERVICE_HOST": "h"}, {}, "unknown"),
    ],
)
def test_the_image_is_told_or_unknown_and_empty_only_outside(
    tmp_path: Path, environ: dict[str, str], files: dict[str, str], told: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert image(environ, tmp_path) == told


def test_an_environment_folds_back_and_an_old_one_is_read() -> None:
    found = described()
    assert read_environment(json.loads(json.dumps(plain(found)))) == found
    assert found.digest == environment().digest, "the digest is of Python, platform and versions, as it was"
    old = read_environment({"python": "3.11.7", "platform": "x", "packages": {"numpy": "2.0"}})
    assert old.machine is None and old.records == {}


def base(**changes: object) -> Environment:
    told = Machine(cpu="A", features=("avx2",), blas=("openblas 0.3 Haswell",))
    fact = Environment(python="3.11.7", platform="linux-x86_64", packages={"numpy": "2.1.0", "rich": "13"}, machine=told)
    return replace(fact, **changes)  # type: ignore[arg-type]  # fields of Environment


def with_machine(**changes: object) -> Environment:
    made = base()
    assert made.machine is not None
    return replace(made, machine=replace(made.machine, **changes))  # type: ignore[arg-type]  # fields of Machine


@pytest.mark.parametrize(
    ("other", "what", "matters", "known"),
    [
        (base(python="3.12.1"), "Python", True, True),
        (base(python="3.11.9"), "Python", False, True),
        (base(platform="macosx-arm64"), "platform", True, True),
        (base(packages={"numpy": "2.1.1", "rich": "13"}), "numpy", True, True),
        (base(packages={"numpy": "2.1.0", "rich": "14"}), "rich", False, True),
        (base(packages={"numpy": "2.1.0"}), "rich", False, True),
        (with_machine(blas=("mkl 2024",)), "linear algebra", True, True),
        (with_machine(blas=("unknown",)), "linear algebra", True, False),
        (with_machine(features=("avx2", "avx512f")), "vector features", True, True),
        (with_machine(cpu="B"), "processor", False, True),
        (with_machine(image=IMAGE), "container image", False, True),
        (with_machine(settings={"OMP_NUM_THREADS": "1"}), "OMP_NUM_THREADS", True, True),
        (base(machine=None), "machine", True, False),
    ],
)
def test_what_matters_is_told_apart(other: Environment, what: str, matters: bool, known: bool) -> None:
    assert [(each.what, each.matters, each.known) for each in compare(base(), other)] == [(what, matters, known)]
    assert [each.what for each in compare(other, base())] == [what], "both ways"
    assert compare(other, other) == () or not known


def test_the_same_version_with_other_files_is_a_difference() -> None:
    one, two = Digest.of_text("1"), Digest.of_text("2")
    (found,) = compare(base(records={"numpy": one, "rich": one}), base(records={"numpy": two, "rich": one}))
    assert found.what == "numpy 2.1.0 (its files)" and found.matters


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "# c\nNumPy==2.1.0 ; python_version > '3'\nrich[jupyter]==13 --hash=sha256:1\n-r more.txt\nloose>=1\n"),
        ("uv.lock", '[[package]]\nname = "NumPy"\nversion = "2.1.0"\n\n[[package]]\nname = "rich"\nversion = "13"\n'),
    ],
)
def test_a_lock_says_its_packages_and_is_not_asked_for_more(name: str, text: str) -> None:
    lock = read_lock(text, name)
    assert lock.packages == {"numpy": "2.1.0", "rich": "13"}
    assert compare(base(), lock) == ()
    with pytest.raises(BadInput, match="pins no version"):
        read_lock("loose>=1\n", name)
