"""The door to Snowflake: every statement a cell ran, by its query id.

Recorded from the connector; tested on fakesnow, not proven against a live Snowflake.

The query id is what Time Travel takes (`AT(STATEMENT => 'ID')`); the moment stands beside it for `AT(TIMESTAMP => …)`.
The text of a statement may hold personal values, so only its digest is kept, and the names of the tables in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
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
    """Watch the cursors of the connector, or of fakesnow in its place. Asking twice changes nothing."""
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


def time_travel(ref: SourceRef, table: str) -> str:
    """SQL that reads `table` as the recorded statement saw it. `table` is put in as a quoted identifier; the id is checked to be one."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", ref.version):
        raise ValueError(f"{ref.version[:80]!r} is no Snowflake query id.")
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
    return f"SELECT * FROM {quoted} AT(STATEMENT => '{ref.version}')"  # noqa: S608 # both parts are checked or quoted just above
