"""All that only PostgreSQL understands: the advisory lock, triggers, error codes, the driver's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from jupyter_mlgov.core.errors import NotReady, StorageProblem, UsageError
from jupyter_mlgov.integrations.sql.filling import runner
from jupyter_mlgov.integrations.sql.tables import metadata, with_nul, without_nul

_AUDIT = "Run `mlgov audit verify`, and restore the database from a copy."
_PAGE = 2000
# Seconds that one deed waits for the same deed elsewhere; a promotion or a delivery takes a few.
_TURN = 300

_REFUSE = "BEGIN RAISE EXCEPTION 'the trail is append-only'; END"
_AT_END = (
    "BEGIN IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM log) THEN "
    "RAISE EXCEPTION 'the trail grows at its end only'; END IF; RETURN NEW; END"
)
# Trigger -> (table, when, function, the function's body).
GUARDS = {
    "log_keeps_rows": ("log", "BEFORE UPDATE OR DELETE ON log FOR EACH ROW", "mlgov_refuse", _REFUSE),
    "log_keeps_all": ("log", "BEFORE TRUNCATE ON log FOR EACH STATEMENT", "mlgov_refuse", _REFUSE),
    "log_grows_at_its_end": ("log", "BEFORE INSERT ON log FOR EACH ROW", "mlgov_at_end", _AT_END),
    "tiles_keep_rows": ("tiles", "BEFORE UPDATE OR DELETE ON tiles FOR EACH ROW", "mlgov_refuse", _REFUSE),
    "tiles_keep_all": ("tiles", "BEFORE TRUNCATE ON tiles FOR EACH STATEMENT", "mlgov_refuse", _REFUSE),
}

# SQLSTATE, or the class it begins with -> what happened, what to do next.
_PROBLEMS = (
    ("55P03", "{place} is locked by another writer; waited {wait:g} s and wrote nothing.", "Try again."),
    ("25006", "{place} takes no writes: it is read-only.", "Connect to the primary server, or as a user who may write."),
    ("42501", "{place} refuses this user.", "Give the user access to schema and tables."),
    ("53100", "{place} cannot grow: its disk is full. Nothing of this act was written.", "Free some space and try again."),
    ("53", "{place} has no room for another connection or more memory: {said}.", "Try again, or raise max_connections."),
    ("28", "{place} does not accept this user or password.", "Check MLGOV_DATABASE_URL."),
    ("3D000", "{place} does not exist.", "Make it with `createdb`, or check MLGOV_DATABASE_URL."),
    ("XX001", "{place} is damaged: PostgreSQL says {said}.", _AUDIT),
    ("XX002", "{place} is damaged: PostgreSQL says {said}.", _AUDIT),
    ("57P", "{place} is shutting down or starting up.", "Try again when it runs."),
    ("08", "{place} cannot be reached: {said}.", "Is the server running? Check MLGOV_DATABASE_URL."),
)


def guards(table: str) -> tuple[str, ...]:
    """The statements that make `table` append-only."""
    mine = {name: guard for name, guard in GUARDS.items() if guard[0] == table}
    functions = {function: body for _, _, function, body in mine.values()}
    made = [f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$" for name, body in functions.items()]
    return (*made, *(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()" for name, (_, when, function, _) in mine.items()))


class PostgresBackend:
    """One schema of a PostgreSQL database. An advisory lock makes the log single-file; every commit is on disk when it is answered."""

    mark = "%s"

    def __init__(self, url: str, *, wait: float) -> None:
        self._url = _checked(url)
        self._wait = wait
        self._place = f"The database {self._url.render_as_string(hide_password=True).replace('+psycopg', '')}"
        self._engine = create_engine(
            self._url,
            connect_args={"connect_timeout": max(2, int(wait))},
            pool_size=4,
            max_overflow=-1,
            pool_pre_ping=False,
            pool_reset_on_return="rollback",
        )
        event.listen(self._engine, "connect", self._prepare)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._sentences(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._sentences(), self._engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('mlgov ' || current_schema()))")
            yield connection

    def scrub(self) -> None:
        """The table is written anew without the deleted rows. The server's own write-ahead log and its archives are the operator's."""
        with self._sentences(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM FULL people")

    @contextmanager
    def adding(self) -> Iterator[_Adding]:
        with self.writing() as connection:
            yield _Adding(connection)

    @contextmanager
    def alone(self, deed: str) -> Iterator[None]:
        """An advisory lock of this schema, held in a transaction of its own: it is gone with the process or the line to it."""
        with ExitStack() as held:
            try:
                connection = held.enter_context(self._engine.connect())
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(_TURN * 1000)}")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s || current_schema()))", (f"mlgov {deed} ",))
            except SQLAlchemyError as error:
                if getattr(getattr(error, "orig", None), "sqlstate", "") == "55P03":
                    what = f"Another process has been busy with the same ({deed}) for {_TURN} s; nothing was done."
                    raise StorageProblem(what, next="Look who it is (pg_locks), and try again.") from None
                raise self.problem(error) from error
            yield

    def release(self) -> None:
        self._engine.dispose()

    def text(self, text: str) -> str:
        return without_nul(text)

    def values(self, row: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return (*row[:4], without_nul(str(row[4])), *row[5:])

    def rows(self, statement: str, after: int, upto: int) -> Iterator[tuple[object, ...]]:
        """Page by page, so that no transaction stays open for long."""
        asked = statement.replace("?", "%s") + f" LIMIT {_PAGE}"
        while after < upto:
            with self.reading() as connection:
                page = connection.exec_driver_sql(asked, (after, upto)).all()
            for row in page:
                texts = [with_nul(one) if at == 3 else one for at, one in enumerate(row[1:])]
                yield (row[0], *(one.encode("utf-8") for one in texts))
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    @property
    def url(self) -> str:
        return self._url.render_as_string(hide_password=False)

    def damage(self, connection: Connection) -> str:
        return "; ".join(_schema_faults(connection))

    def problem(self, error: Exception) -> StorageProblem:
        origin = getattr(error, "orig", None) or error
        code = str(getattr(origin, "sqlstate", "") or ("08" if type(origin).__name__ == "OperationalError" else ""))
        said = " ".join(str(origin).split())[:300]
        for start, what, then in _PROBLEMS:
            if code.startswith(start):
                return StorageProblem(what.format(place=self._place, wait=self._wait, said=said), next=then)
        return StorageProblem(f"{self._place} cannot be used: {said}{f' ({code})' if code else ''}.", next=_AUDIT)

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise self.problem(error) from error

    def _prepare(self, link: Any, _record: object) -> None:
        """What each connection must have, whatever the server's defaults are: durable commits, and an end to waiting."""
        with link.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(self._wait * 1000)}; SET synchronous_commit = on; SET client_encoding = 'UTF8'")
        link.commit()


