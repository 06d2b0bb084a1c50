"""The record as a page: what it says, what it says when it cannot, who may read it, and how it lies on the disk."""

from __future__ import annotations

import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, MlgovError, StorageProblem, UsageError
from jupyter_mlgov.integrations.serving.telling import metrics_app, text, write
from jupyter_mlgov.integrations.sql import journal as sql_journal
from jupyter_mlgov.monitoring.families import FAMILIES
from jupyter_mlgov.monitoring.samples import Bound
from jupyter_mlgov.testing import NOON, FixedClock
from jupyter_mlgov.workspace import reviewing
from jupyter_mlgov.workspace.exporting import SHAPES, Door, Exporter, export, receive, secret_in
from jupyter_mlgov.workspace.killing import kill_file
from jupyter_mlgov.workspace.monitoring import look, quiet, settle
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, Gated, gated, validated
from tests.workspace.watched import TEAM, house, window

pytestmark = pytest.mark.usefixtures("checks_here")
TOKEN = "0123456789abcdef-token"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Gated]:
    made = house(tmp_path)
    yield made
    made.close()


def value(exporter: Exporter, name: str, *labels: str) -> float | None:
    found = [number for metric, given, number in exporter.rows() if metric == name and given == labels]
    assert len(found) < 2, "a series is told once"
    return found[0] if found else None


def test_a_finding_and_a_silence_are_on_the_next_page_and_gone_when_they_are_settled(workspace: Gated) -> None:
    exporter = Exporter(workspace)
    assert value(exporter, "mlgov_gate_open", "credit", "production") == 1
    assert value(exporter, "mlgov_monitors_silent") == 0
    look(workspace, "credit", window(workspace, shift=1.0))
    assert value(exporter, "mlgov_monitor_check_verdict", "credit", "monitor.drift") == 0
    psi = value(exporter, "mlgov_monitor_effect_size", "credit", "monitor.drift")
    assert psi is not None
    assert psi > 0.25
    assert value(exporter, "mlgov_findings_open", "credit", "critical") == 1
    assert value(exporter, "mlgov_gate_open", "credit", "production") == 0
    workspace.clock.advance(timedelta(days=8))  # type: ignore[attr-defined]  # a FixedClock
    end = value(exporter, "mlgov_finding_deadline_timestamp_seconds", "credit", "drift")
    said = quiet(workspace)
    assert end is not None
    assert f"due {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC, and nobody has settled it" in said[-1]
    assert value(exporter, "mlgov_monitors_silent") == len(said) - 1 == 4
    settle(workspace.acting("rea@firm.example"), "credit", "drift", "the feed was mended")
    assert value(exporter, "mlgov_findings", "critical") == 4 - 1
    look(workspace, "credit", window(workspace, "w2"))
    assert (value(exporter, "mlgov_monitors_silent"), value(exporter, "mlgov_findings", "critical")) == (0, 0)
    assert value(exporter, "mlgov_gate_open", "credit", "production") == 1
    assert value(exporter, "mlgov_monitor_runs_total", "credit") == 2


def test_a_second_page_says_what_a_fresh_exporter_says(workspace: Gated) -> None:
    """What is kept between scrapes is never what was true at the one before."""
    kept = Exporter(workspace)
    team = workspace.root / "mlgov.toml"
    steps: list[Any] = [
        lambda: look(workspace, "credit", window(workspace, shift=1.0)),
        lambda: workspace.clock.advance(timedelta(days=30)),  # type: ignore[attr-defined]  # a FixedClock
        lambda: workspace.record(decided("2", stage="staging")),
        lambda: team.write_text(TEAM.replace("tier = 1", "tier = 3"), "utf-8"),
        lambda: team.write_text(TEAM.replace("tier = 1", "tier = ")),
        lambda: team.write_text(TEAM),
        lambda: (kill_file(workspace.root, "credit").parent.mkdir(), kill_file(workspace.root, "credit").write_text("{}")),
        lambda: kill_file(workspace.root, "credit").unlink(),
    ]
    for step in steps:
        step()
        skip = {"mlgov_exporter_read_seconds"}
        pages = [[row for row in one.rows() if row[0] not in skip] for one in (kept, Exporter(workspace))]
        assert pages[0] == pages[1]


