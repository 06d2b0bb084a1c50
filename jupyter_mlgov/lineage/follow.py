"""A notebook run from top to bottom without running it: for each cell, which values it takes and makes, as digests of how they came to be.

Law: two cells with the same digest have the same text and take the same values, so they do the same (where the notebook is deterministic).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from jupyter_mlgov.lineage.acts import ATTRIBUTE, LOCAL, Bind, CellEffects, Effect, Function
from jupyter_mlgov.lineage.changes import Calls, Reach, resolved
from jupyter_mlgov.lineage.effects import effects
from jupyter_mlgov.lineage.libraries import LOOKING_ROOTS, named_in
from jupyter_mlgov.lineage.making import made_by, module_of, path_text
from jupyter_mlgov.lineage.nameless import DISPLAY, SHOWN, STAR, Nameless, keeps_plots, sets_seed, state_of
from jupyter_mlgov.lineage.values import NOTHING, Names, Value, mixed, mixed_with

_SHOWN_NAME = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|Out|In")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One cell of the imagined run. `takes`, `makes`: name -> digest before it and after it. `before`, `after`: the same as values.

    `keyed`: names of which it reads these keys alone; `stored`: names of which it sets these keys and changes nothing else. `binds`: names
    it gave a new object. `holds`: names whose objects it keeps under another name. `digest`: of its statements and all they took.
    """

    digest: str
    takes: dict[str, str]
    makes: dict[str, str]
    before: dict[str, Value]
    after: dict[str, Value]
    keyed: dict[str, frozenset[str]]
    stored: dict[str, frozenset[str]]
    binds: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Cell:
    parts: list[str] = field(default_factory=list)
    takes: dict[str, str] = field(default_factory=dict)
    makes: dict[str, str] = field(default_factory=dict)
    before: dict[str, Value] = field(default_factory=dict)
    keyed: dict[str, set[str]] = field(default_factory=dict)
    stored: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)
    unknown: dict[str, None] = field(default_factory=dict)


def follow(sources: Sequence[str], *, seeded: bool | None = None) -> tuple[list[Trace], Names]:
    """Run these cells in this order. `seeded`: some cell sets the seed of a shared random generator (found out where not told)."""
    cells = [effects(source) for source in sources]
    run = _Run(sets_seed(sources) if seeded is None else seeded, keeps_plots(sources))
    return [run.cell(one) for one in cells], run.names


