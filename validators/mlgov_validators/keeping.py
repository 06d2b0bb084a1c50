"""The reference of a version as it is kept for its monitor: made once from the table, read by every window after."""

from __future__ import annotations

from dataclasses import replace

from jupyter_mlgov.sdk import Missing, Subject
from mlgov_validators.live import validated
from mlgov_validators.profiles import make_profile


def reference_profile(subject: Subject) -> str:
    """The profile of the subject's table as JSON: bins, counts and sums of every column, and how good the score was.

    What it lacks it does not make up: without score and outcome there is no performance to compare with later.
    """
    table = subject.table
    profile = make_profile(table, subject.ask)
    try:
        return replace(profile, validated=validated(subject, table, subject.ask)).write()
    except Missing:
        return profile.write()
