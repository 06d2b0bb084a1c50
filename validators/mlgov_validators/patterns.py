"""Finds personal data in a text: every kind, the surest first. A value that is found is never shown, only masked.

Each kind has a `core` in the syntax that Python and RE2 share, without look-around. Python adds the borders and the check; the data's
own engine gets quicker, weaker patterns (`prefilter`). So whatever hits() accepts, the prefilter lets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from mlgov_validators.contacts import ADDRESS, BARE_TELEPHONE, BIRTH, CARD, EMAIL, IBAN, IPV4, IPV6, SSN, TELEPHONE, VIN
from mlgov_validators.kinds import Hit, Kind, mask
from mlgov_validators.names import NAMED, PERSON
from mlgov_validators.national import NATIONAL
from mlgov_validators.tokens import TOKENS

NEAR = 48  # characters before a value in which a word of its context may stand

# The surest first: where two overlap, the earlier one has it.
KINDS = (*TOKENS, EMAIL, IBAN, CARD, SSN, *NATIONAL, VIN, IPV4, IPV6, TELEPHONE, BARE_TELEPHONE, ADDRESS, BIRTH, NAMED, PERSON)


@cache
def prefilter(wanted: tuple[Kind, ...] = KINDS) -> str:
    """One alternation of all screens for the data's own engine: what hits() accepts passes it. Plain groups, for engines without `(?:`."""
    screens = dict.fromkeys(kind.screen.replace("(?:", "(").replace("}?", "}") for kind in wanted)
    return "|".join(f"({screen})" for screen in screens)


def hits(text: str, wanted: Iterable[Kind] = KINDS, *, column: str = "") -> Iterator[Hit]:
    """Each valid value in `text`, masked, none inside another; `column` is the name it stands under."""
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
                if sure:
                    taken.append((start, end))
                yield Hit(kind=kind, mask=mask(found[0]), start=start, end=end, sure=sure)
            # After one that is none, the search goes on at the next character, not behind it.
            found = kind.pattern.search(text, end if passed else start + 1)


def _near(context: re.Pattern[str], text: str, start: int, column: str) -> bool:
    return bool(context.search(text, max(0, start - NEAR), start) or (column and context.search(_spaced(column))))


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
