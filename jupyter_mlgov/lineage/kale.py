"""Kale's cell tags, read as they are: `step:NAME`, `prev:NAME`, `pipeline-parameters`, `pipeline-metrics`, `imports`, `functions`, `skip`.

github.com/kubeflow-kale/kale, its notebook tags; `block:` is their older word for `step:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import Step

PARAMETERS = "pipeline-parameters"
METRICS = "pipeline-metrics"
_ROLES = ("imports", "functions", PARAMETERS, METRICS, "skip")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What a step is called says what it does, where one of these words is part of it; the first that fits.
_WORDS = (
    ("register", r"regist|deploy|serv|publish|upload"),
    ("evaluate", r"eval|test|valid|metric|scor|predict|result"),
    ("train", r"train|fit|model|tune|tuning|hyper|(?<![a-z])(svm|rf|xgb|lgbm|logreg|knn)(?![a-z])|forest|regress|classif|bayes|boost"),
    ("features", r"feat|prep|process|transform|clean|encod|scal|split|engineer|impute"),
    ("data", r"data|load|read|ingest|fetch|import|extract|download"),
    ("report", r"report|plot|visual|explor|eda|summar"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KaleCell:
    """What Kale's tags say of a cell: the name of its step, the steps before it, or its role in the pipeline."""

    step: str = ""
    before: tuple[str, ...] = ()
    role: str = ""


def kale_cell(tags: Iterable[str]) -> KaleCell | None:
    """The meaning of Kale's tags among `tags` (also the older `block:NAME`); None where there are none."""
    tags = tuple(tags)
    steps = [tag.partition(":")[2] for tag in tags if tag.startswith(("step:", "block:"))]
    before = tuple(tag.partition(":")[2] for tag in tags if tag.startswith("prev:"))
    role = next((tag for tag in tags if tag in _ROLES), "")
    named = next((name for name in steps if _NAME.fullmatch(name)), "")
    return KaleCell(step=named, before=before, role=role) if named or before or role else None


def kale_step(tags: Iterable[str]) -> Step | None:
    """Our step of a cell that Kale's tags name, where the name says what it does (`step:load_data` is `data:load_data`)."""
    cell = kale_cell(tags)
    if cell is None or cell.role in ("skip", "imports", "functions", PARAMETERS):
        return None
    if cell.role == METRICS:
        return Step(kind="evaluate", name=METRICS)
    kind = next((kind for kind, words in _WORDS if re.search(words, cell.step.lower())), "")
    return Step(kind=kind, name=cell.step) if kind and cell.step else None
