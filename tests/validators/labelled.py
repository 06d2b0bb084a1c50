"""A labelled set of short texts, made with Faker in six locales: which of six kinds of personal data each holds.

The six kinds are those that both our patterns and presidio's recognizers without a language model look for: e-mail, telephone, payment
card, IBAN, US social security number, public IP address. Names are not compared: presidio finds none without a model.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT")
# Our name -> presidio's.
KINDS = {
    "e-mail address": "EMAIL_ADDRESS",
    "telephone number": "PHONE_NUMBER",
    "payment card number": "CREDIT_CARD",
    "IBAN": "IBAN_CODE",
    "social security number": "US_SSN",
    "IP address": "IP_ADDRESS",
}
_AROUND = {
    "e-mail address": ("{}", "write to {} please", "Kontakt: {}.", "{}; copied", "<{}>"),
    "telephone number": ("{}", "call {} after five", "Tel. {}", "tél : {}", "phone={}"),
    "payment card number": ("{}", "paid with {} today", "card: {}", "carte {}, merci"),
    "IBAN": ("{}", "transfer to {} now", "IBAN: {}", "Konto {} bei der Bank"),
    "social security number": ("{}", "SSN {} on file", "ssn: {}", "his number is {}"),
    "IP address": ("{}", "login from {} failed", "ip={}", "client {} asked"),
}

Labelled = list[tuple[str, frozenset[str]]]


def made(rows: int, share: float, seed: int = 20261124) -> Labelled:
    """`rows` texts, every 1/share-th with one value of one kind, the others with none."""
    from faker import Faker

    Faker.seed(seed)
    fakers = {locale: Faker(locale) for locale in LOCALES}
    chance = random.Random(seed)
    found: Labelled = []
    names = list(KINDS)
    for number in range(rows):
        fake = fakers[LOCALES[number % len(LOCALES)]]
        if int(number * share) != int((number + 1) * share):
            kind = chance.choice(names)
            value = _value(kind, fake, fakers["en_US"], chance)
            found.append((chance.choice(_AROUND[kind]).format(value), frozenset({kind})))
        else:
            found.append((_clean(fake, chance), frozenset()))
    return found


def _value(kind: str, fake: Any, american: Any, chance: random.Random) -> str:
    if kind == "IBAN":
        iban = str(fake.iban())
        return iban if chance.random() < 0.6 else " ".join(iban[place : place + 4] for place in range(0, len(iban), 4))
    if kind == "payment card number":
        card = str(fake.credit_card_number(card_type=chance.choice(("visa16", "mastercard", "amex", "discover"))))
        return (
            card
            if len(card) != 16 or chance.random() < 0.5
            else chance.choice("- ").join(card[place : place + 4] for place in range(0, 16, 4))
        )
    makers: dict[str, Callable[[], object]] = {
        "e-mail address": fake.ascii_email,
        "telephone number": fake.phone_number,
        "social security number": american.ssn,
        "IP address": fake.ipv4_public,
    }
    return str(makers[kind]())


def _clean(fake: Any, chance: random.Random) -> str:
    """A text without personal data, many with digits that could be taken for some."""
    digits = "".join(chance.choices("0123456789", k=16))
    tries = (
        lambda: fake.sentence(nb_words=8),
        lambda: f"order {chance.randint(1, 999999)} of {fake.date()}",
        lambda: f"amount {chance.uniform(1, 1e6):.2f} EUR, rate {chance.random():.4f}",
        lambda: f"auc={chance.random():.16f}",
        lambda: f"sha {fake.sha1()}",
        lambda: f"build {chance.randint(1, 9)}.{chance.randint(0, 99)}.{chance.randint(0, 9)} at {fake.time()}",
        lambda: f"ref {digits[:6]}-{digits[6:9]}-X",
        lambda: f"id {digits[:15]}0{chance.randint(1, 9)}x",
        lambda: f"host 10.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)} up",
        lambda: f"{fake.date_time().isoformat()} step {chance.randint(1, 10**8)}",
        lambda: f"isbn 978-3-{digits[:2]}-{digits[2:8]}-{digits[8]}",
        lambda: f"{chance.randint(1, 12)}/{chance.randint(10, 28)}/20{chance.randint(10, 26)} {fake.word()}",
    )
    return str(chance.choice(tries)())


def scores(found: list[frozenset[str]], wanted: Labelled) -> tuple[float, float]:
    """(precision, recall) over all pairs of text and kind."""
    right = sum(len(one & labels) for one, (_, labels) in zip(found, wanted, strict=True))
    said = sum(len(one) for one in found)
    there = sum(len(labels) for _, labels in wanted)
    return right / said, right / there


def ours(texts: list[str]) -> list[frozenset[str]]:
    """What our detector says, after the sieve, as the columns of a table are looked at."""
    import pyarrow as pa

    from mlgov_validators.patterns import hits, passing, sieve

    passed = passing(pa.array(texts), sieve()).to_pylist()
    return [
        frozenset(hit.kind.name for hit in hits(text) if hit.sure) & KINDS.keys() if ok else frozenset()
        for text, ok in zip(texts, passed, strict=True)
    ]


def presidio() -> Callable[[str], frozenset[str]]:
    """presidio's recognizers of patterns for the same six kinds, on a blank English pipeline (models cannot be downloaded)."""
    from mlgov_validators.deep import analyzer

    found, _ = analyzer()
    back = {theirs: mine for mine, theirs in KINDS.items()}

    def recognize(text: str) -> frozenset[str]:
        return frozenset(back[one.entity_type] for one in found.analyze(text, language="en", entities=list(back)))

    return recognize
