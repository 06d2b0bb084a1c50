"""The check digits of numbers that name a person or an account, each after the document of its issuer."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from itertools import pairwise

# Lengths by country: IBAN registry of ISO 13616 (SWIFT).
IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15), **dict.fromkeys(("BE",), 16), **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19), **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21), **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24), **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26), **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29), **dict.fromkeys(("JO", "KW", "MU", "YE"), 30), **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32, "RU": 33,
}  # fmt: skip

# How the issuers group the digits on the card; one group is a number without separators.
_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (4, 4, 5), (4, 4, 4)}
_VERHOEFF = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104",
    "9876543210",
)  # fmt: skip
_VERHOEFF_TURNS = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
], strict=True))  # fmt: skip
_VIN = {**{str(number): number for number in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
        **dict(zip("JKLMN", range(1, 6), strict=True)), "P": 7, "R": 9, **dict(zip("STUVWXYZ", range(2, 10), strict=True))}  # fmt: skip
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def digits(text: str) -> list[int]:
    """The decimal digits in `text`, in order."""
    return [int(item) for item in text if "0" <= item <= "9"]


def luhn_sum(numbers: list[int]) -> bool:
    """Luhn's sum (ISO/IEC 7812-1 Annex B) ends in 0."""
    doubled = [item if place % 2 == 0 else sum(divmod(2 * item, 10)) for place, item in enumerate(reversed(numbers))]
    return sum(doubled) % 10 == 0


def luhn(text: str) -> bool:
    """A payment card number: first digits and length of a network, the Luhn sum (ISO/IEC 7812-1)."""
    numbers = digits(text)
    return len(numbers) >= 12 and len(numbers) in _lengths(numbers) and len(set(numbers)) > 1 and luhn_sum(numbers)


def _lengths(numbers: list[int]) -> Collection[int]:
    """How long a card number with these first digits can be, by the networks' published ranges; none where no network has them."""
    first = numbers[0] * 1000 + numbers[1] * 100 + numbers[2] * 10 + numbers[3]
    if first // 1000 == 4:
        return (13, 16, 19)  # Visa
    if 5100 <= first < 5600 or 2221 <= first <= 2720:
        return (16,)  # Mastercard
    if first // 100 in (34, 37) or first in (1800, 2131):
        return (15,)  # American Express, JCB
    if first // 100 in (36, 38, 39) or 3000 <= first <= 3059 or first // 10 == 309:
        return range(14, 20)  # Diners Club
    if 3528 <= first <= 3589 or 2200 <= first <= 2204:
        return range(16, 20)  # JCB, Mir
    if first // 100 in (50, 56, 57, 58) or first // 1000 == 6:
        return range(12, 20)  # Maestro, Discover, UnionPay, RuPay
    return ()


def card(text: str) -> bool:
    """A card number as one group of digits, or in the groups cards are printed in, possibly among other groups of digits."""
    groups = re.split(r"[ -]", text)
    for first in range(len(groups)):
        for last in range(first + 1, len(groups) + 1):
            part = groups[first:last]
            if (len(part) == 1 or tuple(map(len, part)) in _CARD_GROUPS) and luhn("".join(part)):
                return True
    return False


def iban(text: str) -> bool:
    """An IBAN: the country's length and mod 97 = 1 (ISO 13616)."""
    packed = re.sub(r"\s", "", text).upper()
    if IBAN_LENGTHS.get(packed[:2]) != len(packed) or not packed.isascii() or not packed.isalnum():
        return False
    return int("".join(str(int(item, 36)) for item in packed[4:] + packed[:4])) % 97 == 1


def iban_in(text: str) -> bool:
    """An IBAN at the start of `text`; in running text a word in capitals can follow, behind a space or hyphen."""
    left = IBAN_LENGTHS.get(text[:2], 0)
    for place, item in enumerate(text):
        left -= item not in " -"
        if left == 0:
            return text[place + 1 : place + 2] in ("", " ", "-") and iban(text[: place + 1].replace("-", ""))
    return False


def ssn(text: str) -> bool:
    """A US social security number that can have been issued: area not 000, 666 or 900-999, group not 00, serial not 0000 (SSA, 2011)."""
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def nhs(text: str) -> bool:
    """A British NHS number: weights 10 to 2, 11 less the remainder by 11 (NHS Data Dictionary)."""
    numbers = digits(text)
    check = (11 - sum(weight * item for weight, item in zip(range(10, 1, -1), numbers, strict=False)) % 11) % 11
    return len(numbers) == 10 and check == numbers[9] and len(set(numbers)) > 1


