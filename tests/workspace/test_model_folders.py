"""What a model is called never decides where on the disk its files lie: one place of its own, below the folder for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.workspace.killing import kill_file
from jupyter_mlgov.workspace.serving import predictions_folder

ROOT = Path("/w")
NAMES = (
    *("..", ".", "...", "../../etc/passwd", "/etc/passwd", "a/../../b", "a/b", "a\\..\\b"),
    *("%2E%2E", "%2e%2e/", "C:\\x", "~", "-rf", "a\x00b", "\n", "é/.."),
)


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.parametrize(("place", "home"), [(predictions_folder, "predictions"), (kill_file, "killed")])
def test_the_files_of_a_model_lie_below_their_folder_whatever_its_name(model: str, place: object, home: str) -> None:
    assert callable(place)
    made = Path(os.path.normpath(place(ROOT, model)))
    assert made.parent == ROOT / ".mlgov" / home
    assert not {"/", "\\", "\x00", "\n"} & set(made.name)


@given(st.lists(st.one_of(st.sampled_from(NAMES), st.text(alphabet="./\\%2eE~a", min_size=1, max_size=6)), unique=True, max_size=8))
def test_two_models_never_share_a_place(models: list[str]) -> None:
    for place in (predictions_folder, kill_file):
        assert len({os.path.normpath(place(ROOT, model)) for model in models}) == len(models)
