"""Verdicts, errors and digests: the words everything else is made of."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict, worst


def test_only_pass_warn_and_not_applicable_open_a_gate() -> None:
    assert {verdict for verdict in Verdict if verdict.opens} == {Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE}


def test_nothing_measured_is_inconclusive() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE


def test_one_failure_outweighs_the_rest() -> None:
    assert worst([Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR]) is Verdict.FAIL


def test_every_verdict_has_a_mark_and_a_word_of_its_own() -> None:
    assert len({verdict.mark for verdict in Verdict}) == len({verdict.word for verdict in Verdict}) == len(Verdict)


def test_an_unknown_word_is_refused_with_the_nearest_known_one() -> None:
    error = unknown("stage", "prd", ["staging", "prod"], next="See `mlgov status`.")
    assert str(error) == 'No stage "prd". Did you mean "prod"? Known: staging, prod. See `mlgov status`.'


def test_a_digest_is_sha256_of_the_bytes() -> None:
    assert Digest.of_bytes(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert Digest.of_file(path) == Digest.of_bytes(b"abc") == Digest.of_chunks([b"a", b"bc"])


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "A" * 64, "md5:" + "0" * 64, "sha256:" + "0" * 63])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Not a digest"):
        Digest(text)


def test_times_are_written_in_utc_and_sort_as_text() -> None:
    there = datetime(2026, 11, 23, 15, 2, tzinfo=timezone(timedelta(hours=1)))
    assert stamp(there) == "2026-11-23T14:02:00.000000Z"
    assert stamp(there) < stamp(datetime(2026, 11, 23, 14, 2, 0, 1, tzinfo=UTC))


def test_facts_become_plain_json() -> None:
    assert plain({"verdict": Verdict.PASS, "path": Path("a/b"), "set": {2, 1}}) == {"verdict": "pass", "path": "a/b", "set": [1, 2]}
