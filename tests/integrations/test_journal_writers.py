"""Many writers, writers killed at any moment, and disks that are full: one unbroken log, and nothing acknowledged is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.scan import roots_agree, scan_log
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA
from tests.postgres import running, schema

# One warm process that forks the writers: three hundred interpreters would take minutes to start.
NURSERY = """
import json, os, random, signal, sys
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA

url, rounds, writers, each, kill = sys.argv[1], *map(int, sys.argv[2:6])
open_journal(url, SystemClock()).close()  # so that the writers need not import it each
noise, acknowledged, killed, failed = random.Random(5), [], 0, 0

def write(number, out):
    journal = open_journal(url, SystemClock(), wait=60)
    for index in range(each):
        drafts = [Draft(action="cell.finished", subject=f"nb-{number}.ipynb", payload={"index": index})] * (1 + index % 3)
        for entry in journal.append(drafts, actor=ANA):
            os.write(out, f"{entry.seq} {entry.digest}\\n".encode())

for turn in range(rounds):
    read, out = os.pipe()
    children = []
    for number in range(writers):
        child = os.fork()
        if not child:
            os.close(read)
            code = 1
            try:
                write(number, out)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(out)
    stream, limit = os.fdopen(read), noise.randrange(1, 60) if kill else None
    for count, line in enumerate(stream, 1):
        seq, digest = line.split()
        acknowledged.append([int(seq), digest])
        if count == limit:
            for child in children:
                os.kill(child, signal.SIGKILL)
    for child in children:
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        failed += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
print(json.dumps({"acknowledged": acknowledged, "killed": killed, "failed": failed}))
"""


def nursery(url: str, *, rounds: int, writers: int, each: int, kill: bool) -> dict[str, object]:
    command = [sys.executable, "-c", NURSERY, url, *map(str, (rounds, writers, each, int(kill)))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def holds(url: str | Path, acknowledged: object) -> int:
    """The log at `url` is unbroken, its tiles follow from it, and every acknowledged entry is where its writer saw it."""
    with closing(open_journal(url, SystemClock())) as journal:
        answer = verify(journal.entries(), damage=journal.damage())
        assert answer.ok, answer.sentence
        spans = scan_log(journal.ledger())
        assert spans
        assert roots_agree(journal.ledger(), spans)
        digests = {entry.seq: str(entry.digest) for entry in journal.entries()}
    assert isinstance(acknowledged, list)
    assert acknowledged
    lost = [(seq, digest) for seq, digest in acknowledged if digests.get(seq) != digest]
    assert lost == []
    return answer.checked


def test_eight_kernels_and_a_server_write_one_unbroken_log_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mlgov.db'}"
    told = nursery(url, rounds=1, writers=9, each=40, kill=False)
    assert (told["killed"], told["failed"]) == (0, 0)
    assert holds(url, told["acknowledged"]) == 9 * sum(1 + index % 3 for index in range(40))


def test_fifty_processes_write_one_unbroken_log_on_postgresql(postgres: str) -> None:
    url = schema(postgres)
    told = nursery(url, rounds=1, writers=50, each=6, kill=False)
    assert (told["killed"], told["failed"]) == (0, 0)
    assert holds(url, told["acknowledged"]) == 50 * 12


def test_nothing_acknowledged_is_lost_when_writers_are_killed_three_hundred_times_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mlgov.db'}"
    told = nursery(url, rounds=40, writers=8, each=1000, kill=True)
    assert told["failed"] == 0
    assert told["killed"] == 320
    assert holds(url, told["acknowledged"]) >= len(told["acknowledged"])  # type: ignore[arg-type]  # holds() checked that it is a list


def test_nothing_acknowledged_is_lost_when_writers_are_killed_on_postgresql(postgres: str) -> None:
    url = schema(postgres)
    told = nursery(url, rounds=13, writers=8, each=1000, kill=True)
    assert told["failed"] == 0
    assert told["killed"] == 104
    holds(url, told["acknowledged"])


def test_nothing_acknowledged_is_lost_when_the_postgresql_server_itself_is_killed() -> None:
    with running() as server:
        url = schema(server.url)
        told = nursery(url, rounds=1, writers=4, each=20, kill=False)
        server.kill()
        with pytest.raises(StorageProblem, match=r"cannot be reached|shutting down"):
            open_journal(url, SystemClock(), wait=2)
        server.start()
        holds(url, told["acknowledged"])


# Full disks


FULL = """
import resource, sys
from pathlib import Path
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA
journal = open_journal(Path(sys.argv[1]), SystemClock())
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
written = 0
try:
    while True:
        written = journal.append([Draft(action="cell.finished", subject="nb.ipynb", payload={"text": "x" * 5000})], actor=ANA)[-1].seq
except StorageProblem as problem:
    print(written, problem, sep="|")
