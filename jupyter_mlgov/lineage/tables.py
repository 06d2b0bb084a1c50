"""The tables, arrays and models a notebook's cells take in, make and change: what of them is measured, when, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from jupyter_mlgov.audit.journal import ObjectStore
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage import boundary
from jupyter_mlgov.lineage.facts import CellRun, ObjectRef
from jupyter_mlgov.lineage.keeper import ModelKeeper
from jupyter_mlgov.lineage.later import BIG, NOT_YET, runs_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Big tables of a cell that ended, to be measured before other code runs. `before` are roots at its begin, `kept` what is stored."""

    names: tuple[str, ...] = ()
    before: Mapping[str, Digest] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run with its outputs, and the references that were taken for it. It counts only once it is given to Tables.trust()."""

    run: CellRun
    refs: tuple[ObjectRef, ...] = ()


class Tables:
    """What is known of the notebook's tables. Names in `keep` are tables whose content is stored whenever a cell changed them."""

    def __init__(self, *, objects: ObjectStore, keep: frozenset[str]) -> None:
        self.keeper = ModelKeeper()
        self._objects, self._keep = objects, keep
        self._last: dict[str, Digest] = {}
        # Name -> (object, reference): measured since code ran last. `_ready` is what the code that starts now may rely on.
        self._fresh: dict[str, tuple[object, ObjectRef]] = {}
        self._ready: dict[str, tuple[object, ObjectRef]] = {}
        self._beside = False

    def before_code(self) -> None:
        """Code is about to run: what was measured holds for its begin and no longer."""
        self._ready, self._fresh = self._fresh, {}

    def begin(self, code: str) -> None:
        """A cell with this text starts; its inputs were taken."""
        self._fresh, self._ready = {}, {}
        self._beside = self._beside or runs_beside(code)

    def inputs(self, read: Iterable[str], namespace: Mapping[str, object]) -> tuple[ObjectRef, ...]:
        """References to what the cell is about to read. A table that was measured since the last code ran is not measured again."""
        found: list[ObjectRef] = []
        for name in read:
            value, ref = self._ready.get(name) or self._fresh.get(name) or (None, None)
            found += [ref] if ref is not None and namespace.get(name) is value else boundary.references([name], namespace)
        return tuple(found)

    def outputs(self, done: CellRun, namespace: Mapping[str, object]) -> tuple[CellRun, Late]:
        """Tables, arrays and models the cell made or changed. What a tagged cell took in is measured again: a call may have changed it.

        Big ones are only named in the run, and stand in the second value for later.
        """
        touched = dict.fromkeys([*done.writes, *done.reads])
        kept = tuple(name for name in self._keep if name in touched or _is_alias(name, touched, namespace))
        looked = list(dict.fromkeys([*(done.writes if done.step else ()), *(ref.name for ref in done.inputs), *kept]))
        before = {ref.name: ref.fingerprint.root for ref in done.inputs if ref.fingerprint}
        names = () if self._beside else tuple(name for name in looked if boundary.weight(namespace.get(name)) > BIG)
        late = Late(names=names, before=before, kept=kept)
        found = self.measure(done, [name for name in looked if name not in names], late, namespace)
        self.trust(found, {})
        waiting = [boundary.unmeasured(name, namespace, NOT_YET) for name in names if name in found.run.writes]
        return (replace(found.run, outputs=(*found.run.outputs, *waiting)) if waiting else found.run), late

    def measure(self, done: CellRun, looked: Iterable[str], late: Late, namespace: Mapping[str, object]) -> Measured:
        """`done` with those of `looked` that the cell made or changed: their roots are not those of its begin, or of the last look."""
        refs = boundary.references(looked, namespace)
        outputs, changed = [], []
        for ref in refs:
            now = ref.fingerprint.root if ref.fingerprint else None
            was = late.before.get(ref.name) or (self._last.get(ref.name) if ref.name not in done.writes else None)
            if ref.name not in done.writes and (now == was or (was is None and ref.name not in late.kept)):
                continue
            outputs.append(self._stored(ref, done, namespace))
            changed += [ref.name] if ref.name not in done.writes and was is not None else []
        if not outputs:
            return Measured(run=done, refs=refs)
        return Measured(run=replace(done, outputs=(*done.outputs, *outputs), writes=(*done.writes, *changed)), refs=refs)

    def trust(self, found: Measured, tables: Mapping[str, object]) -> None:
        """No code ran while this was measured: later looks may compare with it, and the next begin may rely on `tables`."""
        for ref in found.run.outputs:
            if ref.fingerprint is not None:
                self._last[ref.name] = ref.fingerprint.root
        self._fresh.update({ref.name: (tables[ref.name], ref) for ref in found.refs if ref.name in tables})

    def _stored(self, ref: ObjectRef, done: CellRun, namespace: Mapping[str, object]) -> ObjectRef:
        if ref.kind == "table" and ref.name in self._keep:
            digest, note = boundary.store_table(namespace[ref.name], self._objects)
            return replace(ref, stored=digest, note=boundary.clean("; ".join(filter(None, (ref.note, note))), 300))
        if ref.kind == "model" and done.step is not None and done.step.kind == "train":
            digest, note = boundary.store_model(namespace[ref.name], self._objects, self.keeper)
            print_ = ref.fingerprint if digest else None
            return replace(ref, stored=digest, fingerprint=print_, note=boundary.clean("; ".join(filter(None, (ref.note, note))), 300))
        return ref


def _is_alias(name: str, touched: Iterable[str], namespace: Mapping[str, object]) -> bool:
    return name in namespace and any(namespace.get(other) is namespace[name] for other in touched)
