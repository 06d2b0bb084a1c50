"""A policy file: a wrong key or type gets a sentence, its digest is that of its content."""

from __future__ import annotations

import pytest

from jupyter_mlgov.core.errors import BadInput, MlgovError, UsageError
from jupyter_mlgov.validation.policy import load_policy

PACK = """
[policy]
id = "p"
version = "1"
title = "P"
framework = "F"

[[control]]
id = "C.1"
cite = "c"
url = ""
verified = "P"
obligation = "do"
automation = "auto"
severity = "high"
gates = ["train"]
basis = "b"

[[control.requirements]]
validator = "fair.air"
parameters = { limit = "4/5" }
[control.requirements.sources]
limit = "29 CFR 1607.4(D)"
"""


def test_a_pack_is_read() -> None:
    pack = load_policy(PACK, "p.toml")
    assert pack.validators == ("fair.air",)
    assert pack.controls[0].requirements[0].parameters == {"limit": "4/5"}


def test_the_digest_is_of_the_content_not_of_the_layout() -> None:
    pack = load_policy(PACK, "p.toml")
    assert load_policy("# a comment\n" + PACK.replace("\n\n", "\n\n\n"), "elsewhere.toml").digest == pack.digest
    assert load_policy(PACK.replace('"4/5"', '"9/10"'), "p.toml").digest != pack.digest


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ("severity =", "severty =", UsageError, 'Did you mean "severity"'),
        ("validator =", "validater =", UsageError, 'Did you mean "validator"'),
        ("[policy]", "[polcy]", UsageError, 'Did you mean "policy"'),
        ("title =", "titel =", UsageError, 'Did you mean "title"'),
        ('"high"', '"hihg"', UsageError, 'Did you mean "high"'),
        ('"P"\nobligation', '"X"\nobligation', UsageError, "verified"),
        ('id = "C.1"', "id = 1", BadInput, "Expected text"),
        ('["train"]', '"train"', BadInput, "Expected a list of texts"),
        ('{ limit = "4/5" }', "3", BadInput, "Expected a table"),
        ('limit = "29 CFR 1607.4(D)"', "", BadInput, "has no source"),
        ('basis = "b"', "", BadInput, "has no basis"),
        ('[policy]\nid = "p"', "[policy]", BadInput, "has no id"),
        ("[policy]", "[policy", BadInput, "not valid TOML"),
        ("[[control]]", "[control]", BadInput, ""),
    ],
)
def test_a_wrong_file_gets_a_sentence(old: str, new: str, error: type[MlgovError], said: str) -> None:
    assert old in PACK
    with pytest.raises(error) as raised:
        load_policy(PACK.replace(old, new), "p.toml")
    assert said in str(raised.value)
    assert "p.toml" in str(raised.value)


def test_a_control_twice_is_refused() -> None:
    body = PACK[PACK.index("[[control]]") :]
    with pytest.raises(BadInput, match=r"C\.1 twice"):
        load_policy(PACK + body, "p.toml")


def test_a_threshold_reads_alike_fresh_and_from_the_record() -> None:
    """A second validate took 0.0 back from canonical JSON as 0, and one subject had two report digests."""
    from jupyter_mlgov.validation.policy import Requirement

    ask = Requirement(validator="perf.discrim")
    assert ask.told("floor", 0.0) == ask.told("floor", 0)
    assert "0.65" in ask.told("floor", 0.65)
    assert "True" in ask.told("switch", True)
