"""Reviews and waivers as people type them, on the demo's own models: two identities, one folder, and every wrong word."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Demo

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
BY_SEX, MAIN = "by_sex/credit_approval.ipynb", "credit_approval.ipynb"
BOB, CARL = "demo-reviewer", "carl@firm.example"


@dataclass(frozen=True)
class Said:
    """What a verb answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Said]


@pytest.fixture(scope="module")
def house(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, copied: what happens here is no other test's business. Carl may review, too."""
    folder = tmp_path_factory.mktemp("reviewing") / "demo"
    shutil.copytree(demo.folder, folder, symlinks=True)
    for name in ("mlgov.toml", "by_sex/mlgov.toml"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace(f'reviewers = ["{BOB}"]', f'reviewers = ["{BOB}", "{CARL}"]'), "utf-8")
    return folder


@pytest.fixture
def shell(house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """`shell("review", "queue", who=BOB)`: one verb, as that person; the author where nobody is named."""
    from jupyter_mlgov.cli import main

    monkeypatch.chdir(house)

    def typed(*words: str, who: str = "", **env: str) -> Said:
        with monkeypatch.context() as here:
            here.setattr(sys, "argv", ["mlgov", *words])
            for name, value in {"MLGOV_ACTOR": who, **env}.items():
                here.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Said(int(ended.value.code or 0), told.out, told.err)

    return typed


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def asked(shell: Shell, notebook: str = BY_SEX) -> str:
    """The number of the review that is asked for."""
    told = shell("review", "ask", "staging", "-n", notebook, "--format", "json")
    assert told.code == 0, told.err
    return str(told.json["case"]["number"])


def test_a_review_from_asking_to_the_alias_as_two_people_type_it(shell: Shell) -> None:
    number = asked(shell)
    assert asked(shell) == number, "asking twice is one case"
    assert f"{number}  credit-approval-by-sex for staging: waiting" in shell("review", "queue", who=BOB).out
    refused = shell("review", "claim", number)
    assert (refused.code, "four eyes" in refused.err) == (2, True)
    assert "claimed" in shell("review", "claim", number, who=BOB).out
    taken = shell("review", "claim", number, who=CARL)
    assert (taken.code, f"mlgov review release {number}" in taken.err) == (2, True)
    assert "not yours" in shell("review", "release", number, who=CARL).err
    assert shell("review", "release", number, who=BOB).code == 0
    assert shell("review", "claim", number, who=CARL).code == 0
    packet = shell("review", "packet", number, who=CARL)
    assert (packet.code, "everything is as it was sealed" in packet.out) == (0, True)
    assert "question by carl" in shell("review", "question", number, "-m", "why 500 rounds?", who=CARL).out
    assert "answer by Demo Scientist: it converged" in shell("review", "answer", number, "-m", "it converged").out
    own = shell("review", "approve", number, "-m", "mine", "--attest-unchecked")
    assert (own.code, shell("promote", "staging", "-n", BY_SEX).code) == (0, 1), "an author's word is kept, and opens nothing"
    plain = shell("review", "approve", number, "-m", "read it", who=CARL)
    assert "--attest-unchecked" in plain.out, "what no machine checked needs a word of its own"
    assert shell("promote", "staging", "-n", BY_SEX).code == 1
    given = shell("review", "approve", number, "-m", "read it", "--attest-unchecked", "--condition", "traffic<=5%", who=CARL)
    assert given.code == 0
    granted = shell("promote", "staging", "-n", BY_SEX)
    assert granted.code == 0, granted.out
    assert "Approved with limits: traffic at most 5%" in granted.out
    assert "closed" in shell("review", "queue", "--all").out
    closed = shell("review", "question", number, "-m", "late?", who=CARL)
    assert (closed.code, "closed" in closed.err) == (3, True)
    assert shell("audit", "reconcile").code == 0
    assert shell("audit", "replay").code == 0


def test_a_reviewer_measures_everything_again_and_gets_the_same_or_is_told_what_is_not(shell: Shell, house: Path) -> None:
    number = asked(shell)
    again = shell("review", "rerun", number, who=BOB)
    assert (again.code, again.out[:30]) == (0, "✓ The same report came out: sh"), again.out
    before = shell("audit", "log", "--action", "validation.done", "--format", "json").json
    assert "waiting" in shell("review", "queue").out or "answered" in shell("review", "queue").out
    team = house / "by_sex" / "mlgov.toml"
    text = team.read_text("utf-8")
    team.write_text(f'{text}\n[policy.parameters."fair.air"]\nlimit = 0.999\n', "utf-8")
    try:
        other = shell("review", "rerun", number, who=BOB)
    finally:
        team.write_text(text, "utf-8")
    assert other.code == 1
    assert "fair.air: passed, look before" in other.out, other.out
    assert shell("audit", "log", "--action", "validation.done", "--format", "json").json == before, "the report of record stays"
    (newest,) = shell("audit", "log", "--action", "review.reran", "--last", "1", "--format", "json").json
    assert newest["actor"]["id"] == BOB
    assert newest["payload"]["others"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("review", "claim", "999999"), 2, 'No review "999999"'),
        (("review", "claim", "forty"), 2, "not a valid integer"),
        (("review", "clam", "1"), 2, "No such command"),
        (("review", "packet", "0"), 2, 'No review "0"'),
        (("review", "ask", "prod"), 2, 'No stage "prod"'),
        (("review", "ask", "development"), 2, 'No stage "development"'),
        (("review", "ask", "-n", "nobody.ipynb"), 2, 'No notebook "nobody.ipynb"'),
        (("review", "question", "NUMBER", "-m", " ?! "), 2, "says nothing"),
        (("review", "question", "NUMBER"), 2, "--comment"),
        (("review", "approve", "NUMBER", "-m", "ok", "--condition", "traffic<=500%"), 2, "share of all requests"),
        (("review", "approve", "NUMBER", "-m", "ok", "--condition", "users<=5"), 2, "is no limit"),
        (("review", "approve", "NUMBER", "-m", "ok", "--exposure", "1__0"), 2, "is no limit"),
        (("review", "approve", "NUMBER", "-m", "ok", "--exposure", "9" * 400), 2, "no amount"),
        (("review", "approve", "NUMBER", "-m", "ok", "--until", "tomorrow"), 2, "is no day"),
        (("review", "approve", "NUMBER", "-m", "ok", "--until", "2020-01-01"), 2, "is past"),
        (("review", "approve", "NUMBER", "-m", ""), 2, "says nothing"),
        (("review", "refuse", "NUMBER", "-m", "x" * 10_001), 3, "10,001 characters"),
        (("review", "watch", "--every", "0"), 2, "--every"),
        (("waive", "fair.ari", "--reason", "r", "--limit", "l", "--until", "DAY"), 2, 'Did you mean "fair.air"'),
        (("waive", "fair.air"), 2, "The reason says nothing"),
        (("waive", "fair.air", "--reason", "r", "--limit", "l"), 2, "is no day"),
        (("waive", "fair.air", "--reason", "r", "--limit", "l", "--until", "2020-01-01"), 2, "is past"),
        (("waive", "fair.air", "--reason", "r", "--limit", "l", "--until", "2099-01-01"), 2, "90 days"),
        (("waive", "fair.air", "--approve", "3"), 2, "One thing at a time"),
        (("waive", "--approve", "999999"), 2, 'No waiver "999999"'),
        (("waive", "--refuse", "999999"), 2, 'No waiver "999999"'),
        (("promote", "staging", "--traffic", "much"), 2, "is no limit"),
    ],
)
def test_a_wrong_word_is_a_sentence_and_writes_nothing(shell: Shell, words: tuple[str, ...], code: int, told: str) -> None:
    number = asked(shell)
    before = shell("audit", "log", "--last", "1").out
    answer = shell(*({"NUMBER": number, "DAY": day(9)}.get(word, word) for word in words), who=BOB)
    assert (answer.code, told in answer.err) == (code, True), answer.err
    assert shell("audit", "log", "--last", "1").out == before


