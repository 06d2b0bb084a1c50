"""A report of an earlier day has fewer fields under the same name: it is read, and what was changed in it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.reports.read import read_report
from jupyter_mlgov.testing import report as a_report
from jupyter_mlgov.validation.results import report_json


def older() -> dict[str, Any]:
    """As the first version wrote it: no thresholds, no looks, no standing, nothing about where numbers come from."""
    body: dict[str, Any] = json.loads(json.dumps(report_json(a_report())))
    for name in ("thresholds", "looks"):
        del body[name]
    for demand in body["requirements"]:
        for name in ("standing", "note", "asks"):
            del demand[name]
    content = {name: value for name, value in body.items() if name not in ("schema", "digest", "counts", "blocking")}
    return {**body, "digest": Digest.of_json(content)}


def test_it_is_read_and_what_it_lacks_says_nothing() -> None:
    found = read_report(json.dumps(older()))
    assert (found.thresholds, found.looks) == (None, 0)
    assert all(demand.binds and demand.asks == () for demand in found.requirements)


@pytest.mark.parametrize("field", ["verdict", "summary"])
def test_what_was_changed_in_it_is_refused(field: str) -> None:
    body = older()
    body["results"][0][field] = "warn"
    with pytest.raises(BadInput, match=r"changed after it was made|do not follow"):
        read_report(json.dumps(body))
