"""What would lift a reason, said for a machine: a cell to run, code to insert, a command, or people to ask."""

from __future__ import annotations

from dataclasses import replace

from jupyter_mlgov.promotion.facts import Fix, Reason

VALIDATE = Fix(kind="insert-cell", code="%mlgov validate")
_LOAD = Fix(kind="insert-cell", code="%load_ext jupyter_mlgov")
_RUN = ("step-never-ran", "step-stale", "step-killed", "step-failed", "step-running", "run")
_JUDGE = ("no-report", "stale-report", "partial-report", "policy-missing", "nothing-measured", "model-mismatch", "validate")
_COMMANDS = {
    "no-drill": "mlgov rollback",
    "old-evidence": "mlgov validate --fresh",
    "previous-stage": "mlgov promote",
    "data-not-pushed": "dvc push",
    "data-not-kept": "mlgov track",
    "limit-unsaid": "mlgov promote",
    "limit-exceeded": "mlgov promote",
}


def fixed(reason: Reason, approvers: tuple[str, ...]) -> Reason:
    """`reason` with its fix. `approvers` are those who may approve here; empty: anybody who did not work on the model."""
    return replace(reason, fix=reason.fix or fix_of(reason, approvers))


def fix_of(reason: Reason, approvers: tuple[str, ...] = ()) -> Fix:
    """The deed that answers `reason`. A failed check with a place is mended in its cell; one without is read in the report."""
    code = reason.code
    if code == "hidden-state" and not reason.next.startswith("Run"):
        return Fix(kind="command", command="mlgov run")
    if code in _RUN and reason.cell:
        return Fix(kind="run-cell", cells=(reason.cell,))
    if code in _JUDGE:
        return VALIDATE
    if code in ("no-authors", "no-steps"):
        return _LOAD
    if code in ("unchecked", "approvals", "review", "refused", "no-rerun"):
        command = "mlgov review rerun" if code == "no-rerun" else 'mlgov review approve -m "why"'
        return Fix(kind="ask-person", people=approvers, command=command)
    if code in _COMMANDS:
        return Fix(kind="command", command=_quoted(reason.next) or _COMMANDS[code])
    if reason.cell:
        return Fix(kind="run-cell", cells=(reason.cell,))
    if code in ("no-model", "no-version", *_RUN):
        return Fix(kind="command", command="mlgov run")
    return Fix(kind="insert-cell", code="%mlgov report")


def together(reasons: tuple[Reason, ...]) -> Fix | None:
    """One fix for reasons that one deed answers: the same one, or all their cells in order."""
    fixes = [reason.fix for reason in reasons if reason.fix]
    cells = tuple(dict.fromkeys(cell for fix in fixes for cell in fix.cells))
    if cells:
        return Fix(kind="run-cell", cells=cells)
    return fixes[0] if fixes else None


def _quoted(text: str) -> str:
    """The command that stands between backquotes in a sentence."""
    parts = text.split("`")
    return parts[1] if len(parts) > 2 else ""
