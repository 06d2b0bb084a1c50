"""What validators are given beside the table: records, answers, the chain, and the model as something that scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from skops.io import dump

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.sdk import Missing
from jupyter_mlgov.testing import digest
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.chain import chain
from jupyter_mlgov.workspace.models import StoredModel
from jupyter_mlgov.workspace.subjects import forms, records


@pytest.fixture
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    return pd.DataFrame(generator.normal(size=(40, 2)), columns=["a", "b"])


def stored(folder: Path, frame: pd.DataFrame, favourable: str) -> StoredModel:
    model = LogisticRegression().fit(frame, np.where(frame["a"] > 0, 1, 0))
    dump(model, folder / "m.skops")
    return StoredModel(path=folder / "m.skops", digest=Digest.of_bytes((folder / "m.skops").read_bytes()), favourable=favourable)


def test_the_stored_model_scores_as_the_one_that_was_trained(tmp_path: Path, frame: pd.DataFrame) -> None:
    scores = stored(tmp_path, frame, "1")
    model = LogisticRegression().fit(frame, np.where(frame["a"] > 0, 1, 0))
    shuffled = frame[["b", "a"]].assign(more=1)  # columns are found by name
    assert np.array_equal(scores(shuffled), model.predict_proba(frame)[:, 1])
    assert np.array_equal(stored(tmp_path, frame, "0")(frame), model.predict_proba(frame)[:, 0])


def test_what_the_model_cannot_say_is_missing_and_no_score(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(Missing, match="which the model reads"):
        stored(tmp_path, frame, "1")(frame[["a"]])
    with pytest.raises(Missing, match="is none of them"):
        stored(tmp_path, frame, "yes")(frame)


def test_acts_about_the_model_are_its_records_and_verdicts_are_not(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, Settings(actor="ann"))
    workspace.record(
        Draft(action="review.given", subject="credit", payload={"notebook": "n.ipynb"}),
        Draft(action="review.given", subject="other"),
        Draft(action="validation.done", subject="credit"),
        Draft(action="export.written", subject="n.ipynb"),
        Draft(action="form.answered", subject="credit", payload={"control": "C.1", "answers": {"why": "so"}, "model": digest("m")}),
        Draft(action="form.answered", subject="credit", payload={"control": "C.1", "answers": "so"}),
    )
    found = records(workspace, "credit", "n.ipynb")
    assert [act.action for act in found.acts] == ["review.given", "export.written"]
    assert [actor.id for actor in found.authors] == ["ann"]
    assert [(form.control, form.answers, form.actor.id) for form in forms(workspace, "credit")] == [("C.1", {"why": "so"}, "ann")]
    assert chain(workspace, "n.ipynb").ok


def test_who_wrote_the_notebook_that_a_job_was_exported_from_is_an_author_of_the_job(tmp_path: Path) -> None:
    """The account of a scheduler ran the job; the gate knew its author, and the validators asked another function."""
    ann, job = Workspace.create(tmp_path, Settings(actor="ann")), Workspace(tmp_path, Settings(actor="scheduler"))
    ann.record(
        Draft(action="session.started", subject="n.ipynb"),
        Draft(action="export.written", subject="n.ipynb", payload={"files": ["jobs/n.ipynb"]}),
    )
    job.record(Draft(action="session.started", subject="jobs/n.ipynb"))
    found = records(ann, "credit", "jobs/n.ipynb")
    assert sorted(actor.id for actor in found.authors) == ["ann", "scheduler"]
