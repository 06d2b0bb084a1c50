"""What validators may ask about: tables and the roles of their columns, lineage, texts, the lock, answers, records, the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.team import Roles, Scope
from jupyter_mlgov.lineage.facts import Environment, Lineage
from jupyter_mlgov.lineage.staleness import HiddenState
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.records import Chain, Form, Records
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.warehouse import Answer, Warehouse, ask

if TYPE_CHECKING:
    import numpy as np
    from ibis.expr.types import Table
    from numpy.typing import NDArray


class Missing(NotReady):
    """What a validator needs is not there, or cannot be used: its verdict is `inconclusive`, with this sentence."""


class Unanswered(Missing):
    """What people must say first was not said (a form, a table of mlgov.toml): the demand stays unchecked, with this sentence."""


# A pyarrow table of the features in, one score a row out, higher meaning favourable, as `score` in mlgov.toml.
Predict = Callable[[object], "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A piece of text that people can read: a cell's source, an output, a file. `where` is for the reader.

    `kind` is `code`, `markdown`, `raw`, `output` or `file` (empty where nobody said), `path` the file it stands in, `cell` the number of
    its cell from 1 (0 for no notebook). Line 1 of `content` is line `line` of that cell or file.
    """

    where: str
    content: str
    kind: str = ""
    path: str = ""
    cell: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything validators may ask. `ref` stands in the report; the rest is how to look at what `ref` names.

    `source` is a table that is no file: a frame, an Arrow or Ibis table, a Warehouse; it is looked at where both it and `table_path` are.
    `hidden` is what the session holds that a run of the saved notebook from the top would not give; None where nobody could tell.
    `lock` maps a normalised distribution name to its pinned version, None where there is no lock file; `lock_unhashed` are those pinned
    without a hash.
    `forms` are the answers people gave, `records` what the trail tells, `chain` whether it is whole,
    `register` the team file's own tables (`[inventory]`, …),
    `reference_path` and `split_paths` other kept tables, `reference_source` a reference that is no file (as `source`),
    `predict` the model itself, loaded without unpickling.
    `folder` is where the paths of mlgov.toml and of the record begin.
    """

    ref: SubjectRef
    roles: Roles
    table_path: Path | None = None
    source: object = None
    lineage: Lineage | None = None
    hidden: HiddenState | None = None
    texts: tuple[Text, ...] = ()
    lock: Mapping[str, str] | None = None
    lock_hashed: bool = False
    lock_unhashed: tuple[str, ...] = ()
    tier: int = 1
    scope: Scope = field(default_factory=Scope)
    forms: tuple[Form, ...] = ()
    records: Records | None = None
    chain: Chain | None = None
    register: Mapping[str, Mapping[str, object]] | None = None
    reference_path: Path | None = None
    reference_source: object = None
    split_paths: Mapping[str, Path] = field(default_factory=dict)
    predict: Predict | None = None
    folder: Path | None = None

    @property
    def is_table(self) -> bool:
        """A bare table (`mlgov validate --data`): there is no notebook, no model and no record behind it."""
        return self.ref.kind == "table"

    @property
    def table(self) -> Table:
        """The subject's table as an Ibis expression, opened anew at each call. Raises Missing where none was stored."""
        return self.columns()

    @property
    def has_table(self) -> bool:
        return self.source is not None or self.table_path is not None

    @property
    def local(self) -> bool:
        """Is the table read here, on DuckDB? Elsewhere a row should stay where it is, and only counts of equal rows should travel."""
        return not isinstance(self.source, Warehouse) and self.table.get_backend().name == "duckdb"

    def columns(self, *names: str) -> Table:
        """The table with these columns alone (all, where none is named): of a frame in memory, no other is touched."""
        source = self.table_path if self.source is None else self.source
        if source is None:
            raise Missing(f"No table `{self.roles.table}` was recorded.", next=f"Make `{self.roles.table}` in a tagged cell and run it.")
        return open_table(source, tuple(dict.fromkeys(names)))

    def ask(self, question: Table) -> Answer:
        """Run an expression over `table` where the data live; the answer carries the SQL text, which is part of the evidence."""
        return self.source.ask(question) if isinstance(self.source, Warehouse) else ask(question)

    @property
    def reference(self) -> Table:
        """The table to compare with (the data the model was built on). Raises Missing where none was kept."""
        source = self.reference_path if self.reference_source is None else self.reference_source
        if source is None:
            raise Missing(
                "No reference table was kept.", next='Declare `reference = "NAME"` under [subject] in mlgov.toml, and run its cell.'
            )
        return open_table(source)

    @property
    def has_reference(self) -> bool:
        return self.reference_path is not None or self.reference_source is not None

    def ask_reference(self, question: Table) -> Answer:
        """As ask(), of an expression over `reference`."""
        return self.reference_source.ask(question) if isinstance(self.reference_source, Warehouse) else ask(question)

    @property
    def one_engine(self) -> bool:
        """Do table and reference live in one engine elsewhere, so that one question can be about both?"""
        one, other = self.source, self.reference_source
        if isinstance(one, Warehouse) or isinstance(other, Warehouse):
            return isinstance(one, Warehouse) and isinstance(other, Warehouse) and (one.run, one.dialect) == (other.run, other.dialect)
        return other is not None and not self.local and self.reference.get_backend() is self.table.get_backend()

    def split(self, name: Literal["train", "test"]) -> Table:
        """The rows the model learned from, or those it was tried on. Raises Missing where the table was not kept."""
        if name not in self.split_paths:
            raise Missing(f"No {name} table was kept.", next=f'Declare `{name} = "NAME"` under [subject] in mlgov.toml, and run its cell.')
        return open_table(self.split_paths[name])

    def declared(self, section: str) -> Mapping[str, object]:
        """A table of mlgov.toml that only validators read, as `[monitoring]`. Raises Unanswered where the team wrote none."""
        found = (self.register or {}).get(section)
        if not found:
            raise Unanswered(f"mlgov.toml has no [{section}].", next=f"Write it: docs/users/team-file.md shows [{section}].")
        return found

    def form(self, control: str) -> Form | None:
        """The newest answers to a control's questions about this very model; None where nobody answered."""
        found = [form for form in self.forms if form.control == control and form.model == self.ref.model]
        return max(found, key=lambda form: form.time, default=None)

    @property
    def label(self) -> str:
        """The column of true outcomes; the outcome where no other is named."""
        return self.roles.label or self.roles.outcome

    @property
    def environment(self) -> Environment | None:
        return self.lineage.session.environment if self.lineage and self.lineage.session else None
