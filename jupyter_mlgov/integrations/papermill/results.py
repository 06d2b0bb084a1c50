"""How a governed run ended."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """`failed_cell` is the id of the cell that ended the run and `error` a sentence about it; both are empty when all is well."""

    outcome: Outcome
    failed_cell: str = ""
    error: str = ""
    seconds: float = 0.0
