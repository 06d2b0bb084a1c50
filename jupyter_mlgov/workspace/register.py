"""The models of a workspace as a list: folded from the trail once, then only what is new is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.team import TEAM_FILE
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.views import ModelPage, ModelRow
from jupyter_mlgov.workspace.answering import ACTIONS as TRAFFIC
from jupyter_mlgov.workspace.answering import IN_TRAFFIC, answering

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

SORTS = ("model", "tier", "stage", "verdict", "review", "traffic", "reproduced", "moved")
ACTIONS = (
    "validation.done",
    "review.asked",
    "review.claimed",
    "review.given",
    "promotion.decided",
    "promotion.applied",
    "rollback.done",
    "stage.emptied",
    "reproduce.done",
)
# The gravest first; what is not in front of users comes last.
TRAFFIC_ORDER = {
    name: rank for rank, name in enumerate(("unreadable", "killed", "breaker open", "canary", "shadow", "serving", "not served"))
}
_RANKS: Mapping[str, int] = {verdict.value: verdict.rank for verdict in Verdict}


class Register:
    """The list of one workspace, kept between requests. A lock: two requests do not read the same entries twice."""

    def __init__(self) -> None:
        self._rows: dict[str, ModelRow] = {}
        self._seq = 0
        self._served: set[str] = set()
        self._tiers: dict[Path, tuple[int, str]] = {}
        self._lock = Lock()

    def page(self, workspace: Workspace, *, words: str, sort: str, descending: bool, offset: int, limit: int) -> ModelPage:
        """`limit` rows from `offset` of those that hold `words`, in order of `sort`; the same sort always has the same order."""
        with self._lock:
            self._advance(workspace)
            rows = [row for row in self._rows.values() if _holds(row, words)]
            if sort == "tier":
                rows = [self._tiered(workspace, row) for row in rows]
            rows.sort(key=lambda row: row.model)
            rows.sort(key=_key(sort), reverse=descending)
            shown = tuple(_halted(workspace, self._tiered(workspace, row)) for row in rows[offset : offset + limit])
            return ModelPage(rows=shown, models=len(rows), entries=self._seq)

    def _advance(self, workspace: Workspace) -> None:
        moved: set[str] = set()
        for entry in workspace.journal.entries(after=self._seq, actions=(*ACTIONS, *TRAFFIC)):
            self._seq = entry.seq
            row = self._rows.get(entry.subject)
            if entry.action in ACTIONS:
                self._rows[entry.subject] = told(row or ModelRow(model=entry.subject), entry)
            elif row is not None:
                self._rows[entry.subject] = replace(row, moved=stamp(entry.time))
            if entry.action in IN_TRAFFIC:
                self._served.add(entry.subject)
            moved.add(entry.subject)
        # Few models are in front of users: only theirs is folded again, each once, after all that is new.
        for model in moved & self._served & set(self._rows):
            self._rows[model] = in_traffic(workspace, self._rows[model])

    def _tiered(self, workspace: Workspace, row: ModelRow) -> ModelRow:
        """With the tier of the team file as it is now, read again only where the file changed."""
        folder = workspace.path_of(row.notebook).parent
        file = next((one / TEAM_FILE for one in (folder, *folder.parents) if (one / TEAM_FILE).is_file() or one == workspace.root), None)
        if file is None:
            return row
        try:
            moved = file.stat().st_mtime_ns
        except OSError:
            return row
        known = self._tiers.get(file)
        if known is None or known[0] != moved:
            known = (moved, _tier(workspace, row.notebook))
            self._tiers[file] = known
        return replace(row, tier=known[1])


def told(row: ModelRow, entry: AuditEntry) -> ModelRow:
    """`row` after `entry`. Pure; an entry it does not know leaves it as it is."""
    payload, when = entry.payload, stamp(entry.time)
    row = replace(row, moved=when, notebook=str(payload.get("notebook") or row.notebook))
    match entry.action:
        case "validation.done":
            verdict = str(payload.get("verdict", ""))
            given = next((one.value for one in Verdict if verdict in (one.value, one.word)), "")
            return replace(row, verdict=given, validated=when, review="", review_since="")
        case "review.asked":
            return replace(row, review="asked", review_since=when)
        case "review.claimed":
            return replace(row, review="claimed", review_since=row.review_since or when)
        case "review.given":
            return replace(row, review="approved" if payload.get("verdict") == "approve" else "refused", review_since=when)
        case "promotion.applied":
            return replace(row, stage=str(payload.get("stage", "")), version=str(payload.get("version", "")))
        case "rollback.done":
            return replace(row, version=str(payload.get("to", "")))
        case "stage.emptied":
            return replace(row, stage="", version="")
        case "reproduce.done":
            return replace(row, reproduced=str(payload.get("grade", "")), reproduced_at=when)
    return row


def in_traffic(workspace: Workspace, row: ModelRow) -> ModelRow:
    """`row` with how the model answers now. A trail that cannot be folded is said, never left blank."""
    try:
        now = answering(workspace, row.model, workspace.team_for(row.notebook))
    except MlgovError as error:
        return replace(row, traffic="unreadable", traffic_said=error.what)
    return replace(row, traffic=now.state, traffic_said=now.sentence, traffic_share=now.share) if now else row


def _halted(workspace: Workspace, row: ModelRow) -> ModelRow:
    """The kill switch's file stops a model with no entry in the trail, so it is looked at anew for each row that is shown."""
    from jupyter_mlgov.workspace.killing import stopped

    return in_traffic(workspace, row) if row.traffic != "killed" and stopped(workspace.root, row.model) else row


def _tier(workspace: Workspace, notebook: str) -> str:
    try:
        return str(workspace.team_for(notebook).tier)
    except MlgovError:
        return "?"


def _holds(row: ModelRow, words: str) -> bool:
    text = f"{row.model} {row.notebook} {row.stage} {row.verdict} {row.review} {row.traffic}".casefold()
    return all(word in text for word in words.casefold().split())


def _key(sort: str) -> Callable[[ModelRow], tuple[object, ...]]:
    """What is missing comes last in ascending order; verdicts go by their gravity, the gravest first."""
    if sort == "verdict":
        return lambda row: (_RANKS.get(row.verdict, 99),)
    if sort == "review":
        return lambda row: (not row.review, row.review, row.review_since)
    if sort == "traffic":
        return lambda row: (TRAFFIC_ORDER.get(row.traffic, 99),)
    if sort == "reproduced":
        return lambda row: (not row.reproduced_at, row.reproduced_at)
    return lambda row: (not getattr(row, sort), str(getattr(row, sort)).casefold())
