"""Every ObjectStore keeps content under its name, whole or not at all, and checks it when it is read."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.journal import ObjectStore
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.objects import FileObjects
from jupyter_mlgov.testing import MemoryObjects


@pytest.fixture(params=["memory", "files"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return MemoryObjects() if request.param == "memory" else FileObjects(tmp_path / "objects")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folders, so that another user can be let in."""
    place = Path(tempfile.mkdtemp(prefix="mlgov-test-"))
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=5000))
def test_what_was_put_comes_back_under_its_digest(objects: ObjectStore, content: bytes) -> None:
    digest = objects.put(content)
    assert digest == Digest.of_bytes(content)
    assert objects.get(digest) == content
    assert objects.path(digest).read_bytes() == content
    assert objects.put(content) == digest


def test_a_file_is_kept_under_the_digest_of_its_content(objects: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "model.skops"
    source.write_bytes(b"0123456789" * 300_000)
    digest = objects.put_file(source)
    source.write_bytes(b"changed later")
    assert digest == Digest.of_bytes(b"0123456789" * 300_000)
    assert objects.get(digest) == b"0123456789" * 300_000


def test_what_is_missing_is_said(objects: ObjectStore) -> None:
    digest = Digest.of_bytes(b"never put")
    with pytest.raises(StorageProblem, match="is not in the store"):
        objects.get(digest)
    with pytest.raises(StorageProblem, match="is not in the store"):
        objects.path(digest)


def test_a_name_that_is_no_digest_reaches_no_file(objects: ObjectStore) -> None:
    with pytest.raises((ValueError, StorageProblem)):
        objects.get("../../etc/passwd")


def test_an_object_lies_under_two_and_sixty_two_hex_characters_and_nothing_else_is_left(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    digest = objects.put(b"abc")
    assert files(tmp_path) == ["ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]
    assert objects.path(digest).stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("changed", [b"abd", b"", b"abc\n"])
def test_a_changed_object_is_refused_when_read_and_mended_when_put_again(tmp_path: Path, changed: bytes) -> None:
    objects = FileObjects(tmp_path)
    digest = objects.put(b"abc")
    place = objects.path(digest)
    place.chmod(0o644)
    place.write_bytes(changed)
    with pytest.raises(StorageProblem, match="was changed"):
        objects.get(digest)
    with pytest.raises(StorageProblem, match="was changed"):
        objects.path(digest)
    objects.put(b"abc")
    assert objects.get(digest) == b"abc"


def test_a_source_that_cannot_be_read_is_bad_input_and_leaves_nothing(objects: ObjectStore, tmp_path: Path) -> None:
    for source in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            objects.put_file(source)
    assert files(tmp_path) == []


def test_a_killed_writer_leaves_no_half_object(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from jupyter_mlgov.integrations.objects import FileObjects
        objects = FileObjects(Path(sys.argv[1]))
        print("begun", flush=True)
        for index in range(10**9):
            objects.put(index.to_bytes(8, "big") * 200_000)
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    for _ in range(1000):
        if len([name for name in files(tmp_path) if "/" in name]) >= 3:
            break
        os.sched_yield()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    for name in files(tmp_path):
        if "/" in name:
            FileObjects(tmp_path).get(Digest("sha256:" + name.replace("/", "")))


def test_a_read_only_folder_is_said(folder: Path) -> None:
    """As root the writer becomes another user first, since root may write anywhere."""
    code = """
        import os, sys
        from pathlib import Path
        from jupyter_mlgov.core.errors import StorageProblem
        from jupyter_mlgov.integrations.objects import FileObjects
        FileObjects(Path(sys.argv[1])).put(b"abc")
        Path(sys.argv[1]).chmod(0o555)
        if os.getuid() == 0:
            os.setuid(65534)
        for folder in (Path(sys.argv[1]), Path(sys.argv[1], "new")):
            try:
                FileObjects(folder).put(b"abcd")
            except StorageProblem as problem:
                print(problem)
    """
    folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == f"{folder} is read-only. Give write access, or use `--workspace DIR`."
    assert second.startswith(f"{folder / 'new'} is read-only.")


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_and_leaves_nothing_half(folder: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    try:
        objects = FileObjects(folder / "objects")
        small = objects.put(b"small")
        with pytest.raises(StorageProblem, match="the disk is full"):
            objects.put(b"x" * 1_000_000)
        assert objects.get(small) == b"small"
        assert len(files(folder)) == 1
    finally:
        subprocess.run(["umount", folder], check=True)


def test_two_that_put_the_same_content_at_once_both_succeed(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from jupyter_mlgov.integrations.objects import FileObjects
        for index in range(100):
            FileObjects(Path(sys.argv[1])).put(str(index).encode())
    """
    writers = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]) for _ in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(files(tmp_path)) == 100
