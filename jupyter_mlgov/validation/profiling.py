"""The reference of a model as a profile: who makes it is a plug-in (`jupyter_mlgov.profiles`), as who reads it is."""

from __future__ import annotations

from importlib.metadata import entry_points

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.validation.subjects import Subject

PROFILES = "jupyter_mlgov.profiles"
NAME = "reference"


def profile_of(subject: Subject) -> str:
    """The subject's table as a profile in JSON text, which a check takes for its reference. Raises NotReady where nobody makes one."""
    offers = sorted(entry_points(group=PROFILES, name=NAME), key=lambda one: one.value)
    if not offers:
        raise NotReady(
            "No installed package makes a profile of a reference table.", next="Install jupyter-mlgov again: `pip install jupyter-mlgov`."
        )
    return str(offers[0].load()(subject))
