"""Decisions at each look: true however often one looks, on anybody's counts, and sentences for what cannot be counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.rollout.looks import Rules, Verdict, judge
from jupyter_mlgov.rollout.readings import read_counts
from jupyter_mlgov.rollout.sequential import Arm
from jupyter_mlgov.rollout.simulation import Method, Plan, simulate


def stream(rates: tuple[float, float], looks: int, each: int, seed: int) -> list[tuple[float, Arm, Arm]]:
    rng = np.random.default_rng(seed)
    events = np.cumsum(rng.binomial(each, rates, size=(looks, 2)), axis=0)
    return [(k + 1, Arm(n=each * (k + 1), events=int(a)), Arm(n=each * (k + 1), events=int(b))) for k, (a, b) in enumerate(events)]


def test_harm_is_found_at_a_lawful_look_and_stays_found() -> None:
    told = judge(stream((0.05, 0.08), 40, 500, 1), Rules(mde=0.02))
    first = next(place for place, look in enumerate(told) if look.verdict is Verdict.ABORT)
    assert 2 < first < 30
    assert {look.verdict for look in told[first:]} == {Verdict.ABORT}
    assert told[0].verdict is Verdict.WAIT
    assert told[first].interval is not None
    assert told[first].interval[0] > 0


def test_the_same_fall_is_harm_or_gain_as_one_says() -> None:
    looks = stream((0.30, 0.22), 30, 500, 2)
    assert judge(looks, Rules(mde=0.05, harm="lower"))[-1].verdict is Verdict.ABORT
    assert judge(looks, Rules(mde=0.05, harm="higher"))[-1].verdict is Verdict.BETTER


def test_p_falls_and_intervals_shrink_only() -> None:
    told = [look for look in judge(stream((0.2, 0.2), 60, 300, 3), Rules(mde=0.03)) if look.interval]
    for before, after in pairwise(told):
        assert after.p <= before.p
        assert before.interval is not None
        assert after.interval is not None
        assert after.interval[0] >= before.interval[0]
        assert after.interval[1] <= before.interval[1]


def test_a_broken_split_stops_everything() -> None:
    looks = [(1.0, Arm(n=9000, events=900), Arm(n=1000, events=100))]
    (told,) = judge(looks, Rules(weights=(95, 5)))
    assert told.verdict is Verdict.STOP
    assert judge(looks, Rules(weights=(90, 10)))[0].verdict is not Verdict.STOP


def test_not_worse_is_said_within_the_margin() -> None:
    told = judge(stream((0.5, 0.5), 100, 1000, 5), Rules(mde=0.02, margin=0.02))
    assert told[-1].verdict is Verdict.NOT_WORSE


def test_no_event_is_no_decision() -> None:
    assert judge([(1.0, Arm(n=10_000, events=0), Arm(n=10_000, events=0))], Rules())[0].verdict is Verdict.WAIT
    assert judge([(1.0, Arm(n=0, events=0), Arm(n=5, events=5))], Rules(burn_in=0))[0].verdict is Verdict.WAIT


@pytest.mark.parametrize(("method", "most"), [("msprt", 0.05), ("group-sequential", 0.05), ("fixed", 0.05)])
def test_type_one_error_holds(method: Method, most: float) -> None:
    """4,000 canaries without a difference; the share may exceed the level by three standard errors of the simulation."""
    found = simulate(Plan(rate=0.1, mde=0.02, n=20_000, looks=50, method=method), 0.0, runs=4000)
    assert found.stopped <= most + 3 * max(found.se, 0.0034)


def test_naive_looks_cry_wolf_and_power_is_as_planned() -> None:
    """oracles.md 5.4: naive peeking .61 to .62 at 5,000 looks; here 200 looks are far over .05. Power .8 as planned."""
    assert simulate(Plan(rate=0.1, mde=0.02, n=20_000, looks=200, method="naive"), 0.0).stopped > 0.3
    fixed = simulate(Plan(rate=0.05, mde=0.01, n=8158, looks=1, method="fixed"), 0.01, runs=4000)
    assert fixed.stopped == pytest.approx(0.8, abs=0.025)


GOOD = "look,arm,n,events\n1,control,1000,200\n1,treatment,1000,210\n2,control,2000,400\n2,treatment,2000,430\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "counts ü.csv"
    path.write_text(GOOD, "utf-8")
    return path


def ask(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(mlgov, ["canary", *words], catch_exceptions=True)
    return done.exit_code, done.output + (str(done.exception) if isinstance(done.exception, BadInput) else "")


def test_the_shell_prints_p_interval_and_decision_at_each_look(data: Path) -> None:
    code, said = ask("analyze", "--data", str(data), "--mde", "0.05")
    assert code == 3
    assert len(said.splitlines()) == 4
    code, said = ask("analyze", "--data", str(data), "--format", "json")
    looks = json.loads(said)["looks"]
    assert [look["number"] for look in looks] == [1, 2]
    assert all(0 < look["p"] <= 1 and look["interval"][0] < look["difference"] < look["interval"][1] for look in looks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("look,arm,n\n1,a,1\n", "no column events"),
        (GOOD + "3,control,1500,450\n3,treatment,3000,600\n", "counts fall"),
        (GOOD + "3,control,3000,600\n", "one arm only"),
        (GOOD + "3,other,1,0\n", "3 arms"),
        (GOOD.replace("210", "2100"), "line 3"),
        (GOOD.replace("210", "many"), "line 3"),
        (GOOD + "2,control,2000,400\n", "stands twice"),
        (GOOD.replace("control", "x"), "Which arm is the champion"),
        ("look,arm,n,events\n", "0 arms"),
        ("", "no column look, arm, n, events"),
        ("look,arm,n,events,n\n1,a,1,0,1\n", "column n more than once"),
        (GOOD + "nan,control,3000,600\n", "line 6"),
        (GOOD + "inf,control,3000,600\n", "line 6"),
        (GOOD + "3,control,1e3,600\n", "line 6"),
        (GOOD + "3,control,-1,0\n", "line 6"),
        (GOOD + "3,control,3000.5,600\n", "line 6"),
        (GOOD + "3,control,3000,600.0\n", "line 6"),
        (GOOD + "3,control,0,1\n", "line 6"),
        (GOOD + f"3,control,{10**400},600\n", "line 6"),
        (GOOD + "3,control\n", "line 6"),
        (GOOD + "3,,3000,600\n", "no name"),
    ],
)
def test_what_cannot_be_a_canarys_counts_is_a_sentence(data: Path, text: str, said: str) -> None:
    data.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=said):
        read_counts(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("look,arm,n,events", "Look, Arm ,N,Events,Remark"),
        lambda text: text.replace("control", " Champion ").replace("treatment", "neu"),
        lambda text: "".join(sorted(text.splitlines(keepends=True), reverse=True)),
    ],
    ids=["bom", "semicolons", "tabs", "crlf", "header", "names", "order"],
)
def test_what_spreadsheets_write_is_read_the_same(data: Path, change: Callable[[str], str]) -> None:
    _, wanted = read_counts(data)
    data.write_text(change(GOOD), "utf-8", newline="")
    assert read_counts(data)[1] == wanted


def test_a_look_at_nothing_decides_nothing(data: Path) -> None:
    data.write_text("look,arm,n,events\n1,control,0,0\n1,treatment,0,0\n2,control,5,5\n2,treatment,5,0\n", "utf-8")
    code, said = ask("analyze", "--data", str(data), "--split", "50:50")
    assert code == 3, said
    data.write_bytes("look,arm,n,events\n".encode("utf-16"))
    code, said = ask("analyze", "--data", str(data))
    assert "cannot be read" in said or "no column" in said


@pytest.mark.parametrize(
    ("method", "looks", "published"), [("naive", 1, 0.05), ("naive", 5, 0.1417), ("naive", 20, 0.2479), ("fixed", 1, 0.05)]
)
def test_the_shell_gives_the_published_error_of_looking_again(method: str, looks: int, published: float) -> None:
    """Armitage, McPherson & Rowe 1969 (oracles.md 5.4, "peeking at .05")."""
    code, said = ask(*f"simulate --rate 0.3 --mde 0.02 --n 4000 --looks {looks} --method {method} --runs 4000 --format json".split())
    assert code == 0
    assert json.loads(said)["type_1_error"]["stopped"] == pytest.approx(published, abs=0.02)


def test_plan_and_simulate_print_their_figures() -> None:
    code, said = ask("plan", "--rate", "0.05", "--mde", "0.01")
    assert code == 0
    assert "8,158 units per arm" in said
    assert "4.8769" in said
    code, said = ask("simulate", "--rate", "0.05", "--mde", "0.01", "--n", "8158", "--runs", "500", "--format", "json")
    assert code == 0
    found = json.loads(said)
    assert found["type_1_error"]["stopped"] < 0.05
    code, said = ask("plan", "--rate", "0.999", "--mde", "0.01")
    assert code == 2 or "cannot change" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1,control,1000,200\n1,treatment,1000,210\n", 3),
        ("1,control,1000,200\n1,treatment,1000,500\n", 1),
        (f"1,control,{10**15},{10**14}\n1,treatment,{10**15},{2 * 10**14}\n", 1),
        (f"1,control,{10**15},{10**14}\n1,treatment,{10**15},{10**14}\n", 3),
        ("1,control,1000,0\n1,treatment,1000,1000\n", 3),
    ],
    ids=["one look", "one look with harm", "huge", "huge and equal", "nothing against all: no variance"],
)
def test_one_look_and_huge_counts_are_judged(data: Path, text: str, wanted: int) -> None:
    data.write_text("look,arm,n,events\n" + text, "utf-8")
    code, said = ask("analyze", "--data", str(data), "--format", "json")
    assert code == wanted, said
    (told,) = json.loads(said)["looks"]
    assert 0 <= told["p"] <= 1