def steuer_id(text: str) -> bool:
    """A German tax identification number: ISO/IEC 7064 MOD 11,10 and the rule of repeated digits (BZSt, § 139b AO)."""
    numbers = digits(text)
    if len(numbers) != 11 or numbers[0] == 0:
        return False
    counts = sorted((numbers[:10].count(digit) for digit in range(10)), reverse=True)
    if counts[0] not in (2, 3) or counts[1] > 1:
        return False
    product = 10
    for item in numbers[:10]:
        product = ((item + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == numbers[10]


def nir(text: str) -> bool:
    """A French social security number (NIR): 97 less the remainder by 97; Corsica's 2A and 2B count as 19 and 18 (INSEE)."""
    packed = re.sub(r"[ .-]", "", text).upper()
    body, key = packed[:13].replace("2A", "19").replace("2B", "18"), packed[13:]
    month = packed[3:5]
    if len(packed) != 15 or not body.isdigit() or not key.isdigit() or not (1 <= int(month) <= 12 or 20 <= int(month) <= 99):
        return False
    return 97 - int(body) % 97 == int(key)


def dni(text: str) -> bool:
    """A Spanish DNI or NIE: the letter at the number's remainder by 23; X, Y, Z stand for 0, 1, 2 (Ministerio del Interior)."""
    packed = re.sub(r"[ .-]", "", text).upper()
    number = packed[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and len(number) == 8 and _DNI[int(number) % 23] == packed[-1]


def codice_fiscale(text: str) -> bool:
    """An Italian codice fiscale: odd and even places by table, remainder by 26 (D.M. 23 December 1976)."""
    packed = text.replace(" ", "").upper()
    if len(packed) != 16:
        return False
    even = sum(int(item, 36) - (10 if item.isalpha() else 0) for item in packed[1:15:2])
    return chr(65 + (even + sum(_ODD[item] for item in packed[0:15:2])) % 26) == packed[15]


def bsn(text: str) -> bool:
    """A Dutch burgerservicenummer: the eleven test with -1 for the last digit (Rijksoverheid)."""
    numbers = digits(text)
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return len(numbers) == 9 and sum(numbers) > 0 and sum(a * b for a, b in zip(weights, numbers, strict=True)) % 11 == 0


def pesel(text: str) -> bool:
    """A Polish PESEL: weights 1, 3, 7, 9 and a date, the century in the month (Dz.U. 2010 nr 217 poz. 1427)."""
    numbers = digits(text)
    if len(numbers) != 11:
        return False
    month, day = (numbers[2] * 10 + numbers[3]) % 20, numbers[4] * 10 + numbers[5]
    weighed = sum(weight * item for weight, item in zip((1, 3, 7, 9) * 3, numbers[:10], strict=False))
    return 1 <= month <= 12 and 1 <= day <= 31 and (10 - weighed % 10) % 10 == numbers[10]


def personnummer(text: str) -> bool:
    """A Swedish personnummer or samordningsnummer: a date (day + 60), Luhn over the last ten digits (Skatteverket SKV 704)."""
    numbers = digits(text)[-10:]
    month, day = numbers[2] * 10 + numbers[3], numbers[4] * 10 + numbers[5]
    return 1 <= month <= 12 and 1 <= day - (60 if day > 60 else 0) <= 31 and luhn_sum(numbers)


def hetu(text: str) -> bool:
    """A Finnish personal identity code: remainder by 31 (Digital and Population Data Services Agency)."""
    packed = text.upper()
    day, month = int(packed[:2]), int(packed[2:4])
    return 1 <= day <= 31 and 1 <= month <= 12 and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(packed[:6] + packed[7:10]) % 31] == packed[10]


def rijksregister(text: str) -> bool:
    """A Belgian national number: 97 less the remainder by 97, with 2 before it for births since 2000 (Royal decree 3 April 1984)."""
    packed = "".join(str(item) for item in digits(text))
    if len(packed) != 11 or int(packed[2:4]) % 20 > 12 or int(packed[4:6]) > 31:
        return False
    return any(97 - int(century + packed[:9]) % 97 == int(packed[9:]) for century in ("", "2"))


def ahv(text: str) -> bool:
    """A Swiss AHV number: 756 and the EAN-13 check digit (BSV, 2008)."""
    numbers = digits(text)
    weighed = sum(item * (3 if place % 2 else 1) for place, item in enumerate(numbers[:12]))
    return len(numbers) == 13 and numbers[:3] == [7, 5, 6] and (10 - weighed % 10) % 10 == numbers[12]


def aadhaar(text: str) -> bool:
    """An Indian Aadhaar number: twelve digits, the first 2 to 9, Verhoeff's check (UIDAI)."""
    numbers = digits(text)
    if len(numbers) != 12 or numbers[0] < 2 or len(set(numbers)) == 1:
        return False
    check = 0
    for place, item in enumerate(reversed(numbers)):
        check = int(_VERHOEFF[check][int(_VERHOEFF_TURNS[place % 8][item])])
    return check == 0


def cpf(text: str) -> bool:
    """A Brazilian CPF: two digits mod 11 (Receita Federal)."""
    numbers = digits(text)
    if len(numbers) != 11 or len(set(numbers)) == 1:
        return False
    for length in (9, 10):
        rest = sum(weight * item for weight, item in zip(range(length + 1, 1, -1), numbers[:length], strict=True)) * 10 % 11 % 10
        if rest != numbers[length]:
            return False
    return True


def sin(text: str) -> bool:
    """A Canadian social insurance number: nine digits, the first not 0 or 8, the Luhn sum (ESDC)."""
    numbers = digits(text)
    return len(numbers) == 9 and numbers[0] not in (0, 8) and len(set(numbers)) > 1 and luhn_sum(numbers)


def resident_id(text: str) -> bool:
    """A Chinese resident identity number: a date and ISO/IEC 7064 MOD 11-2 (GB 11643-1999)."""
    packed = text.upper()
    try:
        born = date(int(packed[6:10]), int(packed[10:12]), int(packed[12:14]))
    except ValueError:
        return False
    weighed = sum(pow(2, 17 - place, 11) * int(item) for place, item in enumerate(packed[:17]))
    return born.year >= 1900 and "10X98765432"[weighed % 11] == packed[17]


def vin(text: str) -> bool:
    """A North American vehicle identification number: check digit in the ninth place (49 CFR 565.15)."""
    if len(set(text)) < 5 or text.isalpha() or text.isdigit():
        return False
    rest = sum(weight * _VIN[item] for weight, item in zip(_VIN_WEIGHTS, text, strict=True)) % 11
    return ("X" if rest == 10 else str(rest)) == text[8]


def runs(text: str) -> bool:
    """Do the digits only count up or down (123456789)? Such numbers are examples."""
    numbers = digits(text)
    return len({after - before for before, after in pairwise(numbers)}) <= 1