def test_a_review_is_told_with_its_clock_until_somebody_answers(tmp_path: Path) -> None:
    made = gated(tmp_path, FixedClock(), team=TEAM)
    validated(made)
    exporter = Exporter(made)
    reviewing.ask(made, NOTEBOOK, "staging")
    assert value(exporter, "mlgov_reviews_open", "credit", "staging") == 1
    end = (NOON + timedelta(hours=24)).timestamp()  # by the clock; the time by the log is that of the machine that made the folder
    assert value(exporter, "mlgov_review_deadline_timestamp_seconds", "credit", "staging") == end
    assert value(exporter, "mlgov_review_warning_timestamp_seconds", "credit", "staging") == end - 4 * 3600
    made.acting("rea@firm.example").review(NOTEBOOK, "approve", "I read it all.", attests_unchecked=True)
    assert value(exporter, "mlgov_reviews_open", "credit", "staging") is None
    assert value(exporter, "mlgov_reviews_waiting") == 0
    made.close()


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(hours=5), timedelta(days=40)])
def test_a_clock_that_is_set_back_takes_no_deadline_back(tmp_path: Path, jump: timedelta) -> None:
    """The queue goes by the log, Prometheus by the clock: they call the same review overdue at the same moment."""
    clock = FixedClock(NOON)
    made = gated(tmp_path, clock, team=TEAM)
    validated(made)
    reviewing.ask(made, NOTEBOOK, "staging")
    exporter = Exporter(made)
    exporter.rows()
    clock.advance(timedelta(hours=6))
    made.record(Draft(action="session.described", subject=NOTEBOOK))
    clock.advance(-jump)
    made.record(Draft(action="session.described", subject=NOTEBOOK))
    for hours, late in ((17, False), (2, True)):
        clock.advance(timedelta(hours=hours))
        (one,) = reviewing.queue(made)
        end = value(exporter, "mlgov_review_deadline_timestamp_seconds", "credit", "staging")
        assert end is not None
        assert (clock.now().timestamp() > end) is late is ("alarm" in one.due)
        assert value(Exporter(made), "mlgov_review_deadline_timestamp_seconds", "credit", "staging") == end
    made.close()


@pytest.mark.parametrize("jump", [timedelta(hours=5), timedelta(days=40)])
def test_a_finding_is_overdue_when_the_watch_says_so_whatever_the_clock_did(workspace: Gated, jump: timedelta) -> None:
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    look(workspace, "credit", window(workspace), only=("quality",))
    clock.advance(-jump)
    look(workspace, "credit", window(workspace, "w2", shift=1.0), only=("drift",))
    exporter = Exporter(workspace)
    for hours, late in ((23, False), (2, True)):
        clock.advance(timedelta(hours=hours))
        end = value(exporter, "mlgov_finding_deadline_timestamp_seconds", "credit", "drift")
        assert end is not None
        said = any("nobody has settled it" in line for line in quiet(workspace))
        assert (clock.now().timestamp() > end) is said is late


def test_a_team_file_that_nobody_can_read_is_told_and_claims_no_tier(workspace: Gated) -> None:
    (workspace.root / "mlgov.toml").write_text("[model\n")
    exporter = Exporter(workspace)
    assert (value(exporter, "mlgov_models_unreadable"), value(exporter, "mlgov_model_tier", "credit")) == (1, None)