def test_a_waiver_of_what_is_critical_needs_two_others_and_is_seen_wherever_the_verdict_is(shell: Shell) -> None:
    wish = ("waive", "fair.conditional", "--reason", "book closes", "--limit", "no new customers", "--until", day(30), "-n", MAIN)
    told = shell(*wish, "--format", "json").json
    number = str(told[0]["waiver"]["seq"])
    assert told[0]["severity"] == "critical"
    own = shell("waive", "--approve", number, "-n", MAIN)
    assert (own.code, "asked for this waiver" in own.err) == (2, True)
    first = shell("waive", "--approve", number, "-m", "bearable", "-n", MAIN, who=BOB)
    assert "lacks one approval" in first.out
    assert "lacks one approval" in shell("waive", "--approve", number, "-n", MAIN, who=BOB).out, "twice the same person is once"
    assert "fair.conditional" in shell("why", "-n", MAIN, "--format", "json").out
    second = shell("waive", "--approve", number, "-n", MAIN, who=CARL)
    assert "Lifts nothing" not in second.out, second.out
    reasons = shell("why", "-n", MAIN, "--format", "json").json["reasons"]
    assert "fair.conditional" not in [reason["validator"] for reason in reasons]
    assert "fair.air" in [reason["validator"] for reason in reasons], "it lifts that one and no other"
    sentence = "fair.conditional is waived until"
    for surface in (
        ("promote", "staging"),
        ("report", "--format", "html"),
        ("report",),
        ("status",),
        ("status", "--format", "json"),
        ("waive",),
    ):
        seen = " ".join(shell(*surface, "-n", MAIN).out.split())
        assert sentence in seen, surface
    refused = shell("waive", "--withdraw", number, "-n", MAIN, who=BOB)
    assert (refused.code, "Refuse it" in refused.err) == (2, True)
    assert "withdrawn" in shell("waive", "--withdraw", number, "-n", MAIN).out
    assert "fair.conditional" in [one["validator"] for one in shell("why", "-n", MAIN, "--format", "json").json["reasons"]]


