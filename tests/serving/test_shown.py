"""What panel, table and `%mlgov` show of a model in front of users: the same fact, from the trail of a real replica."""

from __future__ import annotations

import shutil

import pytest

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.reports.status import status_html, status_text
from jupyter_mlgov.reports.views import Answering, ModelRow, NotebookView
from jupyter_mlgov.workspace.answering import answering
from jupyter_mlgov.workspace.canaries import look, start
from jupyter_mlgov.workspace.killing import kill, kill_file, lift, order_breaker
from jupyter_mlgov.workspace.register import Register
from tests.serving.world import House, serving

pytestmark = pytest.mark.filterwarnings("ignore")


def shown(house: House) -> Answering | None:
    return answering(house.workspace, "credit", house.workspace.team)


def row(house: House, register: Register) -> ModelRow:
    page = register.page(house.workspace, words="credit", sort="traffic", descending=False, offset=0, limit=10)
    return page.rows[0]


def test_a_model_that_nobody_ever_served_shows_nothing(two: House) -> None:
    assert shown(two) is None
    assert row(two, Register()).traffic == ""


def test_each_turn_of_a_served_model_is_seen_in_fact_table_and_status(two: House) -> None:
    """Serving, breaker, canary with its last look, kill switch by trail and by file, and gone: each as the replica itself wrote it."""
    register, seen = Register(), []

    def turn() -> Answering:
        found = shown(two)
        assert found is not None
        line = row(two, register)
        assert (line.traffic, line.traffic_said) == (found.state, found.sentence)
        view = NotebookView(notebook="n.ipynb", workspace="w", answering=found)
        assert found.sentence in " ".join(status_text(view).split())
        assert found.sentence.split(": ", 1)[0] in status_html(view)
        seen.append(found.state)
        return found

    with serving(two.workspace) as served:
        found = turn()
        assert (found.stage, found.champion, found.share, found.endpoints) == ("production", "2", 0.0, (served.address,))
        order_breaker(two.workspace, "credit", "odd <b>scores</b>", open=True)
        assert "odd <b>scores</b>" in turn().breaker
        order_breaker(two.workspace, "credit", "looked at", open=False)
        served.until(lambda: getattr(shown(two), "breaker", None) == "", 60)  # the replica closes it and says so
        assert turn().breaker == ""

        start(two.workspace, "credit")
        found = turn()
        assert (found.champion, found.challenger, found.share, found.canary, found.look) == ("1", "2", 0.0, "shadow", "")
        canary, _ = look(two.workspace, "credit")
        found = turn()
        assert found.look == f"{canary.rollout.state} at {canary.rollout.share} %: {canary.rollout.why}"
        assert found.look_at == stamp(canary.looks[-1].time)

        kill(two.workspace, "credit", "wrong decisions", wait=30)
        assert "wrong decisions" in turn().killed
        lift(two.workspace, "credit", "mended")
        turn()
        # The file alone, as with the database down: no entry tells of it.
        path = kill_file(two.workspace.root, "credit")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"reason": "by hand"}', "utf-8")
        assert turn().killed == "by hand"
        shutil.rmtree(path.parent)
    assert [state for state in seen if state != "not served"] == [
        "serving",
        "breaker open",
        "serving",
        "shadow",
        "shadow",
        "killed",
        "shadow",
        "killed",
    ]
