"""What a gate says about data that only one machine has."""

from __future__ import annotations

from typing import get_args

import pytest

from jupyter_mlgov.promotion.data import KeptData, KeptState, notes, unpushed


@pytest.mark.parametrize("state", get_args(KeptState))
def test_only_pushed_or_unpromised_data_lets_a_model_on(state: KeptState) -> None:
    reasons = list(unpushed([KeptData(path="data/x.csv", state=state, dvc_file="data/x.csv.dvc", problem="no key")]))
    assert bool(reasons) == (state in ("not pushed", "unknown"))
    assert all('dvc push "data/x.csv.dvc"' in reason.next and "data/x.csv" in reason.sentence for reason in reasons)


def test_what_is_not_promised_is_said() -> None:
    told = notes([KeptData(path="a", state="untracked"), KeptData(path="b", state="no remote"), KeptData(path="c", state="pushed")])
    assert len(told) == 2
    assert "a" in told[0]
    assert "b is on this machine only" in told[1]
