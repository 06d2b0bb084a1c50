"""Files and folders: read once, refused when they change, never followed out of their folder, never too big for memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage import unchanged
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.typenames import Unfit
from jupyter_mlgov.lineage.unchanged import Unchanged, steady
from jupyter_mlgov.sdk import fingerprint

LATER = 10 * unchanged.RACY_COARSE_NS


def later() -> int:
    """A clock by which every file here is old."""
    return time.time_ns() + LATER


class Reads:
    """Reads a file's bytes, and counts."""

    def __init__(self, between: Callable[[Path], None] = lambda _: None) -> None:
        self.count = 0
        self._between = between

    def __call__(self, path: Path) -> bytes:
        self.count += 1
        content = path.read_bytes()
        self._between(path)
        return content


# -- unchanged files --------------------------------------------------------------------------------------------------


def test_an_unchanged_file_is_read_once(tmp_path: Path) -> None:
    path, reads, known = tmp_path / "a", Reads(), Unchanged[bytes](clock=later)
    path.write_bytes(b"one")
    assert [known.get(path, reads) for _ in range(3)] == [b"one"] * 3
    assert reads.count == 1
    assert known.get(tmp_path / "." / "a", reads) == b"one" and reads.count == 1
    assert known.get(path, reads, "another way") == b"one" and reads.count == 2


def test_an_edit_that_keeps_size_and_time_of_modification_is_seen(tmp_path: Path) -> None:
    path, reads, known = tmp_path / "a", Reads(), Unchanged[bytes](clock=later)
    path.write_bytes(b"one")
    assert known.get(path, reads) == b"one"
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # until the clock of the file system has moved on
        path.write_bytes(b"two")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert known.get(path, reads) == b"two"


def test_a_file_moved_over_another_is_seen(tmp_path: Path) -> None:
    path, known = tmp_path / "a", Unchanged[bytes](clock=later)
    path.write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    os.utime(tmp_path / "b", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert known.get(path, Reads()) == b"one"
    (tmp_path / "b").replace(path)
    assert known.get(path, Reads()) == b"two"


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path) -> None:
    """A second change within the same tick of the clock would look the same (git: "racily clean")."""
    path, reads, known = tmp_path / "a", Reads(), Unchanged[bytes]()
    path.write_bytes(b"one")
    assert known.get(path, reads) == known.get(path, reads) == b"one"
    assert reads.count == 2


