"""What a recorded run read in Snowflake, asked again as of then: whether that may be, and the clause for each statement."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.lineage.facts import Lineage, SourceRef
from jupyter_mlgov.pipelines.reproduce import SECTION, declared

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_KEEP = "Keep what is read there as a file of the workspace."


def snowflake_plan(workspace: Workspace, recorded: Lineage, read: tuple[SourceRef, ...], limits: list[str]) -> dict[str, str]:
    """Digest of each statement's text: the clause to ask it with. What nobody has proven is one of the `limits`.

    Raises NotReady where mlgov.toml does not allow it (`snowflake_days`), where the account no longer keeps what was read, where the
    run wrote into Snowflake, and for a reference that is no statement.
    """
    from jupyter_mlgov.integrations.snowflake import time_travel

    written = [ref for run in recorded.runs for ref in run.sources_written if ref.system == "snowflake"]
    if not read and not written:
        return {}
    days = declared(workspace.team_for(recorded.notebook).register.get(SECTION, {})).snowflake_days
    now = workspace.clock.now()
    for ref in read:
        _allowed(ref, days, now)
    if written:
        raise NotReady(
            f"Statement {written[0].version} wrote {written[0].name} in Snowflake, and a second run would write it again.", next=_KEEP
        )
    plan: dict[str, str] = {}
    for ref in read:
        if plan.setdefault(str(ref.digest), time_travel(ref, now)) != time_travel(ref, now):
            raise NotReady(
                f"One statement read {ref.name} in Snowflake twice, at two moments; nobody could say which is asked.", next=_KEEP
            )
    clauses = ", ".join(dict.fromkeys(plan.values()))
    limits.append(f"Snowflake was asked as of then ({clauses[:200]}), which is not proven against a live Snowflake.")
    return plan


def _allowed(ref: SourceRef, days: int, now: datetime) -> None:
    from jupyter_mlgov.integrations.snowflake import time_travel

    if not days:
        raise NotReady(
            f"Statement {ref.version} read {ref.name} in Snowflake, and no live connection is taken for a second run.",
            next=f"{_KEEP} Or ask by hand, `{time_travel(ref, now)}` behind each table, or allow it: `snowflake_days` under [reproduce].",
        )
    time_travel(ref, now)  # refuses a reference without a time
    age = now - datetime.fromisoformat(str(ref.facts["time"]))
    if age > timedelta(days=days):
        kept = "1 day" if days == 1 else f"{days} days"
        raise NotReady(
            f"Statement {ref.version} read {ref.name} in Snowflake {age.days} days ago, and its Time Travel keeps {kept}: "
            "what it read then can no longer be had.",
            next=_KEEP,
        )