class _Run:
    def __init__(self, seeded: bool, plots: bool) -> None:  # facts of the notebook, not modes
        self.names = Names()
        self.calls = Calls(self.names)
        self._nameless = Nameless(self.names, self.calls, seeded=seeded, plots=plots)
        self._place = 0
        self._now = _Cell()
        self._joint = 0

    def cell(self, cell: CellEffects) -> Trace:
        self._now = now = _Cell()
        for effect in cell.statements:
            self._step(effect)
        self._place += 1
        return Trace(
            digest=mixed(*now.parts),
            takes=now.takes,
            makes=now.makes,
            before=now.before,
            after={name: value for name in now.makes if (value := self.names.get(name)) is not None},
            keyed={name: frozenset(keys) for name, keys in now.keyed.items() if name not in now.whole},
            stored={name: frozenset(keys) for name, keys in now.stored.items() if name not in now.changed},
            binds=frozenset(now.binds),
            holds=frozenset(now.holds),
            unknown=tuple(now.unknown),
        )

    # -- one statement ------------------------------------------------------------------------------------------------

    def _step(self, effect: Effect) -> None:
        reach = self.calls.reach(effect)
        effect, self._joint = self._anything(effect, reach), 0
        stored = self._stored(effect, reach)
        taken = self._taken(effect, reach, stored)
        bits = 1 << self._place
        for name in taken:
            value = self.names.get(name)
            bits |= value.slice if value is not None else 0
        done = mixed_with(effect.source, taken)
        narrow = mixed_with(effect.source, {**taken, stored: self._by_keys(stored, dict(effect.keyed)[stored])}) if stored else ""
        self._now.parts.append(done)
        self._now.unknown.update(dict.fromkeys(effect.unknown))
        self._change(effect, reach, done, bits, (stored, narrow))
        self._bind(effect, done, bits)
        self._hidden(effect, reach, done, bits)

    def _anything(self, effect: Effect, reach: Reach) -> Effect:
        """`effect` with all that may let it read or change any name: built-ins that nobody shadowed, and names that hold such a thing."""
        used = effect.dynamic.union(*(function.body.dynamic for function in reach.functions))
        held = {name for name in effect.reads | reach.reads if self.calls.kind(name) == "anything"}
        found = frozenset(name for name in used if name not in self.names) | held
        said = [f"`{name}` may read or change any name." for name in sorted(held)]
        return replace(effect, dynamic=found, unknown=tuple(dict.fromkeys([*effect.unknown, *said])))

    # -- what it takes ------------------------------------------------------------------------------------------------

    def _stored(self, effect: Effect, reach: Reach) -> str:
        """The one name of which this statement sets a constant key, and of which it reads nothing but by constant keys; else nothing."""
        names = {name for name, _ in effect.stores}
        alone = effect.simple and len(names) == 1 and effect.mutates == names and not names & {name for name, _ in effect.soft}
        name = names.pop() if alone else ""
        value = self.names.get(name)
        return name if value is not None and value.kind != "module" and name in dict(effect.keyed) and name not in reach.reads else ""

    def _by_keys(self, name: str, keys: Iterable[str]) -> str:
        value = self.names.get(name)
        return mixed(*(value.key(key) for key in sorted(keys))) if value is not None else ""

    def _taken(self, effect: Effect, reach: Reach, stored: str) -> dict[str, str]:
        keyed, changed = dict(effect.keyed), {*effect.mutates, *(name for name, _ in effect.soft), *effect.writes}
        taken: dict[str, str] = {}
        for name in effect.reads:
            value = self.names.get(name)
            if value is None or name not in keyed or name in reach.reads or value.kind == "module":
                self._take(name, taken)
            elif name == stored:
                taken[name] = value.digest
                self._took(name, value.digest, by_key=keyed[name], whole=False)
            elif name not in changed:
                taken[name] = self._by_keys(name, keyed[name])
                self._took(name, taken[name], by_key=keyed[name])
            else:
                self._take(name, taken)
        for name in reach.reads:
            self._take(name, taken)
        weak = [name for name in effect.writes if name not in effect.sure]
        weak += [name for function in reach.functions for name in function.body.writes]
        for name in weak:
            if name in self.names:
                self._take(name, taken)
        if effect.dynamic or (effect.star and self._now.unknown):
            for name in list(self.names):
                self._take(name, taken)
        for name in self._named_in_texts(reach) | self._nameless.taken(effect, reach):
            self._take(name, taken)
        return taken

    def _named_in_texts(self, reach: Reach) -> set[str]:
        """Names in the texts that a call is given: SQL over tables of the notebook, `df.query("a > @limit")`."""
        found = set[str]()
        for call in reach.calls:
            base = self.names.get(call.base)
            last = call.path[-1] if call.path else base.module.rpartition(".")[2] if base is not None and base.module else call.base
            held = [value.constant for given in call.args for name in given if (value := self.names.get(name)) and value.constant]
            found |= named_in(last, base.kind if base is not None else "", [*call.texts, *held])
        return {name for name in found if name in self.names}

    def _take(self, name: str, taken: dict[str, str]) -> None:
        value = self.names.get(name)
        if value is None:
            star = self.names.get(STAR)
            if _SHOWN_NAME.fullmatch(name):
                taken[SHOWN] = self._digest(SHOWN)
                self._took(SHOWN, taken[SHOWN])
                return
            taken[name] = star.digest if star is not None and " " not in name else f"undefined {name}"
            if star is not None:
                self._took(STAR, star.digest)
        else:
            taken[name] = value.digest
            if value.kind == "module":
                hidden = state_of(value.module)
                if hidden in self.names:
                    self._take(hidden, taken)
        self._took(name, taken[name])

    def _took(self, name: str, digest: str, *, by_key: frozenset[str] | None = None, whole: bool = True) -> None:
        now, value = self._now, self.names.get(name)
        if name in now.binds:
            return
        if name not in now.makes:
            label = f"{name}[{', '.join(sorted(by_key))}]" if by_key and whole else name
            now.takes.setdefault(label, digest)
            if value is not None:
                now.before.setdefault(name, value)
        if by_key is None:
            now.whole.add(name)
        else:
            now.keyed.setdefault(name, set()).update(by_key - now.stored.get(name, set()))

    def _digest(self, name: str) -> str:
        value = self.names.get(name)
        return value.digest if value is not None else f"undefined {name}"

    # -- what it changes in place -------------------------------------------------------------------------------------

    def _change(self, effect: Effect, reach: Reach, done: str, bits: int, stored: tuple[str, str]) -> None:
        for container, held in effect.keeps:
            for one in resolved({container}, effect):
                self._keep(one, held, effect)
        direct = {name for name in resolved(effect.mutates, effect) if self.calls.can_change(name)}
        changed = direct | self.calls.softly(effect) | self.calls.by_calls(reach, effect)
        for function in reach.functions:
            softly = {name for name in resolved({name for name, _ in function.body.soft}, function.body) if not self.calls.looks_only(name)}
            changed |= {name for name in resolved(function.body.mutates, function.body) | softly if not name.startswith(LOCAL)}
        changed |= {name for name in effect.reads | reach.reads if self.calls.kind(name) in ("lazy", "random")}
        for name in changed:
            self._changed(name, effect, done, bits, stored[1] if changed == {name} == {stored[0]} else "")

    def _changed(self, name: str, effect: Effect, done: str, bits: int, narrow: str) -> None:
        value = self.names.get(name)
        if value is None:
            return
        if value.kind == "module":
            self._put_hidden(state_of(value.module), done, bits)
            if value.module.partition(".")[0] in LOOKING_ROOTS:
                self._put_hidden(DISPLAY, done, bits)
            return
        keys = [key for _, key in effect.stores] if narrow else []
        for other in self.names.holders(value.regions):
            held = self.names.get(other) or value
            if other not in self._now.makes and other not in self._now.binds:
                self._now.before.setdefault(other, held)
            if narrow and (other == name or not held.regions & value.regions):
                # An object sees what is set on its class, as something that can be set again.
                own = keys if other == name else [f"{ATTRIBUTE}{name}.{key}" for key in keys]
                self.names.store(other, done, bits, own, narrow)
                self._now.stored.setdefault(other, set()).update(own)
                self._now.keyed.setdefault(other, set())
                self._now.makes[other] = self._digest(other)
            else:
                self._now.whole.add(other)
                self.names.change(other, done, bits)
                self._made(other)

    def _keep(self, container: str, held: frozenset[str], effect: Effect) -> None:
        """`container` holds these objects from now on, and whoever shares it does too."""
        value = self.names.get(container)
        regions = self.names.regions(name for name in held if self.calls.kind(name) != "module")
        functions = frozenset().union(*map(self.calls.functions, held), effect.functions)
        if value is None or value.kind == "module" or not (regions - value.regions or functions - value.functions):
            return
        if value.kind == "data" and not functions:
            return  # a table copies what it is given
        for other in self.names.holders(value.regions):
            was = self.names.get(other)
            if was is not None:
                self.names.put(other, replace(was, regions=was.regions | regions, functions=was.functions | functions))
        self._now.holds.update(held)

    # -- what it binds ------------------------------------------------------------------------------------------------

    def _bind(self, effect: Effect, done: str, bits: int) -> None:
        # In `a, b = b, a` each takes what the other was before; in `x = (v := [1]) + y` the second takes what the first makes.
        were = [self._were(bind, effect) for bind in effect.binds] if len(effect.binds) > 1 else []
        for _ in range(1 if effect.simple or len(effect.binds) < 2 else 2):
            for place, bind in enumerate(effect.binds):
                if not bind.name.startswith(LOCAL):
                    self._bind_one(bind, effect, done, bits, were[place] if were else None)
        if not effect.simple:
            for name in effect.mutates | {name for name, _ in effect.soft}:
                if self.calls.can_change(name) and name in effect.writes and not self.calls.looks_only(name):
                    for other in self.names.holders(self.names.regions([name])):
                        self.names.change(other, done, bits)
                        self._made(other)
        bound = {bind.name for bind in effect.binds}
        for name in effect.writes:
            if name not in bound and name not in effect.deletes:
                self._put(name, Value(digest=mixed(done, name), regions=self._any(effect), slice=bits), effect)
        for name in effect.deletes:
            if name in self.names:
                self.names.drop(name)
                self._now.makes[name] = f"undefined {name}"

    def _any(self, effect: Effect) -> frozenset[int]:
        return self.names.regions(effect.reads) | {self.names.region()}

    def _bind_one(self, bind: Bind, effect: Effect, done: str, bits: int, were: Value | None) -> None:
        digest = mixed(done, bind.name)
        module = bind.module or module_of(bind, self.names)
        if bind.module and effect.simple:  # an import brings the same however it is written
            taken = self._nameless.taken(effect, Reach(functions=(), reads=frozenset(), calls=()))
            digest = mixed("import", bind.module, *(self._digest(name) for name in sorted(taken)))
        if module or bind.anything:
            value = Value(digest=digest, kind="anything" if bind.anything else "module", module=module, slice=bits)
            self._put(bind.name, value, effect)
            return
        sources = self.calls.given(resolved(bind.sources, effect))
        values = [held for name in sources if (held := self.names.get(name)) is not None]
        kind, shares, origin = made_by(bind, values, self.names)
        functions = frozenset(effect.functions).union(*(value.functions for value in values))
        watched: frozenset[int] = NOTHING
        if were is not None:
            functions, kind = functions | were.functions, kind if kind == were.kind else ""
        if bind.origin is not None and not bind.origin.path and (maker := self.names.get(bind.origin.base)) is not None:
            sources, watched = (sources if maker.shared else sources - {bind.origin.base}), maker.regions
        if any(function.lazy and function.name == (bind.origin.base if bind.origin else "<generator>") for function in functions):
            kind = "lazy"
        fresh = frozenset({self.names.region()})
        regions = (
            NOTHING if bind.plain else (fresh | self.names.regions(sources) | (were.regions if were else NOTHING) if shares else fresh)
        )
        if shares and kind == "data" and bind.origin is not None and not bind.origin.path:
            functions = frozenset()
        self._now.holds.update(name for name in sources if shares and self.names.regions([name]) and name != bind.name)
        if bind.attribute:
            origin = f"method {bind.attribute.rpartition('.')[2]}"
        regions |= self._together(bind, effect, kind)
        constant = bind.constant if bind.constant is not None else path_text(bind, self.names)
        value = Value(
            digest=digest,
            regions=regions,
            watched=watched,
            functions=functions,
            kind=kind,
            constant=constant,
            origin=origin,
            slice=bits,
            shared=bind.shared,
        )
        self._put(bind.name, value, effect)

    def _together(self, bind: Bind, effect: Effect, kind: str) -> frozenset[int]:
        """What `fig, ax = plt.subplots()` makes hangs together: a change of one may be seen through the other."""
        origin = bind.origin
        if origin is None or kind in ("data", "array") or sum(other.origin == origin for other in effect.binds) < 2:
            return NOTHING
        own = self.names.get(origin.base)
        if own is not None and own.kind != "module" and not origin.path:
            return NOTHING
        self._joint = self._joint or self.names.region()
        return frozenset({self._joint})

    def _were(self, bind: Bind, effect: Effect) -> Value:
        """What the sources of `bind` were before the statement bound anything."""
        sources = self.calls.given(resolved(bind.sources, effect))
        values = [held for name in sources if (held := self.names.get(name)) is not None]
        kind = made_by(bind, values, self.names)[0]
        functions = frozenset[Function]().union(*(value.functions for value in values))
        return Value(digest="", regions=self.names.regions(sources), functions=functions, kind=kind)

    def _put(self, name: str, value: Value, effect: Effect) -> None:
        old = self.names.get(name)
        if name not in effect.sure and old is not None:
            value = replace(
                value,
                regions=value.regions | old.regions,
                functions=value.functions | old.functions,
                kind="" if value.kind != old.kind else old.kind,
            )
        self.names.put(name, value)
        self._now.binds.add(name)
        self._made(name)

    def _made(self, name: str) -> None:
        self._now.changed.add(name)
        self._now.makes[name] = self._digest(name)

    # -- what has no name ---------------------------------------------------------------------------------------------

    def _hidden(self, effect: Effect, reach: Reach, done: str, bits: int) -> None:
        for name in self._nameless.made(effect, reach):
            self._put_hidden(name, done, bits)
        for function in reach.functions:
            for name in function.body.writes:
                was = self.names.get(name)
                regions = self._any(effect) | self.names.regions(reach.reads) | (was.regions if was else NOTHING)
                functions = frozenset().union(*map(self.calls.functions, reach.reads | effect.reads))
                self.names.put(name, Value(digest=mixed(done, name), regions=regions, functions=functions, slice=bits))
                self._now.binds.add(name)
                self._made(name)
        if effect.star or effect.dynamic:
            for name in [name for name in self.names if " " not in name]:
                self.names.change(name, done, bits)
                self._made(name)
            self._put_hidden(STAR, done, bits)
        if effect.shows:
            self._put_hidden(SHOWN, done, bits)

    def _put_hidden(self, name: str, done: str, bits: int) -> None:
        old = self.names.get(name)
        chained = old.digest if old is not None and (name == DISPLAY or name.startswith("the state")) else ""
        self.names.put(name, Value(digest=mixed(done, name, chained), slice=bits | (old.slice if old else 0)))
        self._made(name)
