"""What a statement may run, and which objects that may change in place: own functions by their bodies, others by what is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlgov.lineage.acts import LOCAL, Call, Effect, Function
from jupyter_mlgov.lineage.calls import CHANGING, DRAWING, FRESH_METHODS, READ_ONLY
from jupyter_mlgov.lineage.libraries import CHANGING_FUNCTIONS, EXECUTING, LOOKING_ROOTS, is_query
from jupyter_mlgov.lineage.values import Names


@dataclass(frozen=True, slots=True)
class Reach:
    """What a statement may run: functions, and the names they use."""

    functions: tuple[Function, ...]
    reads: frozenset[str]
    calls: tuple[Call, ...]


class Calls:
    """Questions about calls, answered from what the names hold now."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def reach(self, effect: Effect) -> Reach:
        """Every function that may run now, and what it reads: those the names carry, those written here, and those they use in turn."""
        seen: dict[Function, None] = {}
        waiting = [function for name in effect.reads for function in self.functions(name)]
        waiting += [] if effect.defines else effect.functions
        while waiting:
            function = waiting.pop()
            if function in seen:
                continue
            seen[function] = None
            waiting += [inner for name in function.body.reads for inner in self.functions(name)]
            waiting += function.body.functions
        reads = frozenset(name for function in seen for name in function.body.reads)
        calls = (*effect.calls, *(call for function in seen for call in function.body.calls))
        return Reach(functions=tuple(seen), reads=reads, calls=calls)

    def functions(self, name: str) -> frozenset[Function]:
        value = self.names.get(name)
        return value.functions if value is not None else frozenset()

    def can_change(self, name: str) -> bool:
        return not name.startswith(LOCAL) and name in self.names

    def looks_only(self, name: str) -> bool:
        """Is a method call on `name`, whose result nobody takes, only a look at it?"""
        return self.kind(name) in ("module", "data", "array")

    def softly(self, effect: Effect) -> set[str]:
        found = set()
        for name, method in {(one, method) for written, method in effect.soft for one in resolved({written}, effect)}:
            if not self.can_change(name) or self.looks_only(name) or (method in DRAWING and not self._is_drawn_on(name)):
                continue
            known = [function for function in self.functions(name) if function.name == method and function.method]
            if not known or any(self._changes_itself(function) for function in known):
                found.add(name)
        return found

    def _is_drawn_on(self, name: str) -> bool:
        value = self.names.get(name)
        return value is not None and value.origin in _CANVASES

    def kind(self, name: str) -> str:
        value = self.names.get(name)
        return value.kind if value is not None else ""

    def by_calls(self, reach: Reach, effect: Effect) -> set[str]:
        """Names whose objects a call may change because they are handed to it, or because it is their method."""
        found: set[str] = set()
        bodies = (effect, *(function.body for function in reach.functions))
        for body, call in [(one, call) for one in bodies for call in one.calls]:
            handed = {name for given in call.args for name in given}
            names = self._handed_and_changed(call, handed) | _into(call)
            if self._method_changes(call):
                names.add(call.base)
            found |= {name for name in resolved(names, body) if not name.startswith(LOCAL)}
        for function in reach.functions:
            if self._changes_params(function, function.kept, set()):  # its default is one object, for whoever carries the function
                found |= {name for name in self.names if function in self.functions(name)}
            if function.method and function.name.startswith("__") and function.name not in _HARMLESS and self._changes_itself(function):
                found |= {name for name in effect.reads if function in self.functions(name)}
        return {name for name in found if name in self.names}

    def _method_changes(self, call: Call) -> bool:
        base = self.names.get(call.base)
        if not call.path:  # `push = xs.append`, then `push(1)`
            method = base.origin.partition("method ")[2] if base is not None else ""
            return bool(method) and method not in READ_ONLY | FRESH_METHODS
        if call.path[-1] in EXECUTING and base is not None and base.kind not in ("module", "data", "array") and not is_query(call.texts):
            return True
        known = [function for function in self.functions(call.base) if function.method and function.name == call.path[-1]]
        return any(self._changes_itself(function) for function in known)

    def _handed_and_changed(self, call: Call, handed: set[str]) -> set[str]:
        base = self.names.get(call.base)
        last = call.path[-1] if call.path else call.base
        carried = {function for name in {*handed, call.base} for function in self.functions(name)}
        if base is None or base.kind == "module":
            root = base.module.partition(".")[0] if base is not None else "builtins"
            name = base.module.rpartition(".")[2] if base is not None and not call.path else last
            unbound = base is None and bool(call.path) and call.base in _CONTAINERS and name in CHANGING
            if (name in CHANGING_FUNCTIONS or unbound) and call.args:
                return set(call.args[0])
            if name == "to_sql":
                return set(handed)
            if base is None and (call.base.startswith(LOCAL) or not call.base):
                return set(handed) if not call.path else set()
            if base is not None and root not in LOOKING_ROOTS:
                return set(handed)
        elif call.path and call.path[-1] == "to_sql":
            return set(handed)
        elif call.path and not carried:
            return set()
        elif base.origin == "partial" and any(self._changes_given(function) for function in carried):
            return {*handed, call.base}
        elif not call.path and not any(self.functions(name) for name in handed):
            plain = [function for function in base.functions if not function.method]
            if plain and len(plain) == len(base.functions):
                return {name for function in plain for name in self._changed_by(function, call)}
        return set(handed) if any(self._changes_given(function) for function in carried) else set()

    def _changed_by(self, function: Function, call: Call) -> set[str]:
        """Which of the names handed to `function` in this call it may change, by the parameters they are handed in as."""
        found: set[str] = set()
        for place, (given, label) in enumerate(zip(call.args, call.labels, strict=True)):
            known = label != "*" and "*" not in call.labels[:place]
            params = function.params
            if known and not label and place < len(params):
                params = params[place : place + 1]
            elif known and LOCAL + label in params:
                params = (LOCAL + label,)
            if self._changes_params(function, params, set()):
                found |= given
        return found

    def _changes_itself(self, function: Function) -> bool:
        return bool(function.params) and self._changes_params(function, function.params[:1], set())

    def _changes_given(self, function: Function) -> bool:
        params = function.params[1:] if function.method else function.params
        return self._changes_params(function, params, set())

    def _changes_params(self, function: Function, params: tuple[str, ...], seen: set[Function]) -> bool:
        """May a call of `function` change what is handed in as one of `params`, itself or through what it calls?"""
        if function in seen or not params:
            return False
        seen.add(function)
        body, reached = function.body, set(params)
        for _ in range(len(body.binds) + len(body.keeps)):
            more = {bind.name for bind in body.binds if bind.sources & reached} | {name for name, held in body.keeps if held & reached}
            if more <= reached:
                break
            reached |= more
        if reached & (body.mutates | {name for name, _ in body.soft}):
            return True
        for call in body.calls:
            given = {name for one in call.args for name in one} & reached
            if given and self._handed_in_body(call, given, seen):
                return True
        return any(self._changes_params(inner, tuple(reached), seen) for inner in body.functions)

    def _handed_in_body(self, call: Call, given: set[str], seen: set[Function]) -> bool:
        base = self.names.get(call.base)
        if base is not None and base.functions:
            return any(self._changes_params(inner, inner.params, seen) for inner in base.functions)
        if base is None and call.base.startswith(LOCAL):
            return not call.path
        return bool(self._handed_and_changed(call, given))

    def given(self, sources: set[str]) -> frozenset[str]:
        """`sources`, and what the functions among them may give back."""
        found, seen = set(sources), set[Function]()
        waiting = list(sources)
        while waiting:
            for function in self.functions(waiting.pop()) - seen:
                seen.add(function)
                more = resolved(function.gives, function.body) - found
                found |= more
                waiting += more
        return frozenset(name for name in found if not name.startswith(LOCAL))


def _into(call: Call) -> set[str]:
    """What a call is told to write into: `out=`, `ax=`."""
    return {name for given, label in zip(call.args, call.labels, strict=True) if label in _INTO for name in given}


def resolved(names: Iterable[str], effect: Effect) -> set[str]:
    """`names`, and for those of a function's own the names whose objects they may be."""
    found = set(names)
    waiting = [name for name in found if name.startswith(LOCAL)]
    while waiting:
        name = waiting.pop()
        more = {source for bind in effect.binds if bind.name == name for source in bind.sources} - found
        found |= more
        waiting += [one for one in more if one.startswith(LOCAL)]
    return found


_HARMLESS = frozenset({"__init__", "__repr__", "__str__", "__new__", "__post_init__", "__init_subclass__", "__len__", "__eq__", "__hash__"})
_CONTAINERS = frozenset({"list", "dict", "set", "bytearray", "object"})
_CANVASES = frozenset(
    {"subplots", "subplot", "figure", "gca", "gcf", "axes", "add_subplot", "add_axes", "twinx", "twiny", "subplot_mosaic"}
)
_INTO = frozenset({"out", "ax", "axes", "cax", "fig"})
