"""A window from our own log of predictions: what the version in production answered, with the outcomes that have come in since."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.rollout.serving.records import FEATURE, GROUP
from jupyter_mlgov.workspace.reference import numbers_of, reference_of
from jupyter_mlgov.workspace.windows import Window

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Roles
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.watched import Running

BESIDE = "challenger_score"


def logged_window(workspace: Workspace, now: Running, *, since: datetime | None = None, until: datetime | None = None) -> Window:
    """The rows that the version answered as champion from `since` up to and without `until` (UTC), named as the model's table names them.

    A shadow's score of the same row stands beside as `challenger_score`. Raises BadInput where nothing was answered.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from jupyter_mlgov.workspace.labels import predictions

    table = predictions(workspace, now.move.model)
    name = f"log {_said(since, 'its start')} to {_said(until, 'now')}"
    if not table.num_rows:
        raise BadInput(f"Nothing was ever predicted by {now.move.model} here.", next="See `mlgov serve`, or name a file with --window.")
    every = {str(one) for one in table["request"].to_pylist()}
    if since is not None:
        table = table.filter(pc.greater_equal(table["time"], pa.scalar(since, table.schema.field("time").type)))
    if until is not None:
        table = table.filter(pc.less(table["time"], pa.scalar(until, table.schema.field("time").type)))
    mine = table.filter(pc.and_(pc.equal(table["version"], now.move.version), pc.equal(table["arm"], "champion")))
    if not mine.num_rows:
        raise BadInput(
            f"Version {now.move.version} of {now.move.model} answered nothing in the {name}.",
            expected="A window without a row is silence, not health.",
        )
    failed = mine.num_rows - mine["score"].drop_null().length()
    scored = mine.filter(mine["score"].is_valid())
    notes = [f"{failed:,} of {mine.num_rows:,} rows were not answered with a score and are left out."] if failed else []
    other = table.num_rows - mine.num_rows
    notes += [f"{other:,} rows were answered by another version or arm and are not judged."] if other else []
    labels, odd = _labels(workspace, now.move.model, every)
    numbers = numbers_of(workspace, reference_of(workspace, now.move, now.team.roles))
    source = _typed(_renamed(scored, now.team.roles, labels, _shadows(table)), numbers)
    return Window(source=source, name=name, notes=(*notes, *odd))


def _said(moment: datetime | None, otherwise: str) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else otherwise


def _renamed(mine: Any, roles: Roles, labels: dict[str, object], shadows: dict[tuple[str, int], float]) -> Any:
    """The log's columns under the names of the team file: `x_income` is `income`, the score is `score` of [subject]."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in mine.column_names:
        for prefix in (GROUP, FEATURE):
            if name.startswith(prefix):
                columns.setdefault(name.removeprefix(prefix), mine[name])
    columns[roles.score or "score"] = mine["score"]
    if roles.time:
        columns[roles.time] = mine["time"]
    if roles.outcome:
        good, bad = (1, 0) if roles.favourable in ("1", "") else (roles.favourable, f"not {roles.favourable}")
        columns[roles.outcome] = pa.array([None if one is None else bad if one else good for one in mine["adverse"].to_pylist()])
    requests = [str(one) for one in mine["request"].to_pylist()]
    known = [labels.get(key) for key in requests]
    if roles.label and any(one is not None for one in known):  # before the first has matured there is no such column
        columns[roles.label] = pa.array([None if one is None else str(one) for one in known], pa.string())
    beside = [shadows.get((key, row)) for key, row in zip(requests, mine["row"].to_pylist(), strict=True)]
    if any(one is not None for one in beside):
        columns[roles.champion or BESIDE] = pa.array(beside, pa.float64())
    return pa.table(columns)


def _typed(table: Any, numbers: frozenset[str]) -> Any:
    """Texts of columns that are numbers in the reference as numbers again: the log keeps groups as text. One that is none stays a text."""
    import pyarrow as pa

    for place, name in enumerate(table.column_names):
        if name in numbers and pa.types.is_string(table.schema.field(name).type):
            words = [{"True": "1", "False": "0"}.get(one, one) for one in table[name].to_pylist()]
            try:
                column = pa.array([None if one is None else float(one) for one in words], pa.float64())
            except ValueError:
                continue
            table = table.set_column(place, name, column)
    return table


def _shadows(table: Any) -> dict[tuple[str, int], float]:
    import pyarrow.compute as pc

    found = table.filter(pc.equal(table["arm"], "shadow")).select(["request", "row", "score"]).to_pylist()
    return {(str(one["request"]), int(one["row"])): float(one["score"]) for one in found if one["score"] is not None}


def _labels(workspace: Workspace, model: str, requests: set[str]) -> tuple[dict[str, object], tuple[str, ...]]:
    """The newest label of each request, and what is odd about them: told twice in two ways, or about what nobody predicted."""
    from jupyter_mlgov.workspace.labels import told

    every: dict[str, list[object]] = defaultdict(list)
    for request, label in told(workspace, model):
        if label is not None:
            every[request].append(label)
    stray = sum(1 for request in every if request not in requests)
    twice = sum(1 for labels in every.values() if len(set(map(str, labels))) > 1)
    notes = [f"{stray:,} labels are about requests that the log does not know; they count nowhere."] if stray else []
    notes += [f"{twice:,} requests have two different labels; the later one counts."] if twice else []
    return {request: labels[-1] for request, labels in every.items()}, tuple(notes)
