"""priv.pii: checksums decide, values are never shown, numbers of a model are no cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Text, Verdict
from mlgov_validators.checksums import iban, luhn, ssn
from mlgov_validators.columns import seen_share
from mlgov_validators.patterns import hits, says_personal
from mlgov_validators.privacy import personal_data

from .conftest import Make, judged

CARD, IBAN, SSN = "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "219-09-9998"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"card {CARD}.", {"payment card number"}),
        (f"IBAN {IBAN} OK", {"IBAN"}),
        ("DE89370400440532013000", {"IBAN"}),
        (f"ssn {SSN}", {"social security number"}),
        ("mail jane.doe@example.org!", {"e-mail address"}),
        ("call +49 30 901820 or (212) 555-0187", {"telephone number"}),
        ("4111 1111 1111 1112, GB82 WEST 1234 5698 7654 33, 666-12-1234, 000-12-3456", set()),
        ("0.4111111111111111 1e-16 2026-11-23 14:02:07.411111111111111", set()),
        ("sha256:4111111111111111aa 3.11.4 10.0.0.1 -4111111111111111", set()),
        ("a@b model@step @decorator user@host", set()),
        ("ids 12 34 56 78 90 12 34 56", set()),
        ("0000000000000000 5555555555555555", set()),
    ],
)
def test_only_valid_values_are_hits(text: str, kinds: set[str]) -> None:
    assert {hit.kind.name for hit in hits(text) if hit.sure} == kinds


def test_checksums() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban("GB82WEST12345698765432")
    assert not iban("GB82WEST12345698765431")
    assert ssn("219-09-9998")
    assert not ssn("900-12-3456")


@pytest.mark.parametrize("name", ["email", "customer_email", "firstName", "date of birth", "SSN", "home-address", "ip_address"])
def test_names_that_say_it(name: str) -> None:
    assert says_personal(name)


@pytest.mark.parametrize("name", ["emailed", "span", "panel", "mobility", "price", "male", "married", "unem", "loanprc", "first"])
def test_names_that_do_not(name: str) -> None:
    assert not says_personal(name)


@pytest.mark.parametrize(("value", "kind"), [(CARD, "payment card"), (IBAN, "IBAN"), (SSN, "social security"), ("a@b.org", "e-mail")])
def test_an_undeclared_column_is_a_warning_with_its_rate_and_never_the_value(table: Make, value: str, kind: str) -> None:
    result = judged(personal_data, table({"note": [value] * 2 + ["ok"] * 98}))
    assert result.verdict is Verdict.WARN
    assert kind in result.summary
    assert result.findings[0].measured == 0.02
    assert result.findings[0].interval is not None
    assert value not in str(plain(result))


def test_a_declared_column_is_allowed_and_named(table: Make) -> None:
    result = judged(personal_data, table({"email": ["a@b.org"] * 10}, declared_personal=("email",)))
    assert result.verdict is Verdict.PASS
    assert "email is declared" in result.findings[0].message


def test_a_rare_hit_is_said_and_does_not_warn(table: Make) -> None:
    result = judged(personal_data, table({"note": [CARD] + ["ok"] * 999}))
    assert result.verdict is Verdict.PASS
    assert "1 of 1,000 rows" in result.findings[0].message


def test_numbers_are_cards_when_most_pass(table: Make) -> None:
    assert judged(personal_data, table({"acct": [4111111111111111] * 5})).verdict is Verdict.WARN
    assert judged(personal_data, table({"id": [4111111111111111 + 3 * number for number in range(1000)]})).verdict is Verdict.PASS


def test_a_sample_is_said_with_what_it_would_have_shown_and_is_the_same_in_every_order(
    table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at whole numbers once stopped at its bound in silence."""
    monkeypatch.setattr("mlgov_validators.columns.MOST", 50)
    notes = [f"a{number}@example.org" for number in range(200)]
    one, other = (judged(personal_data, table({"note": rows})) for rows in (notes, notes[::-1]))
    assert "Of 200 different candidates 50 were checked, chosen by their MD5" in one.summary
    assert "8.799% or more" in one.summary
    assert one.findings[0].measured == 1.0
    assert one.findings == other.findings


def test_the_share_a_sample_would_have_shown() -> None:
    """1 - 0.01^(1/n): 459 rows for 1 %, the classic sample size of discovery sampling (AICPA tables: 459 at 99 %, 1 %)."""
    assert seen_share(459) == pytest.approx(0.01, abs=2e-5)
    assert seen_share(458) > 0.01 > seen_share(459)
    assert seen_share(0) == 1.0


def model(table: Make, *texts: Text) -> Subject:
    given = table({"a": [1]})
    return replace(given, ref=SubjectRef(kind="model", name="m"), texts=texts)


@pytest.mark.parametrize("where", ["cell [14]", "output of cell [14]"])
def test_a_checked_value_in_a_notebook_fails_and_names_the_cell(table: Make, where: str) -> None:
    result = judged(personal_data, model(table, Text(where=where, content=f"x {IBAN}\n{IBAN}\n")))
    assert result.verdict is Verdict.FAIL
    assert "cell [14]" in result.summary.lower()
    assert "2 values that pass the IBAN check" in result.summary
    assert "WEST" not in str(plain(result))


def test_an_address_in_a_notebook_is_a_warning(table: Make) -> None:
    assert judged(personal_data, model(table, Text(where="cell [1]", content="# jane@example.org"))).verdict is Verdict.WARN


def test_what_was_not_looked_at_is_not_clean(table: Make) -> None:
    assert judged(personal_data, model(table)).verdict is Verdict.INCONCLUSIVE
    blind = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles(), texts=(Text(where="cell [1]", content="x"),))
    assert judged(personal_data, blind).verdict is Verdict.INCONCLUSIVE


def test_many_rows_are_quick(table: Make, tmp_path: Path) -> None:
    import time

    given = table({"note": [f"order {number}" for number in range(200_000)], "amount": list(range(200_000))})
    started = time.perf_counter()
    assert judged(personal_data, given).verdict is Verdict.PASS
    assert time.perf_counter() - started < 60
