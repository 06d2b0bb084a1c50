"""The child that writes models: what it writes loads back, and what it cannot write is said."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from jupyter_mlgov.lineage import keeper as room
from jupyter_mlgov.lineage.keeper import ModelKeeper


@pytest.fixture
def keeper() -> Iterator[ModelKeeper]:
    made = ModelKeeper()
    yield made
    made.close()


def started(keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch) -> ModelKeeper:
    """As in a kernel that has not imported skops."""
    monkeypatch.delitem(room.sys.modules, "skops.io", raising=False)
    keeper.start()
    return keeper


def test_a_model_written_by_the_child_loads_and_predicts_the_same(keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    first, second = started(keeper, monkeypatch).dumps(model), keeper.dumps(model)
    assert first is not None
    assert second is not None
    import skops.io

    assert skops.io.loads(first).predict_proba([[1.5]]).tolist() == model.predict_proba([[1.5]]).tolist()


def test_without_a_child_there_is_no_answer(keeper: ModelKeeper) -> None:
    assert keeper.dumps(object()) is None


@pytest.mark.parametrize("what", ["unknown class", "unpicklable"])
def test_what_the_child_cannot_write_is_no_answer_and_the_next_model_is(
    keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from sklearn.dummy import DummyClassifier

    started(keeper, monkeypatch)
    only_here = type("OnlyHere", (), {"__module__": "__main__"})  # a class of the notebook itself: the child has no such module
    monkeypatch.setattr(sys.modules["__main__"], "OnlyHere", only_here, raising=False)
    bad: object = (lambda: None) if what == "unpicklable" else only_here()
    assert keeper.dumps(bad) is None
    keeper.start()
    assert keeper.dumps(DummyClassifier().fit([[0]], [1])) is not None


def test_a_child_that_died_is_no_answer(keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    started(keeper, monkeypatch)
    assert keeper._child is not None
    os.kill(keeper._child.pid, signal.SIGKILL)
    keeper._child.wait()
    assert keeper.dumps(1) is None


def test_a_child_that_does_not_answer_is_given_up(keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    started(keeper, monkeypatch)
    assert keeper._child is not None
    os.kill(keeper._child.pid, signal.SIGSTOP)
    monkeypatch.setattr(room, "PATIENCE", 0.2)
    assert keeper.dumps(1) is None
    assert keeper._child is None


def test_the_child_is_outside_the_kernels_process_group_and_ends_with_it(keeper: ModelKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """ipykernel waits for children of its own group: each governed kernel once took two seconds longer to stop."""
    started(keeper, monkeypatch)
    assert keeper._child is not None
    assert keeper._child.stdin is not None
    assert os.getpgid(keeper._child.pid) != os.getpgid(0)
    keeper._child.stdin.close()
    assert keeper._child.wait(timeout=60) == 0
