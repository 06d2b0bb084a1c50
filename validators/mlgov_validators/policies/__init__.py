"""The policy packs we ship: one TOML file each, in this folder."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def us_fair_lending() -> Path:
    """US fair lending: Regulation B, FCRA, and the four-fifths screen as firm policy."""
    return _FOLDER / "us-fair-lending.toml"


def sr_26_2() -> Path:
    """Model risk management: SR 26-2 / OCC 2026-13 / FDIC FIL-15-2026."""
    return _FOLDER / "sr-26-2.toml"
