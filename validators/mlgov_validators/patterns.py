"""Finds personal data in a text: every kind, the surest first. A value that is found is never shown, only masked.

Each kind has a `core` in the syntax that Python and RE2 share, without look-around. Python adds the borders and the check; the data's
own engine gets quicker, weaker patterns (`sieve`). So whatever hits() accepts, the sieve lets through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, reduce
from typing import TYPE_CHECKING

from mlgov_validators.contacts import ADDRESS, BARE_TELEPHONE, BIRTH, CARD, EMAIL, IBAN, IPV4, IPV6, SSN, TELEPHONE, VIN
from mlgov_validators.kinds import Hit, Kind, mask
from mlgov_validators.names import NAMED, PERSON
from mlgov_validators.national import NATIONAL
from mlgov_validators.tokens import TOKENS

if TYPE_CHECKING:
    import pyarrow as pa

_BETWEEN = re.compile(r"[\s_]?(?:no|nr|num|number|numero|número|nummer|id|code|ref|#|n°)?[\s:=.#_\"'-]{0,4}", re.IGNORECASE)
NEAR = 48  # characters before a value in which a word of its context may stand

# The surest first: where two overlap, the earlier one has it.
KINDS = (*TOKENS, EMAIL, IBAN, CARD, SSN, *NATIONAL, VIN, IPV4, IPV6, TELEPHONE, BARE_TELEPHONE, ADDRESS, BIRTH, NAMED, PERSON)


# Any of the rows, all patterns of the row: a text that is in none of them holds nothing. Engines are quick with a few alternations of
# one sort each; all of them in one makes an automaton that no longer fits its memory (RE2: 40 times slower).
Sieve = tuple[tuple[str, ...], ...]


@cache
def sieve(wanted: tuple[Kind, ...] = KINDS, column: str = "") -> Sieve:
    """What the data's own engine can say of a text: what hits() accepts, or a value alone, passes. Plain groups, for engines without `(?:`.

    `column` is the name the text stands under: kinds that it says need no word of their context beside them.
    """
    told = [kind for kind in wanted if kind.context and not named(kind, column)]
    people = [kind for kind in (NAMED, PERSON) if kind in wanted]
    numbers = [kind for kind in wanted if kind not in told and kind.digits >= 6]
    others = [kind for kind in wanted if kind not in (*told, *people, *numbers)]
    rows = (
        (ODD,),
        (_any(kind.likely for kind in numbers),),
        (_any(kind.screen or kind.likely for kind in others),),
        (_any(kind.screen for kind in people), _any(kind.likely for kind in people)),
        (_any(kind.nearby for kind in told), _any(kind.likely for kind in told)),
        (_any(kind.alone for kind in told if kind.checked),),
    )
    return tuple(row for row in rows if all(row))


def passing(texts: pa.Array, through: Sieve) -> pa.Array:
    """Which of `texts` pass the sieve, by Arrow's own RE2."""
    import pyarrow.compute as pc

    rows = [reduce(pc.and_, [pc.match_substring_regex(texts, f"(?s){pattern}") for pattern in row]) for row in through]
    return reduce(pc.or_, rows)


def _any(patterns: Iterable[str]) -> str:
    return "|".join(f"({one})" for one in dict.fromkeys(patterns)).replace("(?:", "(").replace("}?", "}")


# Digits of other scripts, and the spaces and dashes that typesetting puts inside numbers. One character for one, so places stay.
ODD_DIGITS = "\uff10-\uff19\u0660-\u0669\u06f0-\u06f9\u0966-\u096f"
ODD_SIGNS = "\u00a0\u2007\u2009\u202f\u3000\u2010-\u2015\u2212"
ODD = f"[{ODD_DIGITS}]|[0-9A-Z][{ODD_SIGNS}][0-9A-Z]"
_ODD_DIGIT, _ODD_SIGN = re.compile(f"[{ODD_DIGITS}]"), re.compile(f"(?<=[0-9A-Z])[{ODD_SIGNS}](?=[0-9A-Z])")


def plain_numbers(text: str) -> str:
    """`text` with its numbers written in ASCII digits, spaces and hyphens; as long as it was."""
    if text.isascii():
        return text
    digits = _ODD_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
    return _ODD_SIGN.sub(lambda found: " " if found[0].isspace() else "-", digits)


def hits(text: str, wanted: Iterable[Kind] = KINDS, *, column: str = "") -> Iterator[Hit]:
    """Each valid value in `text`, masked, none inside another; `column` is the name it stands under."""
    text = plain_numbers(text)
    taken: list[tuple[int, int]] = []
    number = sum(map(text.count, "0123456789"))
    for kind in wanted:
        if kind.digits > number or kind.holds not in text:
            continue
        found = kind.pattern.search(text)
        while found:
            start, end = found.span()
            free = not any(start < last and first < end for first, last in taken)
            passed = free and kind.valid(found[0])
            if passed:
                sure = kind.context is None or _near(kind.context, text, start, column)
                sure = sure and not (kind.unless is not None and _another(kind.unless, text, start, column))
                if sure:
                    taken.append((start, end))
                yield Hit(kind=kind, mask=mask(found[0]), start=start, end=end, sure=sure)
            # After one that is none, the search goes on at the next character, not behind it.
            found = kind.pattern.search(text, end if passed else start + 1)


def _near(context: re.Pattern[str], text: str, start: int, column: str) -> bool:
    return bool(context.search(text, max(0, start - NEAR), start) or (column and context.search(_spaced(column))))


def _another(unless: re.Pattern[str], text: str, start: int, column: str) -> bool:
    """Does the word right before a value, or the name of its column, say that it is something else?"""
    ends = [found.end() for found in unless.finditer(text, max(0, start - NEAR), start)]
    right = bool(ends) and _BETWEEN.fullmatch(text, ends[-1], start) is not None
    return right or bool(column and unless.search(_spaced(column)))


def named(kind: Kind, column: str) -> bool:
    """Does the name of the column say that it holds this kind?"""
    return kind.context is not None and bool(kind.context.search(_spaced(column)))


def _spaced(column: str) -> str:
    """A column's name as words: `dateOfBirth` and `date_of_birth` are `date of birth`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", column))


# Names of columns that say what is in them. Whole words between separators, so that `emailed_share` or `telephony` say nothing.
NAMES = re.compile(
    r"(?:^|_)(?:e_?mail|courriel|correo|ssn|social_security(?:_(?:no|number))?|nino|national_insurance(?:_(?:no|number))?|iban|phone|telephone"
    r"|telefon|telefono|mobile|handy|card_number|cardnumber|pan|passport(?:_no)?|pesel|cpf|bsn|codice_fiscale|personnummer|steuer_?id|aadhaar"
    r"|first_?name|given_?name|last_?name|sur_?name|family_?name|full_?name|maiden_name|vorname|nachname|prenom|prénom|apellidos?|cognome|imie|nazwisko"
    r"|date_of_birth|birth_?date|dob|geburtsdatum|date_de_naissance|fecha_de_nacimiento|data_di_nascita"
    r"|street|strasse|straße|home_address|postal_address|adresse|direccion|indirizzo|ip_address|ip_addr|tax_id|vin|licen[cs]e_plate|kennzeichen"
    r"|patient_id|customer_name|client_name|user_name)(?:$|_)"
)


def says_personal(column: str) -> bool:
    """Does the name of a column say that it holds personal data?"""
    return bool(NAMES.search(_spaced(column).replace(" ", "_").lower()))
