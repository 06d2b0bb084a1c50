"""`--probe`: the steps run again with another value of each parameter, in a copy of the workspace, and what they make is compared."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.alternatives import alternatives, why_none
from jupyter_mlgov.pipelines.parameters import Parameter, check
from jupyter_mlgov.pipelines.probe import Probe, differing, shown_default, uncompared
from jupyter_mlgov.pipelines.sensitivity import reaches
from jupyter_mlgov.workspace.probing_files import Files, copied
from jupyter_mlgov.workspace.stepping import StepBook, run_step, step_book

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

Say = Callable[[str], None]
Made = dict[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`values` are given to every run (few rows, say), `tries` are to be tried by parameter. `seconds` for all of it, 0 for no end."""

    values: Mapping[str, object] = field(default_factory=dict)
    tries: Mapping[str, object] = field(default_factory=dict)
    seconds: int = 600


def probe(workspace: Workspace, name: str, bounds: Bounds, say: Say | None = None) -> tuple[Probe, ...]:
    """One answer a parameter of notebook `name`, in their order, also written to the trail. Nothing of the user's is written or recorded.

    The steps run twice as they are, which tells what differs by itself, then once for each value that is tried: only those steps that
    read the parameter or rest on one that does. Raises NotReady where they do not run as they are or the workspace is too large to copy,
    and what step_book() and check() raise.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlgov-probe-") as place:
        root = copied(workspace.root, Path(place).resolve() / "workspace")
        copy = type(workspace).create(root, Settings(actor=workspace.actor().id, deliver="manual"))
        try:
            book = step_book(copy.path_of(name), name)
            check({**bounds.values, **bounds.tries}, book.parameters)
            files = Files(root=root, origin=workspace.root, kept=Path(place) / "files")
            ends = begun + bounds.seconds if bounds.seconds else float("inf")
            trial = _Trial(workspace=copy, book=book, values=bounds.values, folder=Path(place) / "values", files=files, say=say, ends=ends)
            found = tuple(trial.probes(bounds.tries))
        finally:
            copy.close()
    payload = {"probes": [one.as_json() for one in found], "given": sorted(bounds.values), "seconds": round(time.monotonic() - begun, 3)}
    payload["outcome"] = "; ".join(f"{one.parameter} {one.sensitivity}" for one in found)
    workspace.record(Draft(action="parameters.probed", subject=name, payload=payload))
    return found


class ChangesNothing(BadInput):
    """A parameter that somebody could set for nothing. Nothing was exported."""

    exit_code = 1


def probed(workspace: Workspace, name: str, say: Say | None = None) -> tuple[Probe, ...]:
    """probe() before an export, in its own bounds. Raises ChangesNothing naming the parameters that change nothing."""
    found = probe(workspace, name, Bounds(), say)
    idle = [one.sentence for one in found if one.sensitivity == "nothing"]
    if idle:
        raise ChangesNothing(" ".join(idle), next="Use it in a step, or take it out of the cell tagged `parameters`.")
    return found


@dataclass(slots=True, kw_only=True)
class _Trial:
    """The steps as they are, and what is tried upon them."""

    workspace: Workspace
    book: StepBook
    values: Mapping[str, object]
    folder: Path
    files: Files
    say: Say | None
    ends: float
    base: Made = field(default_factory=dict)
    noise: tuple[str, ...] = ()

    def probes(self, tries: Mapping[str, object]) -> Iterator[Probe]:
        self.base = self._as_it_is("base", "as it is")
        self.files.keep()
        self.noise = differing(self.base, self._as_it_is("again", "as it is, again"))
        for one, reach in zip(self.book.parameters, reaches(self.book.graph, self.book.parameters), strict=True):
            given = self.values.get(one.name, one.default)
            yield self._probe(one, given, reach.steps, (tries[one.name],) if one.name in tries else alternatives(one, given))

    def _as_it_is(self, label: str, what: str) -> Made:
        made, failed = self._run(label, what, self.values, [step.name for step in self.book.graph.steps])
        if failed:
            raise NotReady(f"{self.book.name} does not run step by step as it is: {failed}", next="Mend it, then probe.")
        return made

    def _probe(self, one: Parameter, given: object, steps: tuple[str, ...], others: tuple[object, ...]) -> Probe:
        told = Probe(parameter=one.name, default=shown_default(one) if one.secret or one.name not in self.values else repr(given))
        if not steps:
            return told  # no step reads it, so no run can show anything
        tried: list[str] = []
        for value in (other for other in others if other != given):
            tried.append("secret" if one.secret else repr(value))
            made, failed = self._run(f"{one.name}-{len(tried)}", f"{one.name} = {tried[-1]}", {**self.values, one.name: value}, steps)
            self.files.put_back()
            if time.monotonic() >= self.ends:  # a step that is cut short ends at or behind it, and is no answer
                return replace(told, tried=tuple(tried), why="the time for the probe is over; allow more with --within")
            changed = tuple(name for name in differing(self.base, made) if name not in self.noise)
            if changed or failed:
                return replace(told, tried=tuple(tried), changed=changed, failed=failed, unstable=self._noise_of(made))
        return self._unchanged(told, one, tuple(tried), {step: self.base[step] for step in steps})

    def _unchanged(self, told: Probe, one: Parameter, tried: tuple[str, ...], made: Made) -> Probe:
        """Nothing that can be compared changed; where something cannot be compared, that is no answer."""
        unseen, noise = uncompared(made), self._noise_of(made)
        why = f"{why_none(one)}; name one: --try {one.name}=VALUE" if not tried else ""
        why = why or (f"what may change has no fingerprint to compare: {', '.join(unseen[:5])}" if unseen else "")
        return replace(told, tried=tried, why=why or ("what may change differs between equal runs" if noise else ""), unstable=noise)

    def _noise_of(self, made: Made) -> tuple[str, ...]:
        return tuple(name for name in self.noise if name.partition(".")[0] in made)

    def _run(self, label: str, what: str, values: Mapping[str, object], names: Collection[str]) -> tuple[Made, str]:
        """(roots by step, how a step failed): these steps upon the values of the base, and all behind one that left another file."""
        own, left = self.folder / label, False
        made: Made = {}
        for step in self.book.graph.steps:
            if step.name not in names and not left:
                continue
            if self.say is not None:
                self.say(f"probing: {what}, step {step.name}")
            places = [self.folder / "base", own] if label != "base" else [own]
            seconds = 0 if self.ends == float("inf") else max(1, math.ceil(self.ends - time.monotonic()))
            before = self.files.stamps()
            try:
                done = run_step(self.workspace, self.book, step, places, own / step.name, values, recorded=False, timeout=seconds)
            except MlgovError as error:
                return made, f"step {step.name}: {error.what}"
            if done.outcome != "ok":
                return made, f"step {step.name}: {done.sentence}"
            written = {f"file {path}": digest for path, digest in self.files.changed(before).items()}
            made[step.name] = {**done.made, **written}
            left = left or any(self.base.get(step.name, {}).get(name, digest) != digest for name, digest in written.items())
        return made, ""
