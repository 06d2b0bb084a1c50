"""What personal data looks like: patterns with their checksums. A value that is found is never shown, only masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Lengths by country from the IBAN registry (ISO 13616), the countries a lender in Europe meets most.
_IBAN = {
    **dict.fromkeys(("NO",), 15), **dict.fromkeys(("BE",), 16), **dict.fromkeys(("DK", "FI", "NL"), 18), **dict.fromkeys(("SI",), 19),
    **dict.fromkeys(("AT", "EE", "LT", "LU"), 20), **dict.fromkeys(("CH", "HR", "LV", "LI"), 21),
    **dict.fromkeys(("BG", "DE", "GB", "IE"), 22),
    **dict.fromkeys(("CZ", "ES", "RO", "SE", "SK"), 24), **dict.fromkeys(("PT",), 25), **dict.fromkeys(("FR", "GR", "IT", "MC", "SM"), 27),
    **dict.fromkeys(("CY", "HU", "PL"), 28), **dict.fromkeys(("MT",), 31),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of personal data. `prefilter` is the same pattern for DuckDB (RE2 knows no look-around); `checked` tells a checksum."""

    name: str
    pattern: re.Pattern[str]
    prefilter: str
    valid: Callable[[str], bool]
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A valid value: its kind and its mask, nothing more of it."""

    kind: Kind
    mask: str


def luhn(text: str) -> bool:
    """A payment card number: 13 to 19 digits, a known first digit, the Luhn sum (ISO/IEC 7812-1)."""
    digits = [int(item) for item in text if item.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    doubled = [item if place % 2 == 0 else sum(divmod(2 * item, 10)) for place, item in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """An IBAN: the country's length and mod 97 = 1 (ISO 13616)."""
    packed = re.sub(r"\s", "", text).upper()
    if _IBAN.get(packed[:2]) != len(packed):
        return False
    return int("".join(str(int(item, 36)) for item in packed[4:] + packed[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """A US social security number that can have been issued: area not 000, 666 or 900-999, group not 00, serial not 0000."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _any(text: str) -> bool:
    return bool(text)


KINDS = (
    Kind(
        name="payment card number",
        pattern=re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){12,18}(?![\w]|[.,-]\d)"),
        prefilter=r"\d([ -]?\d){12,18}",
        valid=luhn,
        checked=True,
    ),
    Kind(
        name="IBAN",
        pattern=re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,27}(?!\w)"),
        prefilter=r"[A-Z]{2}\d{2}( ?[A-Z0-9]){11,27}",
        valid=iban,
        checked=True,
    ),
    Kind(
        name="social security number",
        pattern=re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
        prefilter=r"\d{3}-\d{2}-\d{4}",
        valid=ssn,
        checked=True,
    ),
    Kind(
        name="e-mail address",
        pattern=re.compile(
            r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}(?!\w)"
        ),
        prefilter=r"[A-Za-z0-9]@[A-Za-z0-9-]+\.[A-Za-z0-9]",
        valid=_any,
        checked=False,
    ),
    Kind(
        name="telephone number",
        pattern=re.compile(
            r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){1,4}\d{2,4}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\w-]|\.\d)"
        ),
        prefilter=r"\+\d{1,3}[ .(-]?\d|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}",
        valid=lambda text: 8 <= sum(item.isdigit() for item in text) <= 15,
        checked=False,
    ),
)

# Names of columns that say what is in them. Whole words between separators, so that `emailed_share` or `telephony` say nothing.
NAMES = re.compile(
    r"(?:^|_)(?:e_?mail|ssn|social_security(?:_(?:no|number))?|iban|phone|telephone|mobile|card_number|cardnumber|pan|passport(?:_no)?"
    r"|first_?name|last_?name|sur_?name|full_?name|maiden_name|date_of_birth|birth_?date|dob|street|home_address|ip_address|tax_id)(?:$|_)"
)


def mask(text: str) -> str:
    """The first two characters and no more."""
    return f"{text.strip()[:2]}…"


def hits(text: str, kinds: tuple[Kind, ...] = KINDS) -> Iterator[Hit]:
    """Each valid value in `text`, masked."""
    for kind in kinds:
        for found in kind.pattern.finditer(text):
            if _valid(kind, found[0]):
                yield Hit(kind=kind, mask=mask(found[0]))


def _valid(kind: Kind, found: str) -> bool:
    if kind.name != "IBAN":
        return kind.valid(found)
    # In running text a word in capitals can follow: try the country's own length first.
    packed = found.replace(" ", "")
    return kind.valid(packed[: _IBAN.get(packed[:2], 0)])


def says_personal(column: str) -> bool:
    """Does the name of a column say that it holds personal data?"""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column)
    return bool(NAMES.search(re.sub(r"[\W_]+", "_", spaced).lower()))
