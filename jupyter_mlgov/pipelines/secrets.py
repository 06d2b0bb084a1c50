"""Secret parameters travel by reference: a variable of the environment, which each target fills from where it keeps secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.pipelines.parameters import Parameter, parse_values

PREFIX = "MLGOV_SECRET_"


def variable(name: str) -> str:
    """`MLGOV_SECRET_API_TOKEN` for `api_token`: upper-case ASCII, as CI services want it."""
    plain = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    return PREFIX + (plain if name.isascii() else f"{plain}_{Digest.of_text(name).hex[:8].upper()}")


def secret_key(name: str) -> str:
    """The key of a Kubernetes Secret that holds it."""
    return "parameter-" + variable(name).removeprefix(PREFIX).lower().replace("_", "-")


def from_environment(declared: Sequence[Parameter], environ: Mapping[str, str]) -> dict[str, object]:
    """Secret parameter -> its value, where the environment has one. Raises UsageError for one of a wrong type, without saying it."""
    given = [one for one in declared if one.secret and variable(one.name) in environ]
    return parse_values((f"{one.name}={environ[variable(one.name)]}" for one in given), declared)


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without secrets: cells get a secret as their parameter, and show their environment to anybody."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}


def check_no_value(declared: Iterable[Parameter], notebook: str) -> None:
    """Raises BadInput for a secret whose value stands in the notebook: every exported file would hold it."""
    for one in declared:
        if one.secret and one.literal and one.default not in ("", b"", None):
            raise BadInput(
                f"The parameter `{one.name}` of {notebook} is a secret, and its value stands in the cell tagged `parameters`.",
                expected='Expected an empty default: "" or None.',
                next=f"Take it out, and give it to jobs as {variable(one.name)}. Have it changed where it is used: others have seen it.",
            )
