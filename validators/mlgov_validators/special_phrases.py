"""Special categories said of a person in running text: `religion: catholic`, `diagnosis F32.1`. In outputs, source, file names, notes.

A word for the category alone (`religion`) says nothing about anybody, and neither does a comparison in code (`race == "black"`): a
phrase is the word and a value beside it. The patterns are in the syntax Python and RE2 share, without flags, so that the data's own
engine can count them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlgov_validators.kinds import either_case
from mlgov_validators.special_words import VALUES

# Words that stand before a value, in English, German, French, Spanish, Italian, Dutch.
_BEFORE = {
    "racial or ethnic origin": "race|ethnicity|ethnic origin|ethnic group|ethnie|etnia|herkunft|skin colou?r|raza|razza",
    "religious or philosophical beliefs": "religion|religi[oó]n|religione|faith|konfession|kirchensteuer|denomination|beliefs?",
    "political opinions": "party|political party|politics|party membership|partei|parti politique|partido|partito",
    "sex life or sexual orientation": "sexual orientation|sexuality|orientation sexuelle|sexuelle orientierung|orientaci[oó]n sexual",
}
_CODE = "[A-TV-Z][0-9][0-9]([.][0-9A-Z]{1,4})?"
_SICK = "diagnos(is|e|es)|diagnostic|icd( ?-?10| ?-?9)?|krankheit|maladie|enfermedad|malattia|ziekte|disease"
_MORE = {
    "health": [
        f"({either_case(_SICK)})[\"']?( code)?[ :=#]{{1,3}}[\"']?{_CODE}",
        either_case("(hiv|hepatitis c)[ -]?(positive|positiv)"),
        either_case("(diagnosed with|suffers from|leidet an|erkrankt an) ") + "[A-Za-zÀ-ž]{4}",
    ],
    "criminal convictions": [
        either_case("(convicted of|previously convicted|criminal record ?[:=] ?[\"']?(yes|true|1)|vorbestraft wegen|condenado por)"),
    ],
    "trade union membership": [
        either_case("(trade union|union|gewerkschaft|syndicat)( ?member(ship)?)?[\"']?( ?[:=] ?)[\"']?(yes|true|1|ver.?di|ig metall|cgt)")
    ],
}


def _phrases() -> dict[str, str]:
    made = {category: list(patterns) for category, patterns in _MORE.items()}
    for category, before in _BEFORE.items():
        values = "|".join(sorted((re.escape(value).replace("\\ ", " ") for value in VALUES[category]), key=len, reverse=True))
        made.setdefault(category, []).append(f"({either_case(before)})[\"']?( ?: ?| ?= ?)[\"']?({either_case(values)})")
    edge = "(^|[^A-Za-zÀ-ž])", "($|[^A-Za-zÀ-ž])"
    return {category: f"{edge[0]}({'|'.join(patterns)})" + (edge[1] if category in _BEFORE else "") for category, patterns in made.items()}


PHRASES: Mapping[str, str] = _phrases()
_COMPILED = {category: re.compile(pattern) for category, pattern in PHRASES.items()}


def said(text: str) -> list[tuple[str, int]]:
    """(category, where it starts) of each phrase in `text`, in order of place."""
    found = [(match.start(2), category) for category, pattern in _COMPILED.items() for match in pattern.finditer(text)]
    return [(category, start) for start, category in sorted(found)]
