"""What validators may ask about: the table, the roles of its columns, lineage, texts, the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.lineage.facts import Environment, Lineage
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.warehouse import Answer, Warehouse, ask

if TYPE_CHECKING:
    from ibis.expr.types import Table


class Missing(NotReady):
    """What a validator needs is not there, or cannot be used: its verdict is `inconclusive`, with this sentence."""


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
    `lock` maps a normalised distribution name to its pinned version, None where there is no lock file.
    """

    ref: SubjectRef
    roles: Roles
    table_path: Path | None = None
    source: object = None
    lineage: Lineage | None = None
    texts: tuple[Text, ...] = ()
    lock: Mapping[str, str] | None = None
    lock_hashed: bool = False
    tier: int = 1

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
    def label(self) -> str:
        """The column of true outcomes; the outcome where no other is named."""
        return self.roles.label or self.roles.outcome

    @property
    def environment(self) -> Environment | None:
        return self.lineage.session.environment if self.lineage and self.lineage.session else None
