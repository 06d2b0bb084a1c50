"""Subjects of any shape: tables from columns or from published counts, models with a record behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.lineage.facts import CellRun, CodeState, Environment, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.sdk import Check, Digest, Subject, SubjectRef
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.results import CheckResult

THEN = datetime(2026, 11, 23, tzinfo=UTC)


def digest(text: str) -> Digest:
    return Digest.of_text(text)


def seen(name: str, kind: str = "table", content: str = "") -> ObjectRef:
    root = digest(content or name)
    return ObjectRef(name=name, kind=kind, fingerprint=Fingerprint(method="m", root=root))  # type: ignore[arg-type]  # a word of three


def cell(number: int, kind: str, **more: object) -> CellRun:
    step = Step(kind=kind) if kind else None
    values = {"distributions": ("numpy", "scikit-learn"), "outcome": Outcome.OK, **more}
    return CellRun(
        id=f"r{number}", session="s", notebook="n.ipynb", cell_id=f"c{number}", order=number, started=THEN,
        source_digest=digest("x"), step=step,
        **values,  # type: ignore[arg-type]  # given by name in each test
    )  # fmt: skip


def whole_record() -> tuple[CellRun, ...]:
    return (
        cell(1, "data", files_read=(FileRef(path="d.parquet", digest=digest("d")),), outputs=(seen("raw"),)),
        cell(2, "features", inputs=(seen("raw"),), outputs=(seen("features"),)),
        cell(3, "train", inputs=(seen("features"),), outputs=(seen("model", "model"),)),
        cell(4, "evaluate", inputs=(seen("features"), seen("model", "model")), outputs=(seen("scored"),)),
    )


def lineage(runs: tuple[CellRun, ...] | None = None, code: CodeState | None = None, packages: Mapping[str, str] | None = None) -> Lineage:
    environment = Environment(
        python="3.11", platform="p", packages={"numpy": "2.1", "scikit_learn": "1.7"} if packages is None else packages
    )
    session = Session(
        id="s", notebook="n.ipynb", host="papermill", started=THEN, environment=environment, code=code or CodeState(commit="a" * 40)
    )
    return Lineage(notebook="n.ipynb", session=session, runs=whole_record() if runs is None else runs, steps=())


def judged(check: Check, subject: Subject) -> CheckResult:
    return validate(subject, (), Registry.of(check)).results[0]


Make = Callable[..., Subject]


@pytest.fixture
def table(tmp_path: Path) -> Make:
    """A bare table: `table({"column": [...]}, outcome="…", …)`."""

    def make(columns: Mapping[str, object], **roles: object) -> Subject:
        pq.write_table(pa.table(dict(columns)), tmp_path / "t.parquet")
        given = Roles(**roles)  # type: ignore[arg-type]  # given by name in each test
        return Subject(ref=SubjectRef(kind="table", name="t", roles=asdict(given)), roles=given, table_path=tmp_path / "t.parquet")

    return make


@pytest.fixture
def counts(table: Make) -> Make:
    """A bare table of `k` favourable of `n` outcomes in each group."""

    def make(groups: Mapping[object, tuple[int, int]]) -> Subject:
        rows = [(group, int(number < k)) for group, (k, n) in groups.items() for number in range(n)]
        columns = {"group": [group for group, _ in rows], "good": [good for _, good in rows]}
        return table(columns, outcome="good", favourable="1", protected=("group",))

    return make
