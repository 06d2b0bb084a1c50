"""Who the authors of a notebook are: one answer for the gate, waivers, findings, dossiers and validators."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.promotion import fold
from jupyter_mlgov.promotion.counting import person


def authors(
    entries: Iterable[AuditEntry], notebook: str, committers: tuple[Actor, ...] = (), origin: str | None = None
) -> tuple[Actor, ...]:
    """Who ran, opened or exported the notebook or the one it was exported from (None: as the log says), and who committed it; each once."""
    entries = tuple(entries)
    origin = fold.origin(entries, notebook) if origin is None else origin
    worked = (*fold.worked_on(entries, notebook), *(fold.worked_on(entries, origin) if origin else ()))
    found = {person(actor.id): actor for actor in reversed((*worked, *committers))}
    return tuple(reversed(found.values()))
