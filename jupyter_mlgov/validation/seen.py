"""The subject as one validator may see it: only what it declared, so that equal parts must give an equal answer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from jupyter_mlgov.lineage.facts import Environment
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.needs import ROLES, named
from jupyter_mlgov.validation.subjects import Subject

if TYPE_CHECKING:
    from ibis.expr.types import Table

# Field of Subject -> the needs that open it. What is not named here is small and open to all (roles, tier, scope, ref).
OPENED_BY = {
    "table_path": ("table", *ROLES),
    "source": ("table", *ROLES),
    "lineage": ("lineage",),
    "hidden": ("hidden",),
    "texts": ("texts",),
    "lock": ("lock",),
    "lock_hashed": ("lock",),
    "lock_unhashed": ("lock",),
    "forms": ("forms",),
    "records": ("records",),
    "chain": ("chain",),
    "register": ("register",),
    "reference_path": ("reference",),
    "reference_source": ("reference",),
    "split_paths": ("splits",),
    "predict": ("predict",),
    "folder": ("files",),
}


class Undeclared(LookupError):
    """A validator reached for what it did not declare: its answer could not be known to hold, so there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSubject(Subject):
    """A Subject of which only `granted` is open. Reaching for anything else is an `error` that says what to declare."""

    granted: frozenset[str] = frozenset()
    check: str = ""

    def __getattribute__(self, name: str) -> object:
        asked = OPENED_BY.get(name)
        if asked and not object.__getattribute__(self, "granted").intersection(asked):
            who = object.__getattribute__(self, "check")
            raise Undeclared(f"{who} reads `{name}` and declares none of {', '.join(asked[:3])} in needs= or uses=.")
        return object.__getattribute__(self, name)

    @property
    def environment(self) -> Environment | None:
        whole = object.__getattribute__(self, "lineage")
        return whole.session.environment if whole and whole.session else None

    def columns(self, *names: str) -> Table:
        """The declared columns alone, where the validator declared roles and not the whole table."""
        if "table" in self.granted:
            return Subject.columns(self, *names)
        mine = tuple(dict.fromkeys(column for need in ROLES if need in self.granted for column in named(need, self)))
        if outside := [name for name in names if name not in mine]:
            raise Undeclared(f"{self.check} reads the column {outside[0]} and declares neither its role nor `table`.")
        return Subject.columns(self, *(names or mine))


def seen_by(subject: Subject, check: Check) -> SeenSubject:
    """`subject` with what `check` declared in `needs` and `uses`."""
    values = {one.name: object.__getattribute__(subject, one.name) for one in fields(Subject)}
    return SeenSubject(**values, granted=frozenset((*check.needs, *check.uses)), check=check.id)


__all__ = ["OPENED_BY", "SeenSubject", "Undeclared", "seen_by"]