class _Adding:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._run = runner(connection, "%s")

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return self._run(statement, values)

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self._connection.exec_driver_sql(statement.replace("?", "%s"), [tuple(row) for row in rows])


def _checked(url: str) -> URL:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise UsageError(f"Not a database URL: {url[:20]!r}….", expected="Expected `postgresql://user@host/database`.") from None
    try:
        import psycopg  # noqa: F401 asked for here, so that the sentence below is what a user reads
    except ImportError:
        raise NotReady("PostgreSQL needs psycopg, which is not installed.", next='Run `pip install "jupyter-mlgov[postgres]"`.') from None
    return parts.set(drivername="postgresql+psycopg")


def _schema_faults(connection: Connection) -> Iterator[str]:
    """The guards and columns must be ours, and switched on."""
    found = {
        str(name): (str(table), str(body), str(enabled))
        for name, table, body, enabled in connection.exec_driver_sql(
            "SELECT t.tgname, c.relname, p.prosrc, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
        )
    }
    for name in sorted({*GUARDS, *found}):
        if name not in found:
            yield f"the append-only guard {name!r} was removed"
        elif name not in GUARDS or found[name] != (GUARDS[name][0], GUARDS[name][3], "O"):
            yield f"the append-only guard {name!r} was changed or switched off"
    for table in metadata.sorted_tables:
        wanted = [column.name for column in table.columns]
        columns = connection.exec_driver_sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s "
            "ORDER BY ordinal_position",
            (table.name,),
        ).scalars()
        if list(columns) != wanted:
            yield f"the columns of table {table.name!r} were changed"