def test_a_review_of_a_report_that_is_outdated_is_void_and_so_is_a_packet_that_was_changed(shell: Shell, house: Path) -> None:
    number = asked(shell, MAIN)
    digest = shell("review", "packet", number, "--format", "json").json["digest"].removeprefix("sha256:")
    (path,) = [one for one in (house / ".mlgov" / "objects").rglob("*") if one.name in digest and one.parent.name + one.name == digest]
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content.replace(b"staging", b"STAGING"))
    changed = shell("review", "packet", number, who=BOB)
    assert (changed.code, "changed" in changed.err) == (3, True), changed.err
    path.write_bytes(content)
    notebook = house / MAIN
    text = notebook.read_text("utf-8")
    notebook.write_text(text.replace("max_iter=500", "max_iter=502"), "utf-8")
    try:
        late = shell("review", "approve", number, "-m", "read the old one", who=BOB)
        impact = shell("review", "impact", "-n", MAIN)
    finally:
        notebook.write_text(text, "utf-8")
    assert (late.code, f"Review {number} is void" in late.err, "edited" in late.err) == (3, True, True), late.err
    assert (impact.code, f"void: review {number}" in impact.out) == (1, True), impact.out


def test_the_clock_is_watched_from_a_scheduler(shell: Shell, house: Path) -> None:
    asked(shell, MAIN)
    team = house / "mlgov.toml"
    text = team.read_text("utf-8")
    assert shell("review", "watch").code == 0
    team.write_text(f"{text}\n[promotion.clock]\nhours = 1\nwarn_hours = 1\n", "utf-8")
    try:
        due = shell("review", "watch")
        deaf = shell("review", "watch", MLGOV_NOTIFY="json://127.0.0.1:9/hook")
    finally:
        team.write_text(text, "utf-8")
    assert (due.code, "is due soon" in due.out, "names nobody" in due.out) == (1, True, True), due.out
    assert (deaf.code, "MLGOV_NOTIFY_ALLOW" in deaf.err) == (3, True), deaf.err
