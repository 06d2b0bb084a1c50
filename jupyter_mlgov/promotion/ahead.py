"""Which stage a model goes for next: the first of its team's that has not let in this very model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.promotion.intended import history
from jupyter_mlgov.promotion.since import known_as

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.promotion.registry import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How far a model has come. `let_in`: the stages that this very model is in, in order; `stage`: the one it goes for.

    `version` is the version under which it was let in, empty before. In the last stage, `stage` stays that one; it is empty where the team
    has no gate at all.
    """

    let_in: tuple[str, ...]
    stage: str
    before: str
    version: str

    @property
    def gate(self) -> str:
        """`development → staging`."""
        return f"{self.before} → {self.stage}" if self.stage else ""

    @property
    def done(self) -> bool:
        """Whether this very model is in the last stage already."""
        return self.stage in self.let_in


def way(entries: Iterable[AuditEntry], team: Team, version: ModelVersion | None) -> Way:
    """From the log alone: a stage counts where what is in it now is a version that carries this very model. Pure.

    Without a gap: a model that was taken out of a stage goes for that one again, wherever else it still is.
    """
    entries = tuple(entry for entry in entries if entry.subject == team.model)
    known = known_as(entries, team.model, version)
    now = {move.stage: move.version for move in history(entries, team.model)}
    let_in: list[str] = []
    for stage in team.stages[1:]:
        if now.get(stage) not in known:
            break
        let_in.append(stage)
    ahead = team.stages[1:][len(let_in) :]
    stage = ahead[0] if ahead else (team.stages[-1] if len(team.stages) > 1 else "")
    before = team.stages[team.stages.index(stage) - 1] if stage else ""
    return Way(let_in=tuple(let_in), stage=stage, before=before, version=now[let_in[-1]] if let_in else "")
