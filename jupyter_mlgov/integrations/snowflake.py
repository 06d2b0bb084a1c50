"""The door to Snowflake: every statement a cell ran, by its query id.

Recorded from the connector; tested on fakesnow, not proven against a live Snowflake.

The query id is what Time Travel takes (`AT(STATEMENT => 'ID')`); the moment stands beside it for `AT(TIMESTAMP => …)`.
The text of a statement may hold personal values, so only its digest is kept, and the names of the tables in it.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.sources import note, watch

MODULES = ("snowflake.connector.cursor", "fakesnow.cursor")
_CURSORS = ("SnowflakeCursor", "DictCursor", "FakeSnowflakeCursor")
_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*|//[^\n]*", re.DOTALL)
_READS = frozenset({"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "LIST", "LS", "CALL", "TABLE", "("})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "CREATE", "PUT", "TRUNCATE", "DROP", "ALTER", "UNDROP"})
# Statements about the connection itself, which are no data.
_SESSION = re.compile(r"\s*(alter|create)\s+(or\s+replace\s+)?(session|warehouse|user|role)\b", re.IGNORECASE)
MOST_TABLES = 50


def observe(module: ModuleType) -> None:
    """Watch the cursors of the connector, or of fakesnow in its place. Asking twice changes nothing.

    In a second run (MLGOV_SNOWFLAKE_AT names its plan) they ask as of then.
    """
    plan = os.environ.get(PLAN)
    if plan:
        travelling(module, json.loads(Path(plan).read_text("utf-8")))
    for name in _CURSORS:
        cursor = getattr(module, name, None)
        if isinstance(cursor, type):
            watch(cursor, "execute", _after)


def _after(args: tuple[Any, ...], more: Mapping[str, Any], _: object) -> None:
    cursor, text = args[0], str(args[1] if len(args) > 1 else more.get("command", ""))
    kind = first_word(text)
    if kind not in _READS | _WRITES or _SESSION.match(_bare(text)) or more.get("_is_internal"):
        return
    query, moment = str(getattr(cursor, "sfqid", "") or ""), datetime.now(UTC)
    note(f"snowflake {query or id(cursor)}", lambda: reference(cursor, text, query, moment), writes=kind in _WRITES)


def first_word(text: str) -> str:
    """`SELECT` for `/* x */ select …`; comments, brackets and white space before it are passed over."""
    found = re.match(r"[\s(]*(\w+)", _bare(text))
    return found[1].upper() if found else ""


def _bare(text: str) -> str:
    return _COMMENTS.sub(" ", text)


def reference(cursor: Any, text: str, query: str, moment: datetime) -> SourceRef:
    """The statement `query` (its id), which ended at `moment` (UTC, by this machine's clock). Database and schema are the connection's."""
    connection = getattr(cursor, "connection", None) or getattr(cursor, "_conn", None)
    place = ".".join(str(part) for part in (getattr(connection, "database", None), getattr(connection, "schema", None)) if part)
    tables = tables_of(text)
    facts: dict[str, str | int | float | bool] = {"sql": Digest.of_text(text), "time": stamp(moment), "schema": place}
    account = getattr(connection, "account", None)
    if account:
        facts["account"] = str(account)
    if tables:
        facts["tables"] = ", ".join(tables[:MOST_TABLES])
    rows = getattr(cursor, "rowcount", None)
    if isinstance(rows, int) and rows >= 0:
        facts["rows"] = rows
    name = facts["tables"] if tables else "query"
    return SourceRef(system="snowflake", name=str(name), version=query, digest=Digest.of_text(text), facts=facts)


def tables_of(text: str) -> list[str]:
    """The tables a statement names, as they are written in it, sorted; empty where sqlglot cannot read it."""
    import logging

    import sqlglot
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of syntax it passes on as it is
    try:
        parsed = [item for item in sqlglot.parse(text, dialect="snowflake") if item is not None]
    except sqlglot.errors.SqlglotError:
        return []
    aliases = {item.alias for tree in parsed for item in tree.find_all(exp.CTE)}
    names = {".".join(part.name for part in table.parts) for tree in parsed for table in tree.find_all(exp.Table)}
    return sorted(name for name in names if name and name not in aliases)


# -- as of then -------------------------------------------------------------------------------------------------------

STATEMENT_DAYS = 14  # Snowflake takes a query id as a moment for so long; after that only the time
PLAN = "MLGOV_SNOWFLAKE_AT"


def time_travel(ref: SourceRef, now: datetime) -> str:
    """The clause that reads a table as the recorded statement saw it: `AT(STATEMENT => …)`, after 14 days `AT(TIMESTAMP => …)`.

    Raises NotReady for a reference whose id or time is none: nothing of it goes into SQL unread.
    """
    try:
        moment = datetime.fromisoformat(str(ref.facts.get("time", "")))
    except ValueError:
        moment = None
    if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", ref.version) or moment is None or moment.tzinfo is None:
        raise NotReady(f"{ref.version[:80]!r} is no Snowflake query id with a time.", next="Read the tables from files of the workspace.")
    if now - moment < timedelta(days=STATEMENT_DAYS):
        return f"AT(STATEMENT => '{ref.version}')"
    return f"AT(TIMESTAMP => '{stamp(moment)}'::TIMESTAMP_TZ)"


def as_of(text: str, clause: str) -> str:
    """The statement with `clause` behind each table it reads; no other character of it is changed.

    Raises NotReady for what cannot be asked as of then: a stage, a result that is scanned again, a clause of its own, or a statement
    that sqlglot cannot read.
    """
    import sqlglot
    from sqlglot import exp

    try:
        trees = [tree for tree in sqlglot.parse(text, dialect="snowflake") if tree is not None]
    except sqlglot.errors.SqlglotError:
        trees = []
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _no_travel("it is not one query that can be read")
    made = {item.alias for item in trees[0].find_all(exp.CTE)}
    ends = []
    for table in trees[0].find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or "end" not in table.this.meta:
            raise _no_travel("it reads a stage or a function")
        if table.args.get("when") is not None:
            raise _no_travel("it names a moment of its own")
        if table.name not in made or table.db:
            ends.append(int(table.this.meta["end"]) + 1)
    if "RESULT_SCAN" in text.upper():
        raise _no_travel("it scans the result of another statement")
    for end in sorted(ends, reverse=True):
        text = f"{text[:end]} {clause}{text[end:]}"
    return text


def _no_travel(why: str) -> NotReady:
    return NotReady(f"A statement cannot be asked as of then: {why}.", next="Read its tables from files of the workspace.")


def travelling(module: ModuleType, plan: Mapping[str, str]) -> None:
    """From now on cursors of `module` ask each statement in `plan` (digest of its text: clause) as of then, and refuse any other read.

    For a second run: a statement that was not recorded would read today's data, and nobody would see it.
    """
    for name in _CURSORS:
        cursor: Any = getattr(module, name, None)
        if isinstance(cursor, type) and not hasattr(cursor.execute, "__mlgov_travels__"):  # type: ignore[attr-defined] # a cursor class
            setattr(cursor, "execute", _as_planned(cursor.execute, plan))  # type: ignore[attr-defined] # noqa: B010 # a class of theirs


def _as_planned(original: Callable[..., Any], plan: Mapping[str, str]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execute(self: Any, command: Any = None, *args: Any, **more: Any) -> Any:
        text = str(command)
        kind = first_word(text)
        if more.get("_is_internal") or _SESSION.match(_bare(text)) or kind not in _READS | _WRITES:
            return original(self, command, *args, **more)
        if kind in _WRITES:
            raise NotReady(f"A second run does not write into Snowflake ({kind}).", next="Keep what is written as files of the workspace.")
        clause = plan.get(Digest.of_text(text))
        if clause is None:
            raise NotReady(
                f"This statement ({kind}) was not recorded, so it would read today's data.", next="Run the notebook again, then reproduce."
            )
        return original(self, as_of(text, clause), *args, **more)

    setattr(execute, "__mlgov_travels__", True)  # noqa: B010 # functions take attributes, and mypy knows of none
    return execute
