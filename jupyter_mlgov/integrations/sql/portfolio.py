"""The read tables of the portfolio in a database: the ReadTables port (monitoring/portfolio/store.py) over SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.integrations.sql.backend import Adding, Backend
from jupyter_mlgov.integrations.sql.filling import Run, runner
from jupyter_mlgov.integrations.sql.portfolio_rows import SHARED, STATE, Shared, ahead_of, count_row, edges_of, standing_of, state_row
from jupyter_mlgov.integrations.sql.tables import READ, with_nul
from jupyter_mlgov.monitoring.portfolio.facts import Ahead, Count, Standing
from jupyter_mlgov.monitoring.portfolio.folding import RAN, VERSION, WATCHED
from jupyter_mlgov.monitoring.portfolio.store import Asked, Batch, Edges, Lengths, Placed

BLOCK = 1000  # entries between two marks
_PAGE = 500
_COLUMNS = (*STATE, *SHARED, "body")
# The newest state of every model among the first entries of the log. The two values are that point, twice.
_THEN = (
    "portfolio_models m JOIN portfolio_states s ON s.model = m.model AND s.seq = "
    "(SELECT max(x.seq) FROM portfolio_states x WHERE x.model = m.model AND x.seq <= ?) WHERE m.seq <= ?"
)
# A tier that nobody said counts as the gravest: what is unknown is looked at first. Evidence that never was is as old as the model.
_ATTENTION = "(CASE s.tier WHEN 2 THEN 2 WHEN 3 THEN 1 ELSE 3 END) * (? - s.measured)"
_ORDERS = {
    "attention": f"{_ATTENTION} DESC",
    "model": "s.model",
    "tier": "s.tier",
    "stage": "(s.stage = ''), s.stage",
    "verdict": "s.rank",
    "validated": "(s.validated = ''), s.validated",
    "moved": "s.moved",
    "due": "(s.due = ''), s.due",
    "findings": "s.findings DESC",
}
_TURNED = {
    "attention": f"{_ATTENTION} ASC",
    "model": "s.model DESC",
    "tier": "s.tier DESC",
    "stage": "(s.stage = ''), s.stage DESC",
    "verdict": "s.rank DESC",
    "validated": "(s.validated = ''), s.validated DESC",
    "moved": "s.moved DESC",
    "due": "(s.due = ''), s.due DESC",
    "findings": "s.findings ASC",
}
_ONLY = {"": "", "due": " AND s.due <> ''", "findings": " AND s.findings > 0"}
# What belongs to chosen states, in one question. The first value is the point of the log.
_WITH = (
    "SELECT s.model, s.body, a.body, b.body, d.body, "
    "(SELECT w.time FROM portfolio_watched w WHERE w.model = s.model AND w.seq <= ? ORDER BY w.seq DESC LIMIT 1) "
    "FROM {chosen} JOIN portfolio_texts a ON a.digest = s.said JOIN portfolio_texts b ON b.digest = s.data "
    "JOIN portfolio_texts d ON d.digest = s.ahead"
)
_OF = _WITH.replace("{chosen}", "(VALUES {keys}) k JOIN portfolio_states s ON s.model = k.column1 AND s.seq = k.column2")
_WHOLE = _WITH.replace("{chosen}", "({chosen}) c JOIN portfolio_states s ON s.model = c.model AND s.seq = c.seq") + " ORDER BY c.place"


class SqlReadTables:
    """Read tables beside the log, in the same database."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    # -- writing ------------------------------------------------------------------------------------------------------

    def position(self) -> int:
        found = self._ask("SELECT seq, version FROM portfolio_position WHERE id = 1")
        return (_whole(found[0][0]) if found[0][1] == VERSION else -1) if found else 0

    def clear(self) -> None:
        with self._backend.adding() as adding:
            for table in READ:
                adding.run(f"DELETE FROM {table.name}")  # noqa: S608 names of ours

    def write(self, batch: Batch) -> bool:
        with self._backend.adding() as adding:
            found = adding.run("SELECT seq FROM portfolio_position WHERE id = 1")
            if (_whole(found[0][0]) if found else 0) != batch.after:
                return False
            self._states(adding, batch.standings)
            self._counts(adding, batch.counts)
            text = self._backend.text
            looks = "SELECT subject, seq, time FROM log WHERE seq > ? AND seq <= ? AND action = ?"
            adding.run(f"INSERT INTO portfolio_watched (model, seq, time) {looks}", (batch.after, batch.upto, WATCHED))
            _many(
                adding,
                "INSERT INTO portfolio_notebooks (notebook, seq, time) VALUES (?, ?, ?) ON CONFLICT (notebook) DO NOTHING",
                [(text(notebook), seq, time) for notebook, (seq, time) in batch.first.items()],
            )
            _mark(adding.run, batch.after, batch.upto)
            adding.run("DELETE FROM portfolio_position")
            adding.run("INSERT INTO portfolio_position (id, seq, version) VALUES (1, ?, ?)", (batch.upto, VERSION))
        return True

    def _states(self, adding: Adding, standings: Sequence[Standing]) -> None:
        shared, text = Shared(), self._backend.text
        rows: list[tuple[object, ...]] = []
        first: dict[str, int] = {}
        for standing in standings:
            row = dict(zip(_COLUMNS, state_row(standing, shared), strict=True))
            row.update(model=text(standing.model), stage=text(standing.stage), words=text(str(row["words"])))
            rows.append(tuple(row.values()))
            first.setdefault(text(standing.model), standing.seq)
        marks = ", ".join("?" * len(_COLUMNS))
        _many(adding, "INSERT INTO portfolio_models (model, seq) VALUES (?, ?) ON CONFLICT (model) DO NOTHING", list(first.items()))
        texts = list(shared.texts.items())
        _many(adding, "INSERT INTO portfolio_texts (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", texts)
        _many(adding, f"INSERT INTO portfolio_states ({', '.join(_COLUMNS)}) VALUES ({marks})", rows)  # noqa: S608 names of ours

    def _counts(self, adding: Adding, counts: Sequence[Count]) -> None:
        sums: dict[str, tuple[int, int]] = {}
        parts: dict[tuple[str, int], int] = {}
        rows = []
        for count in counts:
            n, good = sums.get(count.figure) or _sums(adding.run, count.figure, count.seq)
            sums[count.figure] = (n + count.n, good + count.good)
            part = parts[count.figure, count.seq] = parts.get((count.figure, count.seq), -1) + 1
            row = count_row(count, part, sums[count.figure])
            rows.append((*row[:3], self._backend.text(count.model), *row[4:]))
        _many(
            adding,
            "INSERT INTO portfolio_counts (figure, seq, part, model, n, good, hours, sum_n, sum_good, entries) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def first_cells(self, after: int, upto: int) -> dict[str, tuple[int, str]]:
        marks = ", ".join("?" * len(RAN))
        asked = f"SELECT subject, min(seq) FROM log WHERE seq > ? AND seq <= ? AND action IN ({marks}) GROUP BY subject"  # noqa: S608 marks alone
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            found = run(asked, (after, upto, *RAN))
            new = [(str(subject), _whole(seq)) for subject, seq in found if not _cell(run, str(subject))]
            return {self._plain(one): (seq, str(run("SELECT time FROM log WHERE seq = ?", (seq,))[0][0])) for one, seq in new}

    # -- reading ------------------------------------------------------------------------------------------------------

    def at(self, moment: datetime) -> int:
        text = stamp(moment)
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            end = _whole((run("SELECT seq FROM portfolio_position WHERE id = 1", ()) or [(0,)])[0][0])
            block = run("SELECT min(seq) FROM portfolio_marks WHERE latest > ?", (text,))[0][0]
            last = run("SELECT max(seq) FROM portfolio_marks", ())[0][0]
            start, stop = (_whole(block) - BLOCK, _whole(block)) if block is not None else (_whole(last), end)
            later = run("SELECT min(seq) FROM log WHERE seq > ? AND seq <= ? AND time > ?", (start, stop, text))[0][0]
        return stop if later is None else _whole(later) - 1

    def first_cell(self, notebook: str) -> tuple[int, str] | None:
        with self._backend.reading() as connection:
            return _cell(runner(connection, self._backend.mark), self._backend.text(notebook))

    def standing(self, model: str, upto: int) -> Standing | None:
        chosen = "SELECT model, seq, seq AS place FROM portfolio_states WHERE model = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
        rows = self._ask(_WHOLE.format(chosen=chosen), [upto, self._backend.text(model), upto])
        return _placed(rows[0]).standing if rows else None

    def page(self, asked: Asked, upto: int) -> tuple[tuple[Placed, ...], int]:
        """First which models, from narrow columns, then what belongs to those alone."""
        words = asked.words.casefold().split()
        where = _ONLY[asked.only] + " AND s.words LIKE ? ESCAPE '!'" * len(words)
        values: list[object] = [upto, upto, *(f"%{self._backend.text(_literal(word))}%" for word in words)]
        order = (_TURNED if asked.descending else _ORDERS)[asked.sort]
        moment = [asked.now.timestamp()] if "?" in order else []
        chosen = f"SELECT s.model, s.seq, count(*) OVER () FROM {_THEN}{where} ORDER BY {order}, s.model LIMIT ? OFFSET ?"  # noqa: S608 words are values
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            keys = run(chosen, [*values, *moment, asked.limit, asked.offset])
            found: dict[object, Placed] = {}
            for start in range(0, len(keys), _PAGE):
                some = keys[start : start + _PAGE]
                rows = run(
                    _OF.format(keys=", ".join(["(?, ?)"] * len(some))), [upto, *(one for model, seq, _ in some for one in (model, seq))]
                )
                found.update((row[0], _placed(row)) for row in rows)
            if keys or not asked.offset:
                return tuple(found[model] for model, _, _ in keys), _whole(keys[0][2]) if keys else 0
            return (), _whole(run(f"SELECT count(*) FROM {_THEN}{where}", values)[0][0])  # noqa: S608 words are values

    def standings(self, upto: int) -> Iterator[Placed]:
        return map(_placed, self._every(upto))

    def _every(self, upto: int) -> Iterator[tuple[object, ...]]:
        """The rows of every model, by name, some hundreds at a time."""
        last: str | None = None
        while True:
            more = "" if last is None else " AND m.model > ?"
            chosen = f"SELECT s.model, s.seq, s.model AS place FROM {_THEN}{more} ORDER BY m.model LIMIT {_PAGE}"  # noqa: S608 numbers of ours
            rows = self._ask(_WHOLE.format(chosen=chosen), [upto, upto, upto, *([] if last is None else [last])])
            yield from rows
            if len(rows) < _PAGE:
                return
            last = str(rows[-1][0])

    def sums(self, figure: str, upto: int) -> tuple[int, int]:
        with self._backend.reading() as connection:
            return _sums(runner(connection, self._backend.mark), figure, upto)

    def lengths(self, figure: str, upto: int) -> Lengths:
        """The median is the mean of the two middle ones where their number is even."""
        chosen = "FROM portfolio_counts WHERE figure = ? AND seq <= ? AND hours IS NOT NULL"
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            n, total, longest = run(f"SELECT count(*), sum(hours), max(hours) {chosen}", (figure, upto))[0]
            number = _whole(n)
            if not number:
                return Lengths(n=0, middle=None, mean=None, longest=None)
            values = (figure, upto, 2 - number % 2, (number - 1) // 2)
            middle = [_real(row[0]) for row in run(f"SELECT hours {chosen} ORDER BY hours LIMIT ? OFFSET ?", values)]
        return Lengths(n=number, middle=sum(middle) / len(middle), mean=_real(total) / number, longest=_real(longest))

    def counts(self, figure: str, upto: int, offset: int, limit: int) -> tuple[tuple[Count, ...], int]:
        chosen = "FROM portfolio_counts WHERE figure = ? AND seq <= ?"
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            total = _whole(run(f"SELECT count(*) {chosen}", (figure, upto))[0][0])
            columns = "SELECT model, seq, n, good, hours, entries "
            rows = run(f"{columns}{chosen} ORDER BY seq DESC, part DESC LIMIT ? OFFSET ?", (figure, upto, limit, offset))
        return tuple(self._count(figure, row) for row in rows), total

    def ahead(self, upto: int) -> tuple[tuple[tuple[Ahead, ...], tuple[str, ...]], ...]:
        found: dict[str, list[str]] = {}
        with self._backend.reading() as connection:
            run = runner(connection, self._backend.mark)
            chosen = f"SELECT s.ahead, s.model FROM {_THEN} ORDER BY s.model"  # noqa: S608 a constant
            for digest, model in run(chosen, (upto, upto)):
                found.setdefault(str(digest), []).append(self._plain(str(model)))
            return tuple((ahead_of(_shared(run, digest)), tuple(models)) for digest, models in sorted(found.items()))

    def validated(self, upto: int) -> int:
        return _whole(self._ask(f"SELECT count(*) FROM {_THEN} AND s.validated <> ''", (upto, upto))[0][0])  # noqa: S608 a constant

    def edges(self, upto: int) -> Iterator[Edges]:
        for row in self._every(upto):
            yield edges_of(self._plain(str(row[0])), *map(str, row[1:4]))

    def _count(self, figure: str, row: tuple[object, ...]) -> Count:
        model, seq, n, good, hours, entries = row
        return Count(
            figure=figure,
            model=self._plain(str(model)),
            seq=_whole(seq),
            n=_whole(n),
            good=_whole(good),
            hours=None if hours is None else _real(hours),
            entries=tuple(json.loads(str(entries))),
        )

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._backend.reading() as connection:
            return runner(connection, self._backend.mark)(statement, values)

    def _plain(self, text: str) -> str:
        return text if self._backend.mark == "?" else with_nul(text)


def _many(adding: Adding, statement: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        adding.many(statement, rows)


def _mark(run: Run, after: int, upto: int) -> None:
    """A mark at every whole BLOCK in (after, upto], each no earlier than the one before."""
    for stop in range((after // BLOCK + 1) * BLOCK, upto + 1, BLOCK):
        before = run("SELECT latest FROM portfolio_marks WHERE seq = ?", (stop - BLOCK,))
        here = str(run("SELECT max(time) FROM log WHERE seq > ? AND seq <= ?", (stop - BLOCK, stop))[0][0])
        latest = max(here, str(before[0][0]) if before else "")
        run("INSERT INTO portfolio_marks (seq, latest) VALUES (?, ?)", (stop, latest))


def _cell(run: Run, notebook: str) -> tuple[int, str] | None:
    found = run("SELECT seq, time FROM portfolio_notebooks WHERE notebook = ?", (notebook,))
    return (_whole(found[0][0]), str(found[0][1])) if found else None


def _sums(run: Run, figure: str, upto: int) -> tuple[int, int]:
    asked = "SELECT sum_n, sum_good FROM portfolio_counts WHERE figure = ? AND seq <= ? ORDER BY seq DESC, part DESC LIMIT 1"
    found = run(asked, (figure, upto))
    return (_whole(found[0][0]), _whole(found[0][1])) if found else (0, 0)


def _placed(row: tuple[object, ...]) -> Placed:
    _, body, said, data, ahead, looked = row
    return Placed(standing=standing_of(str(body), str(said), str(data), str(ahead)), watched=str(looked or ""))


def _shared(run: Run, digest: str) -> str:
    return str(run("SELECT body FROM portfolio_texts WHERE digest = ?", (digest,))[0][0])


def _literal(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _real(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
