"""What a probe of parameters found: for each, what changed downstream when it had another value, or that nothing did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.pipelines.parameters import Parameter

Sensitivity = Literal["changes", "nothing", "unknown"]
Roots = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One parameter. `tried` are the values it was given, `changed` names like `train.model`, in the order in which the steps ran.

    `failed` says how a step ended that ran well with the default. `why` says what kept the probe from an answer. `unstable` are values
    that differ between two equal runs, so that their change shows nothing.
    """

    parameter: str
    default: str
    tried: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    failed: str = ""
    why: str = ""
    unstable: tuple[str, ...] = ()

    @property
    def sensitivity(self) -> Sensitivity:
        """What can be said: it changes something, it changes nothing that was compared, or that cannot be told."""
        if self.changed or self.failed:
            return "changes"
        return "unknown" if self.why else "nothing"

    @property
    def sentence(self) -> str:
        """One line for a person."""
        tried = f" (default {self.default}; tried {', '.join(self.tried)})" if self.tried else f" (default {self.default})"
        noise = f" Not counted, for they differ between equal runs: {', '.join(self.unstable[:5])}." if self.unstable else ""
        if self.failed:
            return f"{self.parameter}{tried}: changes whether the job runs: {self.failed}{noise}"
        if self.changed:
            more = f" and {len(self.changed) - 8} more" if len(self.changed) > 8 else ""
            return f"{self.parameter}{tried}: changes {', '.join(self.changed[:8])}{more}.{noise}"
        if self.why:
            return f"{self.parameter}{tried}: could not tell, {self.why}.{noise}"
        return f"{self.parameter}{tried}: CHANGES NOTHING that a step makes.{noise}"

    def as_json(self) -> dict[str, object]:
        return {
            "parameter": self.parameter,
            "default": self.default,
            "sensitivity": self.sensitivity,
            "tried": list(self.tried),
            "changed": list(self.changed),
            "failed": self.failed,
            "why": self.why,
            "unstable": list(self.unstable),
            "sentence": self.sentence,
        }


def exit_code(probes: tuple[Probe, ...]) -> int:
    """0 every parameter changes something, 1 one changes nothing, 3 of one that could not be told."""
    found = {one.sensitivity for one in probes}
    return 1 if "nothing" in found else 3 if "unknown" in found else 0


def differing(before: Roots, after: Roots) -> tuple[str, ...]:
    """`step.name` of each value whose root is not what it was; a value without a root shows nothing either way."""
    return tuple(
        f"{step}.{name}" for step, roots in after.items() for name, root in roots.items() if before.get(step, {}).get(name, "gone") != root
    )


def uncompared(roots: Roots) -> tuple[str, ...]:
    """Values that have no root, so that no probe can see them change."""
    return tuple(f"{step}.{name}" for step, values in roots.items() for name, root in values.items() if root is None)


def shown_default(one: Parameter) -> str:
    """The default for people; never that of a secret."""
    return "secret" if one.secret else repr(one.default) if one.literal else "computed"
