"""How standings and counts lie in the read tables: narrow columns to sort and search by, and the rest as JSON that many rows share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.restoring import restore
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.monitoring.portfolio.facts import Ahead, Count, Standing

STATE = ("model", "seq", "moved", "tier", "stage", "rank", "validated", "measured", "due", "findings", "words")
SHARED = ("said", "data", "ahead")
_RANKS: Mapping[str, int] = {verdict.value: verdict.rank for verdict in Verdict}
_UNKNOWN = 99  # after every verdict; a tier nobody said also comes last


class Shared:
    """Texts by their digests, each written once a batch."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def put(self, value: object) -> str:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        digest = str(Digest.of_text(text))
        self.texts[digest] = text
        return digest


def state_row(standing: Standing, shared: Shared) -> tuple[object, ...]:
    """The values of STATE, SHARED and `body`."""
    fields = fields_of(standing)
    said = shared.put({"team": fields.pop("team"), "imported": fields.pop("imported")})
    data, ahead = shared.put(fields.pop("data")), shared.put(fields.pop("ahead"))
    words = f"{standing.model} {standing.notebook} {standing.stage} {standing.verdict}".casefold()
    return (
        standing.model,
        standing.seq,
        standing.moved,
        standing.tier or _UNKNOWN,
        standing.stage,
        _RANKS.get(standing.verdict, _UNKNOWN),
        standing.validated,
        epoch(standing.validated or standing.first),
        standing.due or ("unknown" if standing.reviews else ""),
        len(standing.findings),
        words,
        said,
        data,
        ahead,
        json.dumps(fields, sort_keys=True, separators=(",", ":")),
    )


def standing_of(body: str, said: str, data: str, ahead: str) -> Standing:
    """The way back. Raises Unreadable for a row of another make."""
    fields: dict[str, Any] = {**json.loads(body), **json.loads(said), "data": json.loads(data), "ahead": json.loads(ahead)}
    found: Standing = restore(Standing, fields, "state")
    return found


def ahead_of(text: str) -> tuple[Ahead, ...]:
    """The demands of controls to come in a shared text."""
    found: tuple[Ahead, ...] = restore(tuple[Ahead, ...], json.loads(text), "ahead")
    return found


def count_row(count: Count, part: int, sums: tuple[int, int]) -> tuple[object, ...]:
    """The values of a row of `portfolio_counts`."""
    head = (count.figure, count.seq, part, count.model, count.n, count.good, count.hours)
    return (*head, *sums, json.dumps(list(count.entries), separators=(",", ":")))


def epoch(moment: str) -> float:
    """Seconds since 1970 of a stamp."""
    return datetime.fromisoformat(moment).timestamp()