def test_a_record_that_cannot_be_read_tells_of_no_model_and_never_of_yesterday(workspace: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = Exporter(workspace)
    assert value(exporter, "mlgov_record_readable") == 1
    assert value(exporter, "mlgov_models") == 1

    def fails(*_: object) -> None:
        raise StorageProblem("The database is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(sql_journal.SqlJournal, "head", fails)
        rows = exporter.rows()
    assert {name for name, _, _ in rows if name.startswith("mlgov_model")} == set()
    assert ("mlgov_record_readable", (), 0) in rows
    assert value(exporter, "mlgov_models") == 1


def test_a_trail_that_was_changed_is_told_as_one_that_does_not_verify(workspace: Gated) -> None:
    import sqlite3

    exporter = Exporter(workspace)
    assert value(exporter, "mlgov_trail_verifies") is None, "nobody looked: no series, and an alert of its own"
    assert exporter.verify()
    assert value(exporter, "mlgov_trail_verifies") == 1
    workspace.close()
    with sqlite3.connect(workspace.root / ".mlgov" / "mlgov.db") as database:
        for name in [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE log SET subject = 'other' WHERE seq = 3")
    assert not exporter.verify()
    assert value(exporter, "mlgov_trail_verifies") == 0


# -- the page and the file --------------------------------------------------------------------------------------------


def test_promtool_finds_nothing_wrong_with_a_page_that_has_every_metric() -> None:
    rows = [(one.name, tuple(f'{label} "\n\\ é' for label in one.labels), 1.5) for one in FAMILIES]
    page = text(SHAPES, rows)
    assert shutil.which("promtool"), "promtool is not installed. `make machine` installs Debian's package."
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert page.count(b"# HELP") == len(FAMILIES)


def test_the_file_is_whole_readable_and_the_only_one_that_stays(workspace: Gated, tmp_path: Path) -> None:
    place = tmp_path / "textfiles"
    place.mkdir()
    seen: list[bytes] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.extend(one.read_bytes() for one in place.glob("*.prom"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(50):
        write(place / "mlgov.prom", b"x" * 20_000 + b"%03d" % number)
    ended.set()
    watcher.join()
    assert {len(one) for one in seen} == {20_003}
    assert [one.name for one in place.iterdir()] == ["mlgov.prom"]
    assert stat.S_IMODE((place / "mlgov.prom").stat().st_mode) == 0o644


def test_a_file_that_node_exporter_would_not_read_or_nobody_can_write_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"end in .prom"):
        write(tmp_path / "mlgov.txt", b"")
    with pytest.raises(StorageProblem, match="cannot be written"):
        write(tmp_path / "no" / "mlgov.prom", b"")
    (tmp_path / "mlgov.prom").mkdir()
    with pytest.raises(StorageProblem, match="cannot be written"):
        write(tmp_path / "mlgov.prom", b"")
    assert [one.name for one in tmp_path.iterdir()] == ["mlgov.prom"]


def shell(*words: str) -> Result:
    return CliRunner().invoke(mlgov, ["monitor", *words], catch_exceptions=True)


def test_the_shell_writes_the_file_and_says_when_the_trail_does_not_verify(workspace: Gated, tmp_path: Path) -> None:
    there = ["--workspace", str(workspace.root)]
    done = shell("metrics", "--textfile", str(tmp_path / "m.prom"), *there)
    assert (done.exit_code, "mlgov_trail_verifies 1.0" in (tmp_path / "m.prom").read_text()) == (0, True)
    done = shell("metrics", "--textfile", str(tmp_path / "m.prom"), "--verify-every", "0", "--most-models", "1", *there)
    assert (done.exit_code, "mlgov_trail_verifies" in (tmp_path / "m.prom").read_text()) == (0, False)
    import sqlite3

    workspace.close()
    with sqlite3.connect(workspace.root / ".mlgov" / "mlgov.db") as database:
        for name in [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE log SET subject = 'other' WHERE seq = 3")
    done = shell("metrics", "--textfile", str(tmp_path / "m.prom"), *there)
    assert done.exit_code == 3
    assert "does not verify" in done.output


def test_the_rules_are_written_once_and_never_over_somebodys_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert shell("rules", "--out", str(out)).exit_code == 0
    assert {one.name for one in out.iterdir()} >= {"mlgov.rules.yml", "mlgov.rules.test.yml", "prometheus.example.yml"}
    assert shell("rules", "--out", str(out)).exit_code == 0
    (out / "mlgov.rules.yml").write_text("groups: []\n")
    done = shell("rules", "--out", str(out))
    assert isinstance(done.exception, UsageError)
    assert (out / "mlgov.rules.yml").read_text() == "groups: []\n"


# -- who may read -----------------------------------------------------------------------------------------------------


async def _nothing() -> None:
    """No beginning and no end."""


@contextmanager
def asking(secret: str) -> Iterator[Any]:
    from starlette.testclient import TestClient

    app = metrics_app(lambda: b"page", secret=secret, begin=_nothing, end=_nothing)
    with TestClient(app, base_url="http://127.0.0.1:9469") as client:
        yield client


def test_a_page_with_a_token_is_told_to_who_shows_it_alone() -> None:
    with asking(TOKEN) as client:
        for shown in ({}, {"authorization": "Bearer "}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": f"Basic {TOKEN}"}):
            answer = client.get("/metrics", headers=shown)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN not in answer.text
        assert client.get("/metrics", headers={"authorization": f"bearer {TOKEN}"}).content == b"page"
        assert client.post("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_without_a_token_only_names_of_loopback_are_answered() -> None:
    """A page in somebody's browser whose name was pointed at 127.0.0.1 asks by that name."""
    with asking("") as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={"host": "localhost:9469"}).status_code == 200
        assert client.get("/metrics", headers={"host": "[::1]:9469"}).status_code == 200
        for host in ("evil.example:9469", "127.0.0.1.evil.example", ""):
            assert client.get("/metrics", headers={"host": host}).status_code == 421


def test_an_address_that_others_reach_is_refused_without_a_secret(workspace: Gated) -> None:
    with pytest.raises(UsageError, match="not loopback"):
        export(workspace, Door(host="0.0.0.0"), Bound(), 0, print)
    with pytest.raises(UsageError, match="must show a secret"):
        receive(workspace, Door(), print)


@pytest.mark.parametrize("content", ["", "short\n", "é" * 20, "\x00" * 20, None])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(MlgovError) as error:
        secret_in(path)
    assert content is None or not content.strip() or content.strip() not in str(error.value)


def test_a_secret_is_the_first_line_without_its_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f" {TOKEN}\nanother\n")
    assert secret_in(tmp_path / "secret") == TOKEN
    assert secret_in(None) == ""


def test_without_the_extra_the_sentence_says_how_to_mend_it(workspace: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.endswith("serving.telling"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    for act in (lambda: Exporter(workspace).text(), lambda: export(workspace, Door(), Bound(), 0, print)):
        with pytest.raises(MlgovError, match=r'pip install "jupyter-mlgov\[serve\]"'):
            act()


def test_a_bound_of_series_holds_over_a_real_record(tmp_path: Path) -> None:
    """How long 10,000 models take is a figure of `make bench`."""
    made = gated(tmp_path, FixedClock(), team=TEAM)
    made.journal.append([decided("1", model=f"model-{number:05}") for number in range(100)], actor=made.actor())
    exporter = Exporter(made, Bound(series=300))
    rows = exporter.rows()
    assert 200 < sum(bool(labels) and labels[0].startswith("model-") for _, labels, _ in rows) <= 300
    left = value(exporter, "mlgov_series_dropped", "models")
    assert left == 100 - len({labels[0] for name, labels, _ in rows if name == "mlgov_model_tier"})
    assert value(exporter, "mlgov_models") == 100
    made.close()
