"""How standings and counts lie in the read tables: narrow columns to sort and search by, and the rest as JSON that many rows share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.restoring import restore
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.monitoring.portfolio.facts import Ahead, Count, Standing, graded
from jupyter_mlgov.monitoring.portfolio.store import Edges

STATE = ("model", "seq", "moved", "tier", "stage", "rank", "validated", "measured", "due", "findings", "words")
SHARED = ("said", "data", "ahead")
_RANKS: Mapping[str, int] = {verdict.value: verdict.rank for verdict in Verdict}
_OWN = tuple(one.name for one in fields(Standing) if one.name not in ("team", "imported", "data", "ahead"))
_UNKNOWN = 99  # after every verdict; a tier nobody said also comes last


class Shared:
    """Texts by their digests, each written once a batch. One object is written out once: a model's states mostly share theirs."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._known: dict[tuple[int, ...], tuple[str, tuple[object, ...]]] = {}

    def put(self, *values: object) -> str:
        """The digest of one value's text, or of a list of several. What was seen is held, so that no other object takes its place."""
        key = tuple(map(id, values))
        if key not in self._known:
            text = _text(values[0] if len(values) == 1 else list(values))
            digest = str(Digest.of_text(text))
            self.texts[digest] = text
            self._known[key] = (digest, values)
        return self._known[key][0]


def state_row(standing: Standing, shared: Shared) -> tuple[object, ...]:
    """The values of STATE, SHARED and `body`."""
    said = shared.put(standing.team, standing.imported)
    data, ahead = shared.put(standing.data), shared.put(standing.ahead)
    words = f"{standing.model} {standing.notebook} {standing.stage} {standing.verdict}".casefold()
    return (
        standing.model,
        standing.seq,
        standing.moved,
        standing.grade or _UNKNOWN,
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
        _text({name: getattr(standing, name) for name in _OWN}),
    )


def standing_of(body: str, said: str, data: str, ahead: str) -> Standing:
    """The way back. Raises Unreadable for a row of another make."""
    team, imported = json.loads(said)
    whole: dict[str, Any] = {**json.loads(body), "team": team, "imported": imported, "data": json.loads(data), "ahead": json.loads(ahead)}
    found: Standing = restore(Standing, whole, "state")
    return found


def edges_of(model: str, body: str, said: str, data: str) -> Edges:
    """What a model rests on, from the same texts: of ten thousand models only this much is made."""
    own, (team, imported) = json.loads(body), json.loads(said)
    named = team.get("dependencies")
    return Edges(
        model=model,
        tier=graded(own["tier"], imported),
        model_digest=own["model_digest"],
        data=json.loads(data),
        dependencies=named if isinstance(named, dict) else {},
    )


def ahead_of(text: str) -> tuple[Ahead, ...]:
    """The demands of controls to come in a shared text."""
    found: tuple[Ahead, ...] = restore(tuple[Ahead, ...], json.loads(text), "ahead")
    return found


def count_row(count: Count, part: int, sums: tuple[int, int]) -> tuple[object, ...]:
    """The values of a row of `portfolio_counts`."""
    head = (count.figure, count.seq, part, count.model, count.n, count.good, count.hours)
    return (*head, *sums, json.dumps(list(count.entries), separators=(",", ":")))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=fields_of)


def epoch(moment: str) -> float:
    """Seconds since 1970 of a stamp."""
    return datetime.fromisoformat(moment).timestamp()
