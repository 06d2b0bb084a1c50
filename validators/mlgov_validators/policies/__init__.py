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


def gdpr() -> Path:
    """Regulation (EU) 2016/679."""
    return _FOLDER / "gdpr.toml"


def mifid2_rts6() -> Path:
    """Algorithmic trading: MiFID II, Delegated Regulation (EU) 2017/589, clocks."""
    return _FOLDER / "mifid2-rts6.toml"


def eu_ai_act() -> Path:
    """Regulation (EU) 2024/1689 as amended; most duties are readiness."""
    return _FOLDER / "eu-ai-act.toml"


def nist_ai_rmf() -> Path:
    """NIST AI RMF 1.0, voluntary."""
    return _FOLDER / "nist-ai-rmf.toml"


def pra_ss1_23() -> Path:
    """Model risk management principles of the UK PRA."""
    return _FOLDER / "pra-ss1-23.toml"


def sr_11_7_legacy() -> Path:
    """What SR 26-2 no longer asks, to read old reports."""
    return _FOLDER / "sr-11-7-legacy.toml"


def optional() -> Path:
    """OSFI E-23, MAS, New York City LL 144, Colorado: one control each."""
    return _FOLDER / "optional.toml"
