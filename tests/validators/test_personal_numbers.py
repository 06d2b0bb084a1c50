"""Numbers of people and accounts: published examples pass, each with one digit changed does not, and the sieve misses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.sdk import Verdict
from mlgov_validators import checksums as check
from mlgov_validators.contacts import CARD
from mlgov_validators.kinds import Kind, either_case
from mlgov_validators.patterns import KINDS, hits, passing, sieve
from mlgov_validators.privacy import personal_data

from .conftest import Make, judged

# Each with the document in which its issuer or standard prints it as an example.
PUBLISHED: list[tuple[Callable[[str], bool], str, str]] = [
    (check.luhn, "4111111111111111", "Visa test number; ISO/IEC 7812-1 Luhn"),
    (check.luhn, "378282246310005", "American Express test number"),
    (check.luhn, "5555555555554444", "Mastercard test number"),
    (check.iban, "GB82WEST12345698765432", "ISO 13616 example"),
    (check.iban, "DE89370400440532013000", "IBAN registry, Germany"),
    (check.iban, "FR1420041010050500013M02606", "IBAN registry, France"),
    (check.iban, "NL91ABNA0417164300", "IBAN registry, Netherlands"),
    (check.iban, "ES9121000418450200051332", "IBAN registry, Spain"),
    (check.iban, "IT60X0542811101000000123456", "IBAN registry, Italy"),
    (check.iban, "BE68539007547034", "IBAN registry, Belgium"),
    (check.iban, "NO9386011117947", "IBAN registry, Norway"),
    (check.iban, "MT84MALT011000012345MTLCAST001S", "IBAN registry, Malta"),
    (check.nhs, "9434765919", "NHS Data Dictionary"),
    (check.steuer_id, "86095742719", "BZSt, worked example of the check digit"),
    (check.nir, "255081416802538", "INSEE example"),
    (check.dni, "12345678Z", "Spanish Ministry of the Interior"),
    (check.codice_fiscale, "RSSMRA85T10A562S", "Agenzia delle Entrate specimen"),
    (check.bsn, "111222333", "RvIG test number"),
    (check.pesel, "44051401359", "Polish ministry's example"),
    (check.personnummer, "8112289874", "Skatteverket SKV 704"),
    (check.hetu, "131052-308T", "Finnish population register specimen"),
    (check.rijksregister, "93051822361", "Belgian national register example"),
    (check.ahv, "7569217076985", "BSV, AHVN13 example"),
    (check.aadhaar, "234123412346", "UIDAI sample"),
    (check.cpf, "52998224725", "Receita Federal example of the two digits"),
    (check.resident_id, "11010519491231002X", "GB 11643-1999 Annex A"),
    (check.vin, "1M8GDM9AXKP042788", "49 CFR 565.15 worked example"),
]


@pytest.mark.parametrize(("valid", "value", "source"), PUBLISHED, ids=lambda item: getattr(item, "__name__", str(item)))
def test_the_published_example_passes(valid: Callable[[str], bool], value: str, source: str) -> None:
    assert valid(value), source


@pytest.mark.parametrize(("valid", "value", "source"), PUBLISHED, ids=lambda item: getattr(item, "__name__", str(item)))
def test_one_changed_digit_is_found(valid: Callable[[str], bool], value: str, source: str) -> None:
    """Every one of these checks finds every change of its last digit before the check."""
    places = [place for place, item in enumerate(value) if item.isdigit()]
    changed = [value[: places[-1]] + digit + value[places[-1] + 1 :] for digit in "0123456789" if digit != value[places[-1]]]
    assert not any(valid(one) for one in changed), source


@pytest.mark.parametrize(
    ("area", "issued"),
    [("000-12-3456", False), ("666-12-3456", False), ("900-12-3456", False), ("999-12-3456", False), ("123-00-4567", False),
     ("123-45-0000", False), ("899-12-3456", True), ("667-01-0001", True)],
)  # fmt: skip
def test_the_area_rules_of_the_social_security_administration(area: str, issued: bool) -> None:
    assert check.ssn(area) is issued


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("n° 2 55 08 14 168 025 38", "French social security number"),
        ("CF RSSMRA85T10A562S", "Italian codice fiscale"),
        ("DNI 12345678-Z", "Spanish DNI or NIE"),
        ("AHV 756.9217.0769.85", "Swiss AHV number"),
        ("CPF 529.982.247-25", "Brazilian CPF"),
        ("cpf: 52998224725", "Brazilian CPF"),
        ("Steuer-ID 86 095 742 719", "German tax identification number"),
        ("PESEL 44051401359", "Polish PESEL"),
        ("BSN: 111222333", "Dutch BSN"),
        ("NHS no 943 476 5919", "British NHS number"),
        ("NI number QQ 12 34 56 C", ""),
        ("NI number AB 12 34 56 C", "British national insurance number"),
        ("VIN 1M8GDM9AXKP042788", "vehicle identification number"),
        ("from 8.8.8.8", "IP address"),
        ("from 2001:4860:4860::8888", "IP address (v6)"),
        ("10.0.0.1 127.0.0.1 192.168.1.7 203.0.113.9 ::1 x[::2] 12:30:45", ""),
        ("Dear Mr. John Smith", "person's name"),
        ("Kunde: Jürgen Müller", "person's name"),
        ("12 Green Park Road", "street address"),
        ("wohnt Hauptstraße 12a", "street address"),
        ("25 rue de la Paix, Paris", "street address"),
        ("25 rue de Rivoli", "street address"),
        ("Calle Mayor 15", "street address"),
        ("geboren am 12.03.1980", "date of birth"),
        ("as of 2026-11-23", ""),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("key AKIAIOSFODNN7EXAMPLE", "AWS access key"),
        ("postgresql://svc:hunter22@db/loans", "password in an address"),
        ("api_key = 'q8Zt5Lw0xPv3Rk9Jd2Yb'", "secret value"),
        ("token = token_type_of_the_scanner", ""),
        ("44051401359 52998224725 111222333", ""),
        ("card 4111 1111 1111 1111 12/26", "payment card number"),
        ("0151 234567", "telephone number"),
        ("anna.müller@exämple.de", "e-mail address"),
    ],
)
def test_text_in_many_languages(text: str, kind: str) -> None:
    assert {hit.kind.name for hit in hits(text) if hit.sure} == ({kind} if kind else set())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_the_sieve_is_sound(kind: Kind, data: st.DataObject) -> None:
    """Whatever the exact detector accepts passes RE2, the sieve of all kinds and that of the kind alone, and a bare value passes it too."""
    around = st.text(max_size=5)
    word = data.draw(st.from_regex(kind.context, fullmatch=True)) if kind.context and data.draw(st.booleans()) else ""
    value = data.draw(st.from_regex(re.compile(kind.core), fullmatch=True))
    text = data.draw(around) + word + data.draw(st.sampled_from([*" =:.-#", ". ", " is "])) + value + data.draw(around)
    column = data.draw(st.sampled_from(["note", "kunde_iban", "dateOfBirth", "phone", "pesel"]))
    for said in (text, value):
        if not said.isprintable() and "\ud800" <= max(said) <= "\udfff":
            continue  # half a character: no Arrow text can hold it
        found = list(hits(said, (kind,), column=column))
        if any(hit.sure or (hit.kind.checked and said.strip() == said[hit.start : hit.end]) for hit in found):
            assert passing(pa.array([said]), sieve((kind,), column))[0].as_py(), said
            assert passing(pa.array([said]), sieve(column=column))[0].as_py(), said


CARDS = [(16,), (13,), (12,), (19,), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (4, 4, 5), (4, 4, 4)]
BEFORE, BEHIND = ["", "x ", "12 ", "12-", "card:", "é", "(", "1234 "], ["", " x", " 12", "-1", ".", ")", ". 5"]


@settings(max_examples=300, deadline=None)
@given(
    groups=st.sampled_from(CARDS),
    first=st.sampled_from(["4", "5", "50", "63", "37", "6", "1800"]),
    rest=st.text("0123456789", min_size=20, max_size=20),
    sign=st.sampled_from(" -"),
    around=st.tuples(st.sampled_from(BEFORE), st.sampled_from(BEHIND)),
)
def test_every_card_passes_the_sieve(groups: tuple[int, ...], first: str, rest: str, sign: str, around: tuple[str, str]) -> None:
    """The form that is asked of a card is weaker than its check: one group of digits or the groups cards are printed in, among others."""
    body = (first + rest)[: sum(groups) - 1]
    number = next(body + last for last in "0123456789" if check.luhn_sum(check.digits(body + last)))
    ends = [sum(groups[:place]) for place in range(len(groups) + 1)]
    text = around[0] + sign.join(number[start:end] for start, end in pairwise(ends)) + around[1]
    if any(hits(text, (CARD,))):
        assert passing(pa.array([text]), sieve((CARD,)))[0].as_py(), text
        assert passing(pa.array([text]), sieve())[0].as_py(), text


def test_letters_of_either_case_are_those_python_folds() -> None:
    """either_case() says to an engine without a flag exactly what re.IGNORECASE says to Python."""
    used = {letter for kind in KINDS if kind.context for letter in kind.context.pattern if letter.isalpha()}
    every = "".join(map(chr, range(1, 0xD800)))
    for letter in sorted(used):
        assert set(re.findall(either_case(letter), every)) == set(re.findall(letter, every, re.IGNORECASE)), letter


def test_bare_numbers_count_where_the_name_or_most_of_the_column_says_it(table: Make) -> None:
    pesels = ["44051401359", "02070803628"] * 20
    assert judged(personal_data, table({"reference": pesels})).verdict is Verdict.WARN
    assert judged(personal_data, table({"reference": pesels + [str(10**10 + 7 * n) for n in range(200)]})).verdict is Verdict.PASS
    named = judged(personal_data, table({"klient_pesel": pesels[:2] + ["n/a"] * 8}))
    assert any("2 of 10 rows of klient_pesel hold a Polish PESEL" in one.message for one in named.findings)


def test_whole_numbers_are_ids_when_the_name_says_it(table: Make) -> None:
    result = judged(personal_data, table({"bsn_of_partner": [111222333] * 3 + [5] * 7}))
    assert result.verdict is Verdict.WARN
    assert any("3 of 10 rows of bsn_of_partner hold a Dutch BSN" in one.message for one in result.findings)


def test_no_value_is_printed_whole(table: Make) -> None:
    values = [value for _, value, _ in PUBLISHED]
    shown = str(plain(judged(personal_data, table({"note": [f"cpf pesel bsn nhs aadhaar pnr steuer-id rrn {value}" for value in values]}))))
    assert [value for value in values if value in shown] == []


def test_a_column_of_another_type_is_said_not_to_be_looked_at(table: Make) -> None:
    result = judged(personal_data, table({"tags": [["a@b.org"], ["c"]]}))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "values of that type were not looked at" in result.summary