"""


def test_a_disk_that_takes_no_more_is_a_sentence_and_the_log_stays_whole(tmp_path: Path) -> None:
    """The operating system refuses the write itself, as it does when a disk or a quota is full."""
    path = tmp_path / "mlgov.db"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FULL), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written, said = done.stdout.strip().split("|")
    assert "cannot grow" in said
    assert "Nothing of this act was written" in said
    assert int(written) > 3
    with closing(open_journal(path, SystemClock())) as journal:
        answer = verify(journal.entries(), damage=journal.damage())
        assert (answer.ok, answer.checked) == (True, int(written))
        journal.append([Draft(action="session.ended", subject="nb.ipynb")], actor=ANA)
        assert verify(journal.entries()).checked == int(written) + 1


def test_a_database_at_its_limit_is_a_sentence_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path / "mlgov.db", SystemClock())) as journal:
        with journal._backend.adding() as adding:
            adding.run("PRAGMA max_page_count = 40")
        draft = Draft(action="cell.finished", subject="nb.ipynb", payload={"text": "x" * 9000})
        with pytest.raises(StorageProblem, match=r"the disk is full\. Nothing of this act was written"):
            journal.append([draft] * 100, actor=ANA)
        journal.append([draft], actor=ANA)
        assert verify(journal.entries(), damage=journal.damage()).ok


def test_a_full_postgresql_server_is_a_sentence(postgres: str) -> None:
    """The server's own answer for a full disk (SQLSTATE 53100), raised inside it."""
    with closing(open_journal(schema(postgres), SystemClock())) as journal:
        with journal._backend.writing() as connection:
            connection.exec_driver_sql(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE disk_full USING MESSAGE = 'no space'; END$$"
            )
            connection.exec_driver_sql("CREATE TRIGGER full_disk BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION full_disk()")
        with pytest.raises(StorageProblem, match=r"its disk is full\. Nothing of this act was written"):
            journal.append([Draft(action="session.ended", subject="nb.ipynb")], actor=ANA)
        assert "'full_disk' was changed or switched off" in journal.damage()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET subject = 'x' WHERE seq = 1",
        "DELETE FROM log WHERE seq = 2",
        "TRUNCATE log",
        "TRUNCATE log, tiles CASCADE",
        "INSERT INTO log SELECT 9, time, actor, action, 'x', payload, payload_digest, previous, digest FROM log WHERE seq = 1",
        "UPDATE tiles SET root = ''",
        "DELETE FROM tiles",
        "TRUNCATE tiles",
    ],
)
def test_postgresql_itself_refuses_to_change_the_log(postgres: str, statement: str) -> None:
    with closing(open_journal(schema(postgres), SystemClock())) as journal:
        journal.append([Draft(action="session.ended", subject="nb.ipynb")] * 300, actor=ANA)
        with pytest.raises(StorageProblem, match="the trail"), journal._backend.writing() as connection:
            connection.exec_driver_sql(statement)
        answer = verify(journal.entries(), damage=journal.damage())
        assert (answer.ok, answer.checked) == (True, 300)


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE log DISABLE TRIGGER ALL", "DROP TRIGGER log_keeps_rows ON log", "ALTER TABLE log RENAME COLUMN subject TO about"],
)
def test_guards_switched_off_and_changed_columns_are_damage_on_postgresql(postgres: str, statement: str) -> None:
    with closing(open_journal(schema(postgres), SystemClock())) as journal:
        assert journal.damage() == ""
        with journal._backend.writing() as connection:
            connection.exec_driver_sql(statement)
        assert "log" in journal.damage()


def test_a_server_that_is_not_there_is_a_sentence_without_the_password() -> None:
    with pytest.raises(StorageProblem, match="cannot be reached") as told:
        open_journal("postgresql://ana:s3cret@127.0.0.1:9/mlgov", SystemClock(), wait=2)
    assert "s3cret" not in str(told.value)


def test_a_writer_that_waits_too_long_for_another_says_so_on_postgresql(postgres: str) -> None:
    url = schema(postgres)
    with closing(open_journal(url, SystemClock())) as first, closing(open_journal(url, SystemClock(), wait=0.2)) as second:
        with first._backend.writing(), pytest.raises(StorageProblem, match=r"is locked by another writer; waited 0\.2 s"):
            second.append([Draft(action="session.ended", subject="nb.ipynb")], actor=ANA)
        second.append([Draft(action="session.ended", subject="nb.ipynb")], actor=ANA)


def test_a_hundred_megabyte_payload_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path / "mlgov.db", SystemClock())) as journal:
        draft = Draft(action="review.given", subject="credit", payload={"comment": "x" * 100_000_000})
        with pytest.raises(BadInput, match=r"carries 100\.0 MB\. An entry of the trail holds at most 32 MB"):
            journal.append([draft], actor=ANA)
        assert journal.head()[0] == 0
    assert (tmp_path / "mlgov.db").stat().st_size < 1_000_000
