"""What an OpenLineage collector is told: one parcel for each ended step run, made once."""

from __future__ import annotations

from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.lineage.facts import Lineage, Outcome


def run_parcels(lineage: Lineage) -> tuple[Parcel, ...]:
    """A parcel for each run of a tagged cell that ended, in the order they ran. Its key is the run's id: telling twice is one deed."""
    session = lineage.session
    if session is None:
        return ()
    who = fields_of(session)
    ended = [run for run in lineage.runs if run.step is not None and run.outcome is not Outcome.RUNNING]
    return tuple(
        Parcel(key=f"openlineage:{run.id}", target="openlineage", kind="step run", payload={"run": fields_of(run), "session": who})
        for run in ended
    )
