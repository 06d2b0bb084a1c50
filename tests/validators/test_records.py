"""lineage.complete and env.pin: what the record does not hold is a finding with its fix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlgov.lineage.facts import CodeState, FileRef, Lineage, ObjectRef, Outcome
from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Verdict
from mlgov_validators.environment import pinning
from mlgov_validators.lineage import completeness

from .conftest import cell, judged, lineage, seen, whole_record

LOCK = {"numpy": "2.1", "scikit-learn": "1.7"}


def model(record: Lineage, tier: int = 1, lock: dict[str, str] | None = LOCK, hashed: bool = True) -> Subject:
    ref = SubjectRef(kind="model", name="m", notebook="n.ipynb")
    return Subject(ref=ref, roles=Roles(), lineage=record, tier=tier, lock=lock, lock_hashed=hashed)


def test_a_whole_record_passes() -> None:
    result = judged(completeness, model(lineage()))
    assert (result.verdict, result.findings[0].measured) == (Verdict.PASS, 1.0)


DATA, FEATURES, TRAIN, EVALUATE = whole_record()
UNREAD = replace(DATA, files_read=(FileRef(path="d.parquet", digest=None),))
UNKNOWN = replace(TRAIN, outputs=(ObjectRef(name="model", kind="model", fingerprint=None),))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (lineage(code=CodeState()), "no git commit"),
        (lineage(code=CodeState(commit="a" * 40, dirty=("n.ipynb",))), "n.ipynb had changes"),
        (lineage(code=CodeState(commit="a" * 40, dirty=("d.parquet",))), "d.parquet had changes"),
        (lineage(packages={}), "environment of the run"),
        (lineage((UNREAD, FEATURES, TRAIN)), "d.parquet was read and has no digest"),
        (lineage((replace(DATA, gaps=("disk full",)), FEATURES, TRAIN)), "disk full"),
        (lineage((FEATURES, TRAIN)), "`raw` was read by features and has no recorded source"),
        (lineage((DATA, replace(FEATURES, inputs=(seen("raw", content="other"),)), TRAIN)), "changed outside tagged cells"),
        (lineage((DATA, FEATURES, replace(TRAIN, outcome=Outcome.FAILED))), "did not run to its end"),
        (lineage((DATA, FEATURES, UNKNOWN)), "has no digest"),
        (lineage((cell(3, "train", outputs=(seen("model", "model"),)),)), "No input was recorded"),
    ],
)  # fmt: skip
def test_each_missing_link_is_named_with_its_fix(record: Lineage, said: str) -> None:
    result = judged(completeness, model(record))
    assert result.verdict is Verdict.FAIL
    missing = [one for one in result.findings[1:] if said in one.message]
    assert missing, [one.message for one in result.findings]
    assert all(one.fix for one in missing)
    assert result.findings[0].measured is not None
    assert result.findings[0].measured < 1
    assert judged(completeness, model(record, tier=3)).verdict is Verdict.WARN


def test_a_model_made_outside_a_train_step_is_no_recorded_model() -> None:
    assert judged(completeness, model(lineage((DATA, FEATURES, replace(TRAIN, step=None))))).verdict is Verdict.INCONCLUSIVE


def test_a_dirty_file_that_is_not_ours_does_not_matter() -> None:
    assert judged(completeness, model(lineage(code=CodeState(commit="a" * 40, dirty=("README.md",))))).verdict is Verdict.PASS


def test_a_cell_that_was_mended_and_run_again_is_judged_by_its_last_run() -> None:
    runs = (replace(DATA, gaps=("disk full",)), replace(DATA, id="again"), FEATURES, TRAIN, EVALUATE)
    assert judged(completeness, model(lineage(runs))).verdict is Verdict.PASS


@pytest.mark.parametrize("record", [lineage((DATA,)), replace(lineage(), session=None)])
def test_no_model_or_no_session_is_inconclusive(record: Lineage) -> None:
    assert judged(completeness, model(record)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("lock", "hashed", "verdict", "said"),
    [
        (LOCK, True, Verdict.PASS, "with hashes"),
        ({"NumPy": "2.1", "scikit_learn": "1.7"}, True, Verdict.PASS, "with hashes"),
        (LOCK, False, Verdict.WARN, "without hashes"),
        ({"numpy": "2.1"}, True, Verdict.FAIL, "scikit-learn 1.7 was in use and is not in the lock"),
        ({**LOCK, "numpy": "2.0"}, True, Verdict.FAIL, "numpy ran at 2.1; the lock has 2.0"),
        ({}, False, Verdict.FAIL, "not in the lock"),
        (None, False, Verdict.FAIL, "There is no lock file, so all 2 packages in use are unpinned"),
    ],
)
def test_the_lock_pins_what_was_in_use(lock: dict[str, str] | None, hashed: bool, verdict: Verdict, said: str) -> None:
    result = judged(pinning, model(lineage(), lock=lock, hashed=hashed))
    assert result.verdict is verdict
    assert said in result.summary


def test_those_in_use_without_a_hash_are_named_and_others_do_not_matter() -> None:
    some = judged(pinning, replace(model(lineage(), hashed=False), lock_unhashed=("numpy", "pytest")))
    assert (some.verdict, some.findings[0].measured) == (Verdict.WARN, 1.0)
    assert "1 of them without hashes (numpy)" in some.summary
    assert judged(pinning, replace(model(lineage(), hashed=False), lock_unhashed=("pytest",))).verdict is Verdict.PASS, "not in use"


def test_a_record_that_names_no_package_is_inconclusive() -> None:
    runs = tuple(replace(run, distributions=()) for run in whole_record())
    assert judged(pinning, model(lineage(runs))).verdict is Verdict.INCONCLUSIVE


def test_a_package_of_unknown_version_is_inconclusive() -> None:
    assert judged(pinning, model(lineage(packages={"numpy": "2.1"}))).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rules", "lines", "verdict", "said"),
    [
        ({"serving": "s.lock"}, "numpy==2.1\nscikit-learn==1.7 --hash=sha256:0\n", Verdict.PASS, "2 packages in use were compared"),
        ({"serving": "s.lock"}, "numpy==2.1\nscikit-learn==1.8.1\n", Verdict.FAIL, "serving has scikit-learn 1.8.1, training had 1.7."),
        ({"serving": "s.lock"}, "numpy==2.1\n", Verdict.FAIL, "serving has scikit-learn not at all"),
        ({"serving": "nowhere.lock"}, "", Verdict.INCONCLUSIVE, "cannot be read"),
        ({"serving_python": "3.11"}, "", Verdict.PASS, "serving has Python 3.11, training had 3.11"),
        ({"serving_python": "3.1"}, "", Verdict.FAIL, "serving has Python 3.1, training had 3.11"),
        ({"image": "sha256:a", "validated_image": "sha256:a"}, "", Verdict.PASS, "is the one that was validated"),
        ({"image": "sha256:a", "validated_image": "sha256:b"}, "", Verdict.FAIL, "is not the one that was validated"),
        ({"image": "sha256:a"}, "", Verdict.INCONCLUSIVE, "only one digest is known"),
    ],
)
def test_what_serves_is_what_was_trained_in(tmp_path: Path, rules: dict[str, str], lines: str, verdict: Verdict, said: str) -> None:
    (tmp_path / "s.lock").write_text(lines, "utf-8")
    subject = replace(model(lineage()), register={"dependencies": rules}, folder=tmp_path)
    result = judged(pinning, subject)
    assert result.verdict is verdict
    assert any(said in one.message for one in result.findings)
