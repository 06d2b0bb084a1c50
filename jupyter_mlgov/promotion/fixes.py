"""What would lift a reason, said for a machine: a cell to run, code to insert, a command, a line to declare, or people to ask."""

from __future__ import annotations

from dataclasses import replace

from jupyter_mlgov.core.team import Roles
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


def fixed(reason: Reason, approvers: tuple[str, ...], roles: Roles = Roles()) -> Reason:  # noqa: B008  # a frozen fact
    """`reason` with its fix. `approvers` are those who may approve here; empty: anybody who did not work on the model."""
    return replace(reason, fix=reason.fix or fix_of(reason, approvers, roles))


def fix_of(reason: Reason, approvers: tuple[str, ...] = (), roles: Roles = Roles()) -> Fix:  # noqa: B008  # a frozen fact
    """The deed that answers `reason`. No deed makes a failed check pass: it is looked into in a cell, and mended by a person."""
    code = reason.code
    if code == "hidden-state" and not reason.next.startswith("Run"):
        return Fix(kind="restart")
    if code.startswith("verdict-"):
        return _of_verdict(reason, roles)
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
    if code in ("refuted", "committers-unknown"):
        return Fix(kind="command", command=_quoted(reason.next))
    if reason.cell:
        return Fix(kind="run-cell", cells=(reason.cell,))
    if code in ("no-model", "no-version", *_RUN):
        return Fix(kind="command", command="mlgov run")
    return Fix(kind="insert-cell", code="%mlgov report")


def _of_verdict(reason: Reason, roles: Roles) -> Fix:
    """A check that broke is run again; people's questions are asked; what was not said is declared; the rest is looked into."""
    told = reason.next
    if reason.validator.startswith("form:"):
        return Fix(kind="insert-cell", code=f"%mlgov answer {reason.validator.removeprefix('form:')}")
    if reason.code == "verdict-error":
        return VALIDATE
    if any(word in told for word in ("mlgov.toml", "Declare ", "under [")):
        return Fix(kind="team-file")
    if _quoted(told).split(" ")[0] in ("mlgov", "dvc", "git", "pip"):
        return Fix(kind="command", command=_quoted(told))
    return Fix(kind="insert-cell", code=_look(reason, roles))


def _look(reason: Reason, roles: Roles) -> str:
    """A cell to begin with: what the check was about, and its table by the columns that the team declared. It is inserted, never run."""
    table = roles.table
    if not table.isidentifier():
        return "%mlgov report"
    words = " ".join(f"{reason.validator}: {reason.sentence} {reason.next}".split())[:300]
    columns = list(dict.fromkeys(filter(None, (roles.outcome, roles.score))))
    groups = list(roles.protected) if reason.validator.startswith(("fair.", "proxy.")) else []
    shown = f"{table}.groupby({groups!r})" if groups else table
    shown += f"[{columns!r}]" if columns else ""
    told = "agg(['count', 'mean'])" if groups and columns else "describe()"
    return f"# {words}\n{shown}.{told}"


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
