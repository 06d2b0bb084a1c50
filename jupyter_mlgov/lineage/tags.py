"""The grammar of step tags (docs/formats/tags.md): `mlgov:KIND` or `mlgov:KIND:NAME`. Tags of others are left alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.facts import KINDS, Step
from jupyter_mlgov.lineage.kale import kale_step

PREFIX = "mlgov:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BadTag(BadInput):
    """A tag that begins with `mlgov:` and then breaks the grammar."""


def parse_tag(text: str, where: str = "") -> Step | None:
    """The step a tag names; None for a tag that is not ours. `str(parse_tag(tag)) == tag`.

    `where` (for instance `cell [4]`) begins the sentence of BadTag.
    """
    if not text.startswith(PREFIX):
        _refuse_near_miss(text, where)
        return None
    kind, colon, name = text.removeprefix(PREFIX).partition(":")
    if kind not in KINDS:
        raise _bad(text, where, _nearest(kind))
    if colon and not _NAME.fullmatch(name):
        raise _bad(text, where, f"After `mlgov:{kind}:` comes a name of letters, digits, `.`, `_` or `-`, 64 at most.")
    return Step(kind=kind, name=name)


def step_of(tags: Iterable[str], where: str = "") -> Step | None:
    """The one step among a cell's tags; where none is ours, the one that Kale's tags name.

    Raises BadTag for a wrong grammar, or when two tags name different steps.
    """
    tags = tuple(tags)
    steps = list(dict.fromkeys(filter(None, (parse_tag(tag, where) for tag in tags))))
    if len(steps) > 1:
        both = f"`{steps[0]}` and `{steps[1]}`"
        raise BadTag(f"{_place(where)} has two step tags: {both}.", expected="A cell is one step.", next="Take one of the tags away.")
    return steps[0] if steps else kale_step(tags)


def _refuse_near_miss(text: str, where: str) -> None:
    """`MLGOV:train`, `mlgov : train` and `mlgov` alone are meant for us; silence would lose the step."""
    head, colon, _ = text.partition(":")
    if head.strip().lower() == "mlgov" and (colon or head == text):
        raise _bad(text, where, "The tag begins with `mlgov:` in small letters, without blanks.")


def _nearest(kind: str) -> str:
    found = difflib.get_close_matches(kind.strip().lower(), KINDS, n=1, cutoff=0.5)
    return f"Did you mean `mlgov:{found[0]}`?" if found else ""


def _bad(text: str, where: str, hint: str) -> BadTag:
    shown = ascii(text[:80])[1:-1]
    expected = f"Expected `mlgov:KIND` or `mlgov:KIND:NAME` with one of the kinds {', '.join(KINDS)}."
    what = f'{_place(where)} has the tag "{shown}", which is not in the grammar of steps.'
    return BadTag(what, expected=" ".join(filter(None, (hint, expected))), next="Mend the tag and run the cell again.")


def _place(where: str) -> str:
    return where[:1].upper() + where[1:] if where else "A cell"
