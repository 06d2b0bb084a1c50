"""Is the data that a model rests on kept where others can fetch it? A fact, and what a gate says about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.facts import Reason

KeptState = Literal["pushed", "not pushed", "no remote", "untracked", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptData:
    """A data file under version control for data. `md5` and `dvc_file` are DVC's own; `revision` is the git commit they stand in.

    `unknown`: it could not be asked, and `problem` says why.
    """

    path: str
    state: KeptState
    md5: str = ""
    dvc_file: str = ""
    remote: str = ""
    revision: str = ""
    problem: str = ""


def unpushed(data: Iterable[KeptData]) -> Iterator[Reason]:
    """What only this machine has cannot be reproduced elsewhere: it is pushed before a model goes on. What could not be asked stays shut.

    A team that keeps no data in DVC, or has no remote, made no such promise; those are said as notes.
    """
    for item in data:
        if item.state in ("not pushed", "unknown"):
            what = "was not pushed to DVC's remote" if item.state == "not pushed" else "could not be looked up in DVC's remote"
            yield Reason(
                code="data-not-pushed",
                sentence=f"{item.path} {what}{f' ({item.problem})' if item.problem else ''}, so nobody else can reproduce this model.",
                next=f'Type `dvc push "{item.dvc_file or item.path}"`, then ask again.',
                severity=Severity.HIGH,
            )


def notes(data: Iterable[KeptData]) -> tuple[str, ...]:
    """What is not promised, in sentences: data that DVC does not keep, or that no remote has."""
    data = tuple(data)
    loose = [item.path for item in data if item.state == "untracked"]
    alone = [item.path for item in data if item.state == "no remote"]
    told = [f"Not kept by DVC: {', '.join(loose)}. Only its fingerprint is known."] if loose else []
    return (*told, *([f"DVC has no remote: {', '.join(alone)} is on this machine only."] if alone else []))
