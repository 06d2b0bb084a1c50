"""An answer that may rest on files of the workspace is not reused while such files are named."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import Check
from jupyter_mlgov.validation.basis import basis
from jupyter_mlgov.validation.plugins import installed_validators
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.subjects import Subject


@pytest.mark.parametrize(
    ("register", "known"),
    [
        ({}, True),
        ({"dependencies": {"advisories": "osv.json"}}, False),
        ({"dependencies": {"serving": "s.lock"}}, False),
        ({"retention": {"register": "e"}}, False),
    ],
)
def test_files_that_are_named_keep_an_answer_from_being_reused(register: dict[str, Any], known: bool) -> None:
    check = installed_validators().get("code.supply")
    assert isinstance(check, Check)
    subject = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles(), register=register)
    assert (basis(check, subject, {}) is not None) is known


def test_declared_personal_columns_are_part_of_what_an_answer_rests_on() -> None:
    check = installed_validators().get("code.sast")
    assert isinstance(check, Check)
    one, other = (Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles(declared_personal=names)) for names in ((), ("email",)))
    assert basis(check, one, {}) != basis(check, other, {})
