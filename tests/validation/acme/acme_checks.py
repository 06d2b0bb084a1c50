"""Acme's own check and pack: all that a plug-in needs."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator


@validator("acme.rows", title="Enough rows", needs=("scored",), stricter={"least": "higher"}, timeout=20)
def rows(subject: Subject, *, least: int = 1000) -> Finding:
    """Are there enough rows to judge the model?

    fail: fewer than `least`. inconclusive: the table is empty or was not kept.

    Source: Acme model handbook, section 4.

    Fix: Collect longer.
    """
    table = subject.table
    n = int(str(subject.ask(table.aggregate(n=table.count())).rows[0]["n"]))
    verdict = Verdict.PASS if n >= least else Verdict.FAIL
    return Finding(message=f"{n:,} rows.", verdict=verdict, measured=float(n), allowed=f"at least {least:,}", n=n)


def pack() -> Path:
    """Acme's policy, beside this module."""
    return Path(__file__).with_name("acme.toml")
