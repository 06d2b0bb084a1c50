"""The journal on a real SQLite file: what it promises on disk, to threads, processes, forks and people."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Journal, Parcel
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import StorageProblem, UsageError
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA, FixedClock

DRAFT = Draft(action="cell.finished", subject="credit.ipynb", payload={"cell_id": "a", "outcome": "ok"})
PARCEL = Parcel(key="run-1", target="mlflow", kind="run", payload={"metrics": {"auc": 0.75}})

WRITER = """
import sys
from pathlib import Path
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA
path, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
journal = open_journal(path, SystemClock())
for index in range(times):
    journal.append([Draft(action="cell.finished", subject=name, payload={"index": index})], actor=ANA)
    print(index, flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mlgov.db"


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    opened = open_journal(file, SystemClock())
    yield opened
    opened.close()


def writer(file: Path, name: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name, str(times)], stdout=subprocess.PIPE, text=True)


def in_python(code: str, *words: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(code), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# What lies on disk


def test_the_file_is_in_wal_mode_and_every_commit_is_synced(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    with journal._backend.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_person_with_any_sqlite_tool_can_read_the_log(file: Path, journal: Journal) -> None:
    (entry,) = journal.append([DRAFT], actor=ANA)
    with closing(sqlite3.connect(file)) as link:
        row = link.execute("SELECT * FROM log").fetchone()
    assert row[0] == 1
    assert row[2:6] == (
        '{"id":"ana@example.org","name":"Ana","source":"git"}',
        "cell.finished",
        "credit.ipynb",
        '{"cell_id":"a","outcome":"ok"}',
    )
    assert row[6:] == (entry.payload_digest, entry.previous, entry.digest)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET subject = 'x' WHERE seq = 1",
        "DELETE FROM log WHERE seq = 2",
        "DELETE FROM log",
        "INSERT OR REPLACE INTO log SELECT 1, time, actor, action, 'x', payload, payload_digest, previous, digest FROM log WHERE seq = 1",
        "INSERT INTO log SELECT 9, time, actor, action, 'x', payload, payload_digest, previous, digest FROM log WHERE seq = 1",
        "INSERT INTO log SELECT NULL, time, actor, action, 'x', payload, payload_digest, previous, digest FROM log WHERE seq = 1",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(file: Path, journal: Journal, statement: str) -> None:
    journal.append([DRAFT, DRAFT], actor=ANA)
    link = sqlite3.connect(file, isolation_level=None)
    if "NULL" in statement:  # SQLite gives the next number by itself; the chain, not the trigger, then shows the foreign row.
        with pytest.raises(sqlite3.IntegrityError):
            link.execute(statement)
    else:
        with pytest.raises(sqlite3.IntegrityError, match="the trail"):
            link.execute(statement)
    link.close()
    assert verify(journal.entries(), damage=journal.damage()).checked == 2


@pytest.mark.parametrize("statement", ["DROP TRIGGER log_keeps_rows", "ALTER TABLE log RENAME COLUMN subject TO about"])
def test_removed_guards_and_changed_columns_are_damage(file: Path, journal: Journal, statement: str) -> None:
    journal.append([DRAFT], actor=ANA)
    assert journal.damage() == ""
    link = sqlite3.connect(file, isolation_level=None)
    link.execute(statement)
    link.close()
    assert "log_keeps_rows" in journal.damage() or "'log'" in journal.damage()


def test_a_guard_that_was_weakened_is_damage(file: Path, journal: Journal) -> None:
    link = sqlite3.connect(file, isolation_level=None)
    link.execute("DROP TRIGGER log_keeps_words")
    link.execute("CREATE TRIGGER log_keeps_words BEFORE UPDATE ON log BEGIN SELECT 1; END")
    link.close()
    assert "'log_keeps_words' was changed" in journal.damage()


def test_entry_and_parcel_are_written_together_or_not_at_all(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    link = sqlite3.connect(file, isolation_level=None)
    link.execute("CREATE TRIGGER stop BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'stop'); END")
    with pytest.raises(StorageProblem):
        journal.append([DRAFT], actor=ANA, parcels=[PARCEL])
    assert journal.head()[0] == 1
    link.execute("DROP TRIGGER stop")
    link.close()
    journal.append([DRAFT], actor=ANA, parcels=[PARCEL])
    assert (journal.head()[0], journal.pending()) == (2, (PARCEL,))


def test_a_parcel_changed_in_the_file_is_refused_and_not_delivered(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA, parcels=[PARCEL])
    link = sqlite3.connect(file, isolation_level=None)
    link.execute("UPDATE outbox SET payload = replace(payload, '0.75', '0.95')")
    link.close()
    with pytest.raises(StorageProblem, match="parcel run-1 no longer matches"):
        journal.pending()


# What it costs


def test_opening_an_up_to_date_database_imports_no_alembic_and_the_door_no_sqlalchemy(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    said = in_python(
        """
        import sys
        from pathlib import Path
        from jupyter_mlgov.integrations.sql import open_journal
        from jupyter_mlgov.core.clock import SystemClock
        print("sqlalchemy" in sys.modules)
        print(open_journal(Path(sys.argv[1]), SystemClock()).head()[0])
        print("sqlalchemy" in sys.modules, "alembic" in sys.modules)
        """,
        str(file),
    )
    assert said.split("\n") == ["False", "1", "True False"]


def test_an_append_costs_under_a_millisecond_of_processor_time(journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    best = 1.0
    for _ in range(5):
        start = time.process_time()
        for _ in range(50):
            journal.append([DRAFT], actor=ANA)
        best = min(best, (time.process_time() - start) / 50)
    assert best < 0.001


def test_a_process_that_ends_without_closing_leaves_one_file(file: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from jupyter_mlgov.audit.entries import Draft
        from jupyter_mlgov.core.clock import SystemClock
        from jupyter_mlgov.integrations.sql import open_journal
        from jupyter_mlgov.testing import ANA
        journal = open_journal(Path(sys.argv[1]), SystemClock())
        journal.append([Draft(action="session.ended", subject="x")], actor=ANA)
    """
    in_python(code, str(file))
    assert [path.name for path in file.parent.iterdir()] == ["mlgov.db"]


# Several at once


def test_threads_share_one_journal(journal: Journal) -> None:
    problems: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for index in range(25):
                journal.append([Draft(action="cell.finished", subject=name, payload={"index": index})], actor=ANA)
                assert [entry.payload["index"] for entry in journal.entries(subject=name)][-1] == index
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(f"thread-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert verify(journal.entries(), damage=journal.damage()).sentence.startswith("150 entries, unbroken")


def test_four_processes_that_start_on_no_file_write_one_unbroken_log(file: Path) -> None:
    writers = [writer(file, f"process-{number}", 50) for number in range(4)]
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    journal = open_journal(file, SystemClock())
    answer = verify(journal.entries(), damage=journal.damage())
    assert answer.ok, answer.sentence
    assert answer.checked == 200
    for number in range(4):
        assert [entry.payload["index"] for entry in journal.entries(subject=f"process-{number}")] == list(range(50))
    journal.close()


def test_a_killed_writer_loses_nothing_it_said_was_written_and_holds_up_nobody(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    for _ in range(3):
        process = writer(file, "killed", 100_000)
        assert process.stdout is not None
        for _ in range(20):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
        process.wait()
        process.stdout.close()
        begun = [entry.payload["index"] for entry in journal.entries(subject="killed")]
        last_run = begun[len(begun) - 1 - begun[::-1].index(0) :]
        assert last_run[: said + 1] == list(range(said + 1))
        journal.append([DRAFT], actor=ANA)
    assert verify(journal.entries(), damage=journal.damage()).ok


def test_a_writer_killed_alone_leaves_a_whole_log_for_the_next_to_open(file: Path) -> None:
    process = writer(file, "killed", 100_000)
    assert process.stdout is not None
    for _ in range(30):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert file.with_name("mlgov.db-wal").exists()
    journal = open_journal(file, SystemClock())
    answer = verify(journal.entries(), damage=journal.damage())
    assert answer.ok
    assert answer.checked >= 30
    journal.close()


@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # 3.12+: other tests' threads; the fork is the point
def test_parent_and_child_of_a_fork_both_go_on_writing(journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    list(journal.entries())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(20):
                journal.append([Draft(action="cell.finished", subject="child")], actor=ANA)
            code = 0
        finally:
            os._exit(code)
    for _ in range(20):
        journal.append([Draft(action="cell.finished", subject="parent")], actor=ANA)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    answer = verify(journal.entries(), damage=journal.damage())
    assert (answer.ok, answer.checked) == (True, 41)


def test_no_connection_goes_over_a_fork(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)

    def open_files() -> list[str]:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [name for link in links if (name := str(link.readlink())).startswith(str(file))]

    assert open_files()
    child = os.fork()
    if child == 0:
        os._exit(1 if open_files() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# What people read when it does not work


def held(file: Path, statement: str) -> subprocess.Popen[str]:
    code = "import sqlite3, sys; link = sqlite3.connect(sys.argv[1], isolation_level=None); link.execute(sys.argv[2]); "
    code += "print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code, str(file), statement], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_database_locked_by_another_kernel_is_said_after_the_wait_and_mends_itself(file: Path) -> None:
    journal = open_journal(file, SystemClock(), wait=0.4)
    journal.append([DRAFT], actor=ANA)
    holder = held(file, "BEGIN EXCLUSIVE")
    start = time.monotonic()
    with pytest.raises(StorageProblem, match=r"locked by another kernel; waited 0\.4 s and wrote nothing") as caught:
        journal.append([DRAFT], actor=ANA)
    assert 0.3 < time.monotonic() - start < 60
    assert str(file) in str(caught.value)
    assert [entry.seq for entry in journal.entries()] == [1]
    holder.communicate("\n", timeout=30)
    journal.append([DRAFT], actor=ANA)
    assert verify(journal.entries()).checked == 2
    journal.close()


def test_a_file_held_before_it_became_ours_is_waited_for_and_said(file: Path) -> None:
    sqlite3.connect(file).close()
    holder = held(file, "BEGIN EXCLUSIVE")
    start = time.monotonic()
    with pytest.raises(StorageProblem, match="locked by another kernel"):
        open_journal(file, SystemClock(), wait=0.4)
    assert time.monotonic() - start < 60
    holder.communicate("\n", timeout=30)
    open_journal(file, SystemClock()).close()


def test_a_lock_that_is_let_go_within_the_wait_is_not_a_problem(file: Path, journal: Journal) -> None:
    holder = held(file, "BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, lambda: holder.communicate("\n"))
    timer.start()
    journal.append([DRAFT], actor=ANA)
    timer.join()
    assert journal.head()[0] == 1


def test_a_full_disk_is_said_and_the_log_stays_whole(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    big = Draft(action="cell.finished", subject="big", payload={"text": "x" * 400_000})
    with journal._backend.adding() as adding:
        ((pages,),) = adding.run("PRAGMA page_count")
        adding.run(f"PRAGMA max_page_count = {pages + 20}")
    with pytest.raises(StorageProblem, match=r"the disk is full\. Nothing of this act was written"):
        journal.append([DRAFT, big], actor=ANA, parcels=[PARCEL])
    journal.append([DRAFT], actor=ANA)
    assert journal.pending() == ()
    assert verify(journal.entries(), damage=journal.damage()).checked == 2


@pytest.mark.skipif(not Path("/dev/full").exists() or os.getuid() != 0, reason="mounting a small disk needs root on Linux")
def test_a_disk_that_is_really_full_is_said_and_the_log_stays_whole(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    try:
        journal = open_journal(place / "mlgov.db", SystemClock())
        written = 0
        draft = Draft(action="cell.finished", subject="x", payload={"text": "x" * 2000})

        def fill() -> None:
            nonlocal written
            while written < 1000:
                journal.append([draft], actor=ANA)
                written += 1

        with pytest.raises(StorageProblem, match="disk is full"):
            fill()
        assert verify(journal.entries(), damage=journal.damage()).checked == written > 10
        journal.close()
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("content", [b"not a database, just text " * 100, b"\x00" * 4096])
def test_a_file_that_is_no_database_is_said_and_left_as_it_is(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StorageProblem, match="is not an SQLite database"):
        open_journal(file, SystemClock())
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_as_it_is(file: Path) -> None:
    link = sqlite3.connect(file)
    link.execute("CREATE TABLE runs (id)")
    link.commit()
    link.close()
    with pytest.raises(StorageProblem, match="belongs to another program"):
        open_journal(file, SystemClock())
    with closing(sqlite3.connect(file)) as link:
        assert link.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]


def test_a_database_of_a_newer_program_is_refused(file: Path, journal: Journal) -> None:
    link = sqlite3.connect(file, isolation_level=None)
    link.execute("UPDATE mlgov_version SET version_num = '0999'")
    link.close()
    with pytest.raises(StorageProblem, match="version '0999', which this program does not know"):
        open_journal(file, SystemClock())


def test_a_folder_that_is_not_there_and_a_folder_in_place_of_the_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(StorageProblem, match="There is no folder"):
        open_journal(tmp_path / "no" / "mlgov.db", SystemClock())
    with pytest.raises(StorageProblem, match="cannot be opened"):
        open_journal(tmp_path, SystemClock())


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "what is this", "sqlite:///x.db?mode=ro", ""])
def test_a_url_we_cannot_serve_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="Expected"):
        open_journal(url, SystemClock())


@pytest.mark.parametrize("name", ["plain.db", "with space.db", "100%#?&.db", "é ü.db", "'; DROP TABLE log; --.db"])
def test_any_file_name_can_be_opened(tmp_path: Path, name: str) -> None:
    journal = open_journal(tmp_path / name, FixedClock())
    journal.append([DRAFT], actor=ANA)
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_removed_while_in_use_is_said_and_not_written_into_nowhere(file: Path, journal: Journal) -> None:
    """SQLite itself would go on writing into the removed file without a word."""
    journal.append([DRAFT], actor=ANA)
    for path in file.parent.glob("mlgov.db*"):
        path.unlink()
    with pytest.raises(StorageProblem, match="was removed or moved while in use"):
        journal.append([DRAFT], actor=ANA)
    assert list(file.parent.iterdir()) == []
    assert "was removed" in journal.damage()


def test_a_file_that_is_replaced_while_in_use_is_the_one_written_from_then_on(file: Path, tmp_path: Path) -> None:
    other = open_journal(tmp_path / "other.db", SystemClock())
    other.append([DRAFT] * 5, actor=ANA)
    other.close()
    journal = open_journal(file, SystemClock())
    journal.append([DRAFT], actor=ANA)
    for path in tmp_path.glob("mlgov.db*"):
        path.unlink()
    (tmp_path / "other.db").rename(file)
    journal.append([DRAFT], actor=ANA)
    assert verify(journal.entries(), damage=journal.damage()).checked == 6
    journal.close()


def test_a_url_and_a_path_open_the_same_file(file: Path, journal: Journal) -> None:
    journal.append([DRAFT], actor=ANA)
    again = open_journal(f"sqlite:///{file}", SystemClock())
    assert again.head() == journal.head()
    again.close()


READER = """
    import os, sys, tempfile
    from pathlib import Path
    from jupyter_mlgov.audit.entries import Draft
    from jupyter_mlgov.audit.verify import verify
    from jupyter_mlgov.core.clock import SystemClock
    from jupyter_mlgov.core.errors import StorageProblem
    from jupyter_mlgov.integrations.sql import open_journal
    from jupyter_mlgov.testing import ANA
    if os.getuid() == 0:
        with tempfile.TemporaryDirectory() as folder:
            warm = open_journal(Path(folder, "warm.db"), SystemClock())
            warm.append([Draft(action="session.ended", subject="x")], actor=ANA)
            verify(warm.entries(), damage=warm.damage())
            warm.close()
        os.setuid(65534)
    try:
        journal = open_journal(Path(sys.argv[1]), SystemClock())
        answer = verify(journal.entries(), damage=journal.damage())
        print(answer.ok, answer.checked)
        journal.append([Draft(action="session.ended", subject="x")], actor=ANA)
    except StorageProblem as problem:
        print(problem)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder others may look into. Root may write anywhere, so as root the reader becomes another user (see READER)."""
    folder = Path(tempfile.mkdtemp(prefix="mlgov-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def close_to_writers(place: Path) -> None:
    for path in place.iterdir():
        path.chmod(0o444)
    place.chmod(0o555)


def test_a_read_only_workspace_can_be_verified_and_says_why_it_cannot_be_written(place: Path) -> None:
    journal = open_journal(place / "mlgov.db", SystemClock())
    journal.append([DRAFT] * 3, actor=ANA)
    journal.close()
    close_to_writers(place)
    said = in_python(READER, str(place / "mlgov.db")).split("\n")
    assert said[0] == "True 3"
    assert "cannot be written: it or its folder is read-only" in said[1]


def test_a_reader_without_write_access_sees_what_the_writer_adds(place: Path) -> None:
    journal = open_journal(place / "mlgov.db", SystemClock())
    journal.append([DRAFT] * 3, actor=ANA)
    journal.append([DRAFT] * 2, actor=ANA)
    assert (place / "mlgov.db-wal").stat().st_size > 0
    close_to_writers(place)
    assert in_python(READER, str(place / "mlgov.db")).split("\n")[0] == "True 5"
    place.chmod(0o755)
    journal.close()


def test_a_workspace_that_cannot_be_made_says_so(place: Path) -> None:
    close_to_writers(place)
    said = in_python(READER, str(place / "mlgov.db"))
    assert said.startswith(f"{place / 'mlgov.db'} cannot be made: its folder is read-only.")
