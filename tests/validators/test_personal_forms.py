"""Personal data in odd dress, and what only looks like it: typesetting, other scripts, phones of many countries; ids, versions, hashes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Text, Verdict
from mlgov_validators.checksums import luhn
from mlgov_validators.patterns import hits, passing, plain_numbers, sieve
from mlgov_validators.privacy import personal_data

from .conftest import Make, judged

PERSONAL = [
    ("card \uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11", "payment card number"),
    ("\u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661", "payment card number"),
    ("4111\u00a01111\u00a01111\u00a01111", "payment card number"),
    ("4111\u20111111\u20111111\u20111111", "payment card number"),
    ("3782 822463 10005", "payment card number"),
    ("card 6011-0009-9013-9424", "payment card number"),
    ("DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00", "IBAN"),
    ("DE89-3704-0044-0532-0130-00", "IBAN"),
    ("FR1420041010050500013M02606, merci", "IBAN"),
    ("IBAN GB82 WEST 1234 5698 7654 32 BIC WESTGB2L", "IBAN"),
    ("jane.doe+tag@example.co.uk", "e-mail address"),
    ("o'brien@example.ie", "e-mail address"),
    ("user@xn--exmple-cua.de", "e-mail address"),
    ("иван@пример.рф", "e-mail address"),
    ("用户@例子.广告", "e-mail address"),
    ("+1 212-555-0187", "telephone number"),
    ("tel:+12125550187", "telephone number"),
    ("+44 20 7946 0958", "telephone number"),
    ("+49 30 901820", "telephone number"),
    ("+33 1 23 45 67 89", "telephone number"),
    ("01 23 45 67 89", "telephone number"),
    ("+34 912 345 678", "telephone number"),
    ("+39 06 6982 1234", "telephone number"),
    ("+31 20 123 4567", "telephone number"),
    ("+48 22 123 45 67", "telephone number"),
    ("+46 8 123 456 78", "telephone number"),
    ("+91 98765 43210", "telephone number"),
    ("+81 3-1234-5678", "telephone number"),
    ("+55 11 91234-5678", "telephone number"),
    ("+61 2 9876 5432", "telephone number"),
    ("[2001:4860:4860::8888]:443", "IP address (v6)"),
    ("from 8.8.8.8:53", "IP address"),
]
NOT_PERSONAL = [
    *("order no. 4539578763621486", "order_id=4539578763621486", "Rechnungsnr. 4539578763621486", "EAN 4006381333931"),
    *("tracking: 4539578763621486", "4006381333931"),
    *("5901234123457", "978-3-16-148410-0", "978 0 306 40615 7", "79927398713", "IMEI 490154203237518"),
    *("550e8400-e29b-41d4-a716-446655440000", "41111111-1111-1111-4111-111111111111", "d41d8cd98f00b204e9800998ecf8427e"),
    *("de89370400440532013000cb00753f45a35e8bb5a03d699a", "DE89370400440532013000ABCDEF", "sha256:e3b0c44298fc1c149afbf4c8996fb924"),
    *("1700000000", "1700000000000", "1700000000000000", "20231114221320", "2023-11-14T22:13:20.123456789Z", "20261124103015123456"),
    *("4532015112830366.0", "0.4532015112830366", "3.14159265358979", "1,234,567.89", "100 000 000", "lat 48.858370, lon 2.294481"),
    *("numpy==1.26.4.1", "version 8.8.8.8", "firmware: 9.9.9.9", "1.2.3.4.5", "10.0.0.1", "fe80::1", "2001:db8::1", "std::vector<int>"),
    *("00:1A:2B:3C:4D:5E", "git@github.com:org/repo.git", "a@b", "x @ y.T", "pkg@1.2.3", "foo@bar.py"),
    *("12.11.2023", "1234-5678-9012", "555-1234", "2023\u20132024", "pages 4111\u20134113"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_odd_dress_is_seen_through(text: str, kind: str) -> None:
    assert [hit.kind.name for hit in hits(text) if hit.sure] == [kind]
    assert passing(pa.array([text]), sieve())[0].as_py(), "the data's own engine must not lose it"


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_what_only_looks_like_it_is_none(text: str) -> None:
    assert [hit.kind.name for hit in hits(text) if hit.sure] == []


def test_an_order_number_in_a_card_column_still_counts_where_most_of_the_column_are_cards(table: Make) -> None:
    """The name `order_id` takes single values for orders; a whole column that passes Luhn is none by chance."""
    cards = ["4111111111111111", "5555555555554444", "4012888888881881"] * 20
    assert judged(personal_data, table({"order_id": cards})).verdict is Verdict.WARN
    few = cards[:3] + [f"{number:016d}" for number in range(10**15, 10**15 + 60)]
    assert judged(personal_data, table({"order_id": few})).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("4222222222222", True), ("4111111111111111", True), ("2223003122003222", True), ("371449635398431", True),
        ("30569309025904", True),
        ("3530111333300000", True), ("6011111111111117", True), ("6759649826438453", True), ("5901234123457", False),
        ("2720993300000000", False), ("7992739871377777", False), ("55555555", False), ("", False),
    ],
)  # fmt: skip
def test_first_digits_and_length_are_those_of_a_network(number: str, network: bool) -> None:
    """The test numbers of the networks; 5901234123457 is the EAN of the GS1 manual, which Luhn alone lets through."""
    assert luhn(number) is network


@given(st.text(max_size=40))
def test_plain_numbers_moves_nothing(text: str) -> None:
    plain = plain_numbers(text)
    assert len(plain) == len(text)
    assert plain_numbers(plain) == plain
    assert all(a == b for a, b in zip(text, plain, strict=True) if a.isascii())


def test_a_hit_in_a_notebook_says_its_own_line(table: Make) -> None:
    from dataclasses import replace

    given_ = table({"x": [1]})
    text = Text(where="output of cell [2]", content="a\nb \uff14111111111111111", kind="output", path="n.ipynb", cell=2)
    given_ = replace(given_, texts=(text,), ref=replace(given_.ref, kind="model", notebook="n.ipynb"))
    (found,) = [one for one in judged(personal_data, given_).findings if one.verdict is Verdict.FAIL]
    assert found.details["line"] == 2