def test_where_only_whole_seconds_are_kept_a_file_must_be_older(tmp_path: Path) -> None:
    second = 1_000_000_000
    for changed, wanted in ((7 * second + 5, True), (7 * second, False)):
        found = (tmp_path.stat().st_dev, 1, 1, changed, changed)
        assert Unchanged[bytes]()._is_certain(found, 7 * second + second // 2) is wanted
        assert Unchanged[bytes]()._is_certain(found, 10 * second)


def test_a_file_on_a_network_file_system_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reads, known = tmp_path / "a", Reads(), Unchanged[bytes](clock=later)
    path.write_bytes(b"one")
    monkeypatch.setattr(unchanged, "is_remote", lambda device: device == path.stat().st_dev)
    assert known.get(path, reads) == known.get(path, reads) == b"one"
    assert reads.count == 2


def test_only_so_many_files_are_remembered(tmp_path: Path) -> None:
    reads, known = Reads(), Unchanged[bytes](most=2, clock=later)
    for name in ("a", "b", "c", "a"):
        (tmp_path / name).touch()
        known.get(tmp_path / name, reads)
    assert reads.count == 4


# -- files that change ------------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_read_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with pytest.raises(Unfit, match="a changed while it was read"):
        steady(path, Reads(between=lambda file: file.write_bytes(b"longer")))
    with pytest.raises(Unfit, match="changed while"):
        Unchanged[bytes]().get(path, Reads(between=lambda file: file.write_bytes(b"longer still")))


def test_a_parquet_file_that_changes_while_it_is_read_has_no_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": range(10)}), path)
    real = pq.ParquetFile.iter_batches

    def grows(self: pq.ParquetFile, **words: object) -> object:
        yield from real(self, **words)
        with path.open("ab") as stream:
            stream.write(b"!")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", grows)
    with pytest.raises(BadInput, match="changed while it was read"):
        fingerprint(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_broken_parquet_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"t.parquet cannot be read as Parquet"):
        fingerprint(path)


def test_a_truncated_parquet_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": np.random.default_rng(1).random(200_000)}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(1000) + whole[1004:])
    with pytest.raises(BadInput, match=r"t.parquet cannot be read as Parquet|reading it raised"):
        fingerprint(path)


def test_a_missing_file_and_a_pipe_are_sentences(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        fingerprint(tmp_path / "missing")
    with pytest.raises(BadInput, match="no plain file"):
        fingerprint(tmp_path / "pipe")


# -- folders ----------------------------------------------------------------------------------------------------------


def folder(at: Path) -> Path:
    (at / "deep" / "er").mkdir(parents=True)
    (at / "empty").mkdir()
    (at / "a.txt").write_bytes(b"one")
    (at / "deep" / "er" / "b").write_bytes(b"two")
    (at / "link").symlink_to("deep/er/b")
    (at / "loop").symlink_to(".")
    return at


def test_a_folder_is_known_by_names_and_contents_alone(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    os.utime(other / "a.txt", (1, 1))
    (other / "a.txt").chmod(0o600)
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one).method == "mlgov-folder-1"


def test_the_root_of_a_folder_by_hashlib_alone(tmp_path: Path) -> None:
    import hashlib

    entries = [
        (b"f", b"a.txt", b"one"),
        (b"f", b"deep/er/b", b"two"),
        (b"d", b"empty", b""),
        (b"l", b"link", b"deep/er/b"),
        (b"l", b"loop", b"."),
    ]
    parts = [
        kind + len(name).to_bytes(4, "little") + name + hashlib.sha256(content).digest()
        for kind, name, content in sorted(entries, key=lambda e: e[1])
    ]
    assert fingerprint(folder(tmp_path / "one")).root == "sha256:" + hashlib.sha256(b"mlgov-folder-1\n" + b"".join(parts)).hexdigest()


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda at: (at / "a.txt").write_bytes(b"two"),
    "name": lambda at: (at / "a.txt").rename(at / "b.txt"),
    "place": lambda at: (at / "a.txt").rename(at / "deep" / "a.txt"),
    "new file": lambda at: (at / "new").touch(),
    "gone folder": lambda at: (at / "empty").rmdir(),
    "where a link points": lambda at: ((at / "link").unlink(), (at / "link").symlink_to("a.txt")),
    "a link made a file": lambda at: ((at / "link").unlink(), (at / "link").write_bytes(b"deep/er/b")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_has_another_root(tmp_path: Path, change: str) -> None:
    before = fingerprint(folder(tmp_path / "one"))
    CHANGES[change](tmp_path / "one")
    assert fingerprint(tmp_path / "one").root != before.root


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    at = folder(tmp_path / "one")
    before = fingerprint(at)
    (tmp_path / "outside").write_bytes(b"secret")
    (at / "out").symlink_to(tmp_path / "outside")
    pointed = fingerprint(at)
    (tmp_path / "outside").write_bytes(b"changed")
    assert pointed.root != before.root and fingerprint(at).root == pointed.root


def test_a_folder_with_a_pipe_has_no_fingerprint_and_names_it(tmp_path: Path) -> None:
    os.mkfifo(folder(tmp_path / "one") / "deep" / "pipe")
    with pytest.raises(BadInput, match="deep/pipe is no file"):
        fingerprint(tmp_path / "one")


def test_names_of_any_bytes_are_told_apart(tmp_path: Path) -> None:
    for name in (b"\xff\xfe", b"caf\xc3\xa9"):
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / os.fsdecode(name)).write_bytes(b"x")
    assert measured(tmp_path / "one") is not None


def test_a_plain_file_is_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert fingerprint(tmp_path / "a").root == Digest.of_bytes(b"abc")


# -- memory -----------------------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from pathlib import Path
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
from jupyter_mlgov.sdk import fingerprint
{make}
def grown():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
fingerprint(pd.DataFrame({{"warm": [1.0], "up": ["x"]}}))
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = grown()
fingerprint({what}{more})
print((grown() - before) // 1024)
"""


def peak(make: str, what: str, more: str = "") -> int:
    """Megabytes that a fresh process needs at its peak beside what it held before."""
    done = subprocess.run([sys.executable, "-c", PEAK.format(make=make, what=what, more=more)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")


@linux
def test_a_frame_needs_little_beside_itself() -> None:
    """400 MB of numbers in one block of pandas, with texts of Python; a copy of it would show."""
    make = "frame = pd.DataFrame(np.random.default_rng(1).random((5_000_000, 10)))"
    make += "; frame['t'] = np.array(['a', 'bb', None], object)[np.arange(len(frame)) % 3]"
    assert peak(make, "frame") < 100


@linux
def test_a_parquet_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """One row group of 240 MB of numbers and texts that do not compress; all of it at once would show."""
    rng, path = np.random.default_rng(1), tmp_path / "big.parquet"
    words = pa.array([f"{number:016x}" for number in rng.integers(0, 2**62, 1000)])
    schema = pa.schema({**{f"x{place}": pa.float64() for place in range(8)}, "t": pa.string()})
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        columns = {f"x{place}": rng.random(3_000_000) for place in range(8)}
        writer.write_table(
            pa.table({**columns, "t": words.take(pa.array(rng.integers(0, 1000, 3_000_000)))}, schema), row_group_size=3_000_000
        )
    assert path.stat().st_size > 240_000_000
    assert peak(f"path = Path({str(path)!r})", "path") < 150
    path.unlink()
