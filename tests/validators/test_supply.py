"""code.supply: pickles are read and never loaded, and what could not be read is not clean."""

from __future__ import annotations

import collections
import io
import json
import os
import pickle
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.records import Records
from mlgov_validators.pickles import opcodes
from mlgov_validators.supply import supply_chain

from .conftest import THEN, judged, lineage


class Calls:
    """Something that calls `function` when it is loaded."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return self.function, self.arguments


def subject(folder: Path, *names: str, **rules: object) -> Subject:
    ref = SubjectRef(kind="model", name="m", notebook="n.ipynb")
    register = {"dependencies": {"artifacts": list(names), **rules}}
    return Subject(ref=ref, roles=Roles(), lineage=lineage(), register=register, folder=folder, records=Records(now=THEN, model="m"))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "harm",
    [
        Calls(os.system, "true"),
        Calls(eval, "1"),
        Calls(exec, "1"),
        Calls(subprocess.run, ["true"]),
        Calls(pickle.loads, b"."),
        Calls(getattr, 1, "x"),
    ],
)
def test_an_import_that_runs_code_is_found_in_every_protocol_and_never_run(tmp_path: Path, harm: Calls, protocol: int) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": [1, harm]}, protocol))
    result = judged(supply_chain, subject(tmp_path, "m.pkl"))
    assert result.verdict is Verdict.FAIL
    assert "m.pkl imports" in result.summary


def test_a_second_pickle_behind_the_first_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(1) + pickle.dumps(Calls(os.system, "true")))
    assert judged(supply_chain, subject(tmp_path, "m.pkl")).verdict is Verdict.FAIL


def test_a_pickle_inside_an_archive_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Calls(os.system, "true")))
    assert judged(supply_chain, subject(tmp_path, "m.pt")).verdict is Verdict.FAIL


def test_a_name_that_is_put_together_while_loading_is_harmful() -> None:
    assert opcodes(b"\x80\x04(\x8c\x01a\x8c\x01bl\x93.").harmful


@pytest.mark.parametrize("value", [{"a": 1}, np.arange(3), collections.OrderedDict(a=1), LogisticRegression().fit([[0.0], [1.0]], [0, 1])])
def test_an_honest_pickle_is_a_warning(tmp_path: Path, value: object) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(value))
    found = [one for one in judged(supply_chain, subject(tmp_path, "m.pkl")).findings if one.where == "m.pkl"]
    assert {one.verdict for one in found} == {Verdict.WARN}
    assert any("is a pickle" in one.message for one in found)


@pytest.mark.parametrize(
    ("name", "content"), [("m.pkl", b"\x80\x04garbage"), ("m.pt", b"PK\x03\x04broken"), ("m.bin", b"what"), ("m.pkl", None)]
)
def test_what_cannot_be_read_is_not_clean(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found = judged(supply_chain, subject(tmp_path, name)).findings
    assert any(one.verdict is Verdict.INCONCLUSIVE and one.where == name for one in found)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_running_or_raising(content: bytes) -> None:
    opcodes(content)


def test_an_archive_of_plain_arrays_holds_no_pickle(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(3))
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    assert "without a pickle" in judged(supply_chain, subject(tmp_path, "a.npz")).findings[0].message


def snapshot(folder: Path, date: str, **entry: object) -> Subject:
    entries = [
        {
            "id": "OSV-1",
            "affected": [
                {"package": {"name": "NumPy"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.2"}]}]}
            ],
            **entry,
        }
    ]
    (folder / "osv.json").write_text(json.dumps({"date": date, "advisories": entries}), "utf-8")
    return subject(folder, advisories="osv.json")


def test_a_known_hole_in_use_is_a_warning_and_an_exploited_one_fails(tmp_path: Path) -> None:
    result = judged(supply_chain, snapshot(tmp_path, "2026-11-20"))
    assert (result.verdict, result.summary) == (Verdict.WARN, "numpy 2.1 has the known hole OSV-1.")
    assert judged(supply_chain, snapshot(tmp_path, "2026-11-20", database_specific={"known_exploited": True})).verdict is Verdict.FAIL


def test_an_old_snapshot_none_or_a_broken_one_tells_nothing(tmp_path: Path) -> None:
    old = (THEN - timedelta(days=8)).date().isoformat()
    assert any(
        "8 days old" in one.message and one.verdict is Verdict.INCONCLUSIVE
        for one in judged(supply_chain, snapshot(tmp_path, old)).findings
    )
    assert judged(supply_chain, subject(tmp_path)).verdict is Verdict.INCONCLUSIVE
    (tmp_path / "osv.json").write_text("[]", "utf-8")
    assert judged(supply_chain, subject(tmp_path, advisories="osv.json")).verdict is Verdict.INCONCLUSIVE


def test_an_unsigned_file_fails_where_signatures_are_demanded(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07")
    demand = replace(supply_chain, defaults={"signed": True})
    assert judged(demand, subject(tmp_path, "m.onnx")).summary == "m.onnx is unsigned."
    (tmp_path / "m.onnx.sig").write_text("{}", "utf-8")
    assert all(one.verdict is not Verdict.FAIL for one in judged(demand, subject(tmp_path, "m.onnx")).findings)


def test_what_an_answer_may_rest_on_is_what_the_check_opens() -> None:
    """Two rooms that must not import each other name the kinds of model files; were one to forget a kind, an old answer would be reused."""
    from jupyter_mlgov.validation.basis import _OPENED
    from mlgov_validators.supply import MODEL_FILES

    assert frozenset(MODEL_FILES) == _OPENED
