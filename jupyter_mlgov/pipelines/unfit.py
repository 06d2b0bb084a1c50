"""Why a value has no form in which it can cross."""

from __future__ import annotations


class Unfit(Exception):
    """A value that cannot cross, with the reason in words."""
