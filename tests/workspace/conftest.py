"""What the tests of the workspace share."""

from __future__ import annotations

import pytest


@pytest.fixture
def checks_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks run in this process: a worker of their own costs seconds a tick, and tests of the runners and of the shell have it."""
    from jupyter_mlgov.validation import runners

    monkeypatch.setattr(runners, "runner_for", lambda subject, *, installed: runners.Here(subject))
