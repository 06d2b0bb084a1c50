"""Whether a subject has what a validator needs, and the sentence when it has not."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.team import LISTS
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.subjects import Subject

Lack = tuple[Verdict, str]

ROLES = ("protected", "outcome", "score", "label", "baseline", "champion", "legitimate", "features", "grade", "exceeded", "time", "key")
_OWN_OPTION = ("protected", "outcome", "score", "label", "baseline")
# Any table of decisions has these two. A policy that compares groups, asked about a table whose groups nobody named, was not answered.
_NEVER_BESIDE_THE_POINT = ("protected", "outcome")
_WITHOUT = {
    "protected": "there are no groups to compare",
    "outcome": "there is no decision to look at",
    "score": "this table holds decisions, not a model's scores",
    "label": "there is no true outcome to compare scores with",
    "baseline": "there is no simple model's score to compare with",
    "champion": "no live model's score stands beside it",
    "legitimate": "nobody declared a factor that may explain a gap",
    "features": "there are no model inputs to look at",
    "grade": "there are no rating grades",
    "exceeded": "there is no record of days on which a loss went over its limit",
    "time": "the rows have no time",
    "key": "nothing says which rows belong together",
}
_RECORDS = {
    "lineage": "record of what ran on what",
    "hidden": "saved notebook beside the record of what ran",
    "environment": "record of an environment",
    "texts": "notebook text",
    "lock": "lock file",
    "reference": "reference table",
    "splits": "record of what was trained on and what was tested on",
    "predict": "model that can be asked for a score",
    "forms": "answer from a person",
    "records": "trail",
    "chain": "trail",
    "register": "team file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the subject's table: its columns and rows, or the sentence why it cannot be read."""

    columns: tuple[str, ...] = ()
    rows: int = 0
    problem: str = ""


def look(subject: Subject) -> Look | None:
    """Columns and number of rows of the table; None where the subject has none."""
    if not subject.has_table:
        return None
    try:
        table = subject.table
        return Look(columns=tuple(table.columns), rows=int(str(subject.ask(table.aggregate(rows=table.count())).rows[0]["rows"])))
    except MlgovError as error:
        return Look(problem=str(error))
    except Exception as error:  # noqa: BLE001  # whatever a reader says of a foreign file closes the checks that need it
        return Look(problem=f"The table cannot be read: {type(error).__name__}.")


def lacking(check: Check, subject: Subject, seen: Look | None) -> Lack | None:
    """The first thing `check` needs and `subject` has not, as a verdict with its sentence."""
    for need in check.needs:
        found = _record(need, subject) if need in _RECORDS else _role(need, subject) if need in ROLES else None
        if found:
            return found
    if not any(need in ("table", *ROLES) for need in check.needs):
        return None
    return _table(subject, seen) or _columns(check, subject, seen)


def _record(need: str, subject: Subject) -> Lack | None:
    there = {
        "lineage": subject.lineage is not None,
        "hidden": subject.hidden is not None,
        "environment": subject.environment is not None,
        "texts": bool(subject.texts),
        "lock": subject.lock is not None,
        "reference": subject.has_reference,
        "splits": {"train", "test"} <= set(subject.split_paths),
        "predict": subject.predict is not None,
        "forms": True,  # which control's answers are wanted, the validator knows: it raises Unanswered
        "records": subject.records is not None,
        "chain": subject.chain is not None,
        "register": subject.register is not None,
    }
    if there[need] and not (need == "forms" and subject.is_table):
        return None
    if subject.is_table:
        return Verdict.NOT_APPLICABLE, f"A plain table has no {_RECORDS[need]} behind it."
    advice = {
        "lineage": "Run the notebook with `%load_ext jupyter_mlgov`.",
        "hidden": "Save the notebook, and run it with `%load_ext jupyter_mlgov`.",
        "environment": "Run the notebook with `%load_ext jupyter_mlgov`.",
        "texts": "The notebook file could not be read; see that it is there and is JSON.",
        "lock": 'Write one (`pip freeze > requirements.lock`) and name it: `lock = "…"` under [environment] in mlgov.toml.',
        "reference": 'Declare `reference = "NAME"` under [subject] in mlgov.toml, the table the model was built on, and run its cell.',
        "splits": 'Declare `train = "NAME"` and `test = "NAME"` under [subject] in mlgov.toml, and run their cells.',
        "predict": "Train a model that skops can store in a cell tagged `mlgov:train`.",
        "chain": "Validate in a workspace (`mlgov init`).",
        "records": "Validate in a workspace (`mlgov init`).",
        "register": "Write an mlgov.toml.",
    }
    return Verdict.INCONCLUSIVE, f"There is no {_RECORDS[need]}. {advice[need]}"


def named(need: str, subject: Subject) -> tuple[str, ...]:
    """The columns that play this part; empty where nobody said."""
    roles = subject.roles
    value = subject.label if need == "label" else getattr(roles, need)
    columns: tuple[str, ...] = value if isinstance(value, tuple) else (value,)
    return tuple(filter(None, columns))


def _role(need: str, subject: Subject) -> Lack | None:
    if named(need, subject):
        if need == "outcome" and not subject.roles.favourable:
            how = "--favourable VALUE" if subject.is_table else "`favourable = …` under [subject] in mlgov.toml"
            return Verdict.INCONCLUSIVE, f"Nobody said which value of {subject.roles.outcome} is good for the person. Say it: {how}."
        return None
    if subject.is_table:
        option = f"--{need}" if need in _OWN_OPTION else f"--role {need}=COLUMN"
        verdict = Verdict.INCONCLUSIVE if need in _NEVER_BESIDE_THE_POINT else Verdict.NOT_APPLICABLE
        return verdict, f"No {option} was named: {_WITHOUT[need]}."
    value = '["COLUMN"]' if need in LISTS else '"COLUMN"'
    return Verdict.INCONCLUSIVE, f"Nobody said which column is the {need}. Declare `{need} = {value}` under [subject] in mlgov.toml."


def _table(subject: Subject, seen: Look | None) -> Lack | None:
    if seen is None:
        name = subject.roles.table
        return Verdict.INCONCLUSIVE, (
            f"No table `{name}` was kept from a tagged cell. Make `{name}` in one and run it, or declare "
            '`table = "NAME"` under [subject] in mlgov.toml.'
        )
    if seen.problem:
        return Verdict.INCONCLUSIVE, seen.problem
    return (Verdict.INCONCLUSIVE, "The table has no rows, so nothing can be measured.") if seen.rows == 0 else None


def _columns(check: Check, subject: Subject, seen: Look | None) -> Lack | None:
    there = seen.columns if seen else ()
    wanted = [(need, column) for need in (*check.needs, *check.uses) if need in ROLES for column in named(need, subject)]
    for need, column in wanted:
        if column not in there:
            near = difflib.get_close_matches(column, there, n=1, cutoff=0.4)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            shown = ", ".join(there[:12]) + (", …" if len(there) > 12 else "")
            return Verdict.INCONCLUSIVE, f'The table has no column "{column}" (named as {need}).{hint} It has: {shown}.'
    return None
