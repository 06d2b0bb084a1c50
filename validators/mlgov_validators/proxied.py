"""Is a protected column what people said of themselves, or a guess (BISG and the like)? A guess is declared, with source and error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Finding, Subject, Verdict
from mlgov_validators.declared import number, word

SECTION = "proxies"
WHOLE = 2.0**52  # a double of this size has no fraction
GUESSES = re.compile(r"bisg|bifsg|prox(y|ied)|imput|infer|estimat|predict|guess|(^|_)prob(s|ability)?($|_)|(^|_)likely($|_)", re.IGNORECASE)
_FIX = "Write [proxies.COLUMN] with source, error and error_source in mlgov.toml: docs/users/team-file.md shows it."


def guessed(subject: Subject) -> Iterator[Finding]:
    """A finding for each protected column that is declared a proxy, or whose name or type says that it is one."""
    told = (subject.register or {}).get(SECTION, {})
    table = subject.columns(*subject.roles.protected)
    for column in subject.roles.protected:
        declared = told.get(column)
        if isinstance(declared, Mapping):
            yield _declared(column, declared)
        elif reason := _looks_guessed(column, table):
            said = f"{column} {reason}, and nobody declared that it is a proxy. Gaps measured on it may be those of the guess."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, allowed="declared with source and error", fix=_FIX)
    for name in told:
        if name not in subject.roles.protected:
            said = f"[proxies.{name}] is declared, and {name} is no protected column of this model."
            yield Finding(message=said, verdict=Verdict.WARN, where=name, fix="Mend the name, or take the table out.")


def _looks_guessed(column: str, table: object) -> str:
    kind = table[column].type()  # type: ignore[index]  # ibis ships no types
    if GUESSES.search(column):
        return "is named as a guess"
    if not kind.is_floating():
        return ""
    # A code with gaps (1.0, 0.0, NaN) is a floating column as well, and no guess.
    values = table[column]  # type: ignore[index]  # as above
    values = (values.abs() < WHOLE).ifelse(values, 0.0)  # beyond it floor() does not fit its integer
    broken = bool((values != values.floor()).fill_null(False).any().to_pyarrow().as_py())
    return f"is {kind} and holds fractions, as a probability does and a group does not" if broken else ""


def _declared(column: str, body: Mapping[str, object]) -> Finding:
    source, wrong, seen = word(body, "source"), number(body, "error"), word(body, "error_source")
    lacking = [
        key for key, there in (("source", source), ("error", wrong is not None and 0 <= wrong <= 1), ("error_source", seen)) if not there
    ]
    if lacking or wrong is None:
        said = f"{column} is declared a proxy and lacks {', '.join(lacking)}: how often it is wrong decides what gaps on it can show."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, allowed="source, error (0 to 1), error_source", fix=_FIX)
    said = (
        f"{column} is a proxy ({source}), wrong in {wrong:.1%} of cases ({seen}). Gaps and ratios measured on it are those of the guess: "
        "the true ones can be larger or smaller."
    )
    return Finding(
        message=said, verdict=Verdict.WARN, measured=wrong, allowed="declared with source and error", where=column,
        details={"source": source, "error": wrong, "error_source": seen},
    )  # fmt: skip


__all__ = ["GUESSES", "SECTION", "guessed"]
