"""A workspace in which a model is on record, for tests of what people answer about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.testing import cell_run, digest, session
from jupyter_mlgov.workspace import Workspace

NOTEBOOK = "credit.ipynb"
CONTROL = "SR26-2.V.2"
WORDS = {
    "data_choice": "Loans of 2019 to 2023, because older ones were priced otherwise.",
    "alternatives": "A tree model and a scorecard; both ranked no better.",
    "judgement": "Two overrides by the committee, both written down.",
    "misuse": "It does not hold for business loans.",
    "holds": "yes",
}


def answerable(folder: Path) -> Workspace:
    """The workspace of `ann` in `folder`, with one recorded model of the team `credit` under SR 26-2."""
    (folder / "mlgov.toml").write_text('[model]\nname = "credit"\n[policy]\npacks = ["sr-26-2"]\n', "utf-8")
    nbformat.write(nbformat.v4.new_notebook(), folder / NOTEBOOK)
    workspace = Workspace.create(folder, Settings(actor="ann"))
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="mlgov-model-1", root=digest("model")))
    run = replace(cell_run("train", notebook=NOTEBOOK), outputs=(model,))
    workspace.record(
        Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(session(notebook=NOTEBOOK))),
        Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)),
    )
    return workspace
