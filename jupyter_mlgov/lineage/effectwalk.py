"""Walks through statements: who may be whom, what is called with what, which keys are meant."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from jupyter_mlgov.lineage.acts import ATTRIBUTE, LOCAL, Bind, Call, Effect, Function
from jupyter_mlgov.lineage.calls import CHANGING, DRAWING, FRESH_METHODS, PURE_BUILTINS, READ_ONLY
from jupyter_mlgov.lineage.scopes import Scope, arguments, bound, defaulted, defaults
from jupyter_mlgov.lineage.spelled import imported
from jupyter_mlgov.lineage.walk import Walk, called_magic


@dataclass(slots=True)
class _Found:
    """What a walk has gathered beside the names."""

    binds: list[Bind] = field(default_factory=list)
    keeps: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    soft: set[tuple[str, str]] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    stores: list[tuple[str, str]] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=dict)
    deletes: set[str] = field(default_factory=set)
    shell: list[str] = field(default_factory=list)
    gives: set[str] = field(default_factory=set)
    dynamic: set[str] = field(default_factory=set)
    held: bool = False
    computed: bool = False


class EffectWalk(Walk):
    """Names as Walk finds them, and with them who may be whom, what is called with what, and which keys are meant."""

    def __init__(self) -> None:
        super().__init__()
        self.found = _Found()
        self.shown: ast.AST | None = None
        self._dropped: ast.AST | None = None
        self._callee: ast.AST | None = None
        self._method = False

    def effect(self, *, source: str, shows: bool = False, simple: bool = False) -> Effect:
        found = self.found
        reads = {*self._reads, *self._late} if not simple else set(self._reads)
        keyed = {name: frozenset(keys) for name, keys in found.keys.items() if name not in found.whole and name in reads}
        written = [name for name in self._writes if name != "*"]
        return Effect(
            source=source,
            reads=frozenset(reads),
            keyed=tuple(sorted(keyed.items())),
            writes=tuple(written),
            sure=frozenset(name for name in written if name in self._defined or name in found.deletes),
            deletes=frozenset(name for name in found.deletes if name not in self._defined),
            mutates=frozenset(found.changed),
            soft=frozenset(found.soft),
            stores=tuple(found.stores) if simple else (),
            binds=tuple(found.binds),
            keeps=tuple(found.keeps),
            calls=tuple(found.calls),
            functions=tuple(found.functions),
            texts=tuple(self._texts),
            shell=tuple(found.shell),
            shows=shows,
            simple=simple,
            star="*" in self._writes,
            dynamic=frozenset(found.dynamic),
            computed=found.computed,
            unknown=tuple(self._unknown),
        )

    def _any_name(self, builtin: str) -> None:
        super()._any_name(builtin)
        self.found.dynamic.add(builtin)

    def _computed(self, node: ast.Call) -> None:
        """What is called by a made-up name may change its object and all it is given."""
        super()._computed(node)
        func = node.func
        if isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr" and self._outside("getattr"):
            self.found.computed = True
            for given in (*func.args[:1], *node.args, *(word.value for word in node.keywords)):
                self._change(given)
        self.found.computed = self.found.computed or imported(node) == ""

    # -- names, marked ------------------------------------------------------------------------------------------------

    def _marked(self, name: str) -> str:
        return name if self._outside(name) else LOCAL + name

    def _sources(self, node: ast.AST | None) -> frozenset[str]:
        """Names whose objects the value of `node` may be, hold or share memory with."""
        if node is None or isinstance(node, (ast.Constant, ast.JoinedStr, ast.Compare, ast.UnaryOp)):
            return frozenset()
        if isinstance(node, ast.Lambda):
            return frozenset().union(*map(self._sources, defaults(node.args)))
        if isinstance(node, ast.Name):
            return frozenset({self._marked(node.id)})
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Await, ast.YieldFrom)):
            return self._sources(node.value)
        if isinstance(node, ast.Call):
            return self._call_sources(node)
        if isinstance(node, ast.BinOp):
            sides = [side for side in (node.left, node.right) if isinstance(side, (ast.Name, ast.List, ast.Dict, ast.Tuple, ast.BinOp))]
            return frozenset().union(*map(self._sources, sides)) if isinstance(node.op, (ast.Add, ast.BitOr, ast.Mult)) else frozenset()
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            return frozenset(self._marked(one.id) for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
        inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return frozenset().union(*map(self._sources, inner))

    def _call_sources(self, node: ast.Call) -> frozenset[str]:
        given = [*node.args, *(word.value for word in node.keywords)]
        if isinstance(node.func, ast.Name) and node.func.id in PURE_BUILTINS and self._outside(node.func.id):
            return frozenset()
        if isinstance(node.func, ast.Attribute) and node.func.attr in FRESH_METHODS and not _is_shallow(node.func):
            return frozenset()
        return frozenset().union(self._sources(node.func), *map(self._sources, given))

    def _change(self, node: ast.AST) -> None:
        self.found.changed.update(self._sources(node))

    def _mutate(self, node: ast.AST) -> None:
        """Walk's word for an object that may be changed in place, wherever the chain begins."""
        super()._mutate(node)
        self._change(node)

    # -- reads by key -------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        super().visit_Name(node)
        if isinstance(node.ctx, ast.Load):
            self.found.whole.add(node.id)
        elif isinstance(node.ctx, ast.Del) and not self._scopes:
            self.found.deletes.add(node.id)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        keys = _keys(node.slice)
        if keys and isinstance(node.value, ast.Name) and self._outside(node.value.id) and not self._scopes:
            name, seen = node.value.id, node.value.id in self.found.whole
            self.found.keys.setdefault(name, set()).update(keys if isinstance(node.ctx, ast.Load) else ())
            super().visit_Subscript(node)
            self.found.whole -= set() if seen else {name}
            return
        super().visit_Subscript(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load) and node.attr in CHANGING and node is not self._callee:
            self._change(node.value)  # `map(xs.append, ys)`: somebody is going to call it
        plain = isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and not self._scopes
        before = set(self.found.whole)
        super().visit_Attribute(node)
        if plain and isinstance(node.value, ast.Name):
            self.found.keys.setdefault(node.value.id, set())
            self.found.whole = before

    # -- binding ------------------------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        super().visit_Assign(node)
        for target in node.targets:
            self._bind(target, node.value)
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and len(_keys(target.slice)) == 1:
                self.found.stores.append((self._marked(target.value.id), _keys(target.slice)[0]))
            elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                self.found.stores.append((self._marked(target.value.id), ATTRIBUTE + target.attr))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        super().visit_AnnAssign(node)
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        super().visit_AugAssign(node)
        if isinstance(node.target, ast.Name):
            own = self._marked(node.target.id)
            self.found.binds.append(Bind(name=own, sources=frozenset({own})))
        held = self._sources(node.value)
        self.found.keeps += [(name, held) for name in self._sources(node.target) if held]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        super().visit_NamedExpr(node)
        self._bind(node.target, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind(node.target, node.iter)
        super().visit_For(node)

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.generic_visit(node)
        if node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr)

    def visit_Match(self, node: ast.Match) -> None:
        before = set(self._writes)
        super().visit_Match(node)
        held = self._sources(node.subject)
        self.found.binds += [Bind(name=name, sources=held) for name in self._writes if name not in before]

    def _bind(self, target: ast.AST, value: ast.AST) -> None:
        """`target = value`: who may be whom from now on."""
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
            for place, inner in enumerate(target.elts):
                self._bind(inner, parts[place] if parts else value)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, value)
        elif isinstance(target, ast.Name):
            origin = self._call(value) if isinstance(value, ast.Call) else None
            constant = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
            sources = self._sources(value)
            plain = isinstance(value, (ast.Constant, ast.JoinedStr, ast.Compare)) and not sources
            picked = isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Constant)
            bind = Bind(name=self._marked(target.id), sources=sources, origin=origin, constant=constant, plain=plain, picked=picked)
            module = imported(value) or ""
            self.found.binds.append(replace(bind, module=module, attribute=_path(value), anything=self._is_anything(value)))
        else:
            held = self._sources(value)
            self.found.keeps += [(name, held) for name in self._sources(target) if held]

    def _is_anything(self, value: ast.AST) -> bool:
        """`globals()`, `eval` itself: what holds it reaches every name."""
        func = value.func if isinstance(value, ast.Call) and not value.args else value
        return isinstance(func, ast.Name) and func.id in self.found.dynamic and (func is value or func.id not in ("eval", "exec", "dir"))

    def visit_Import(self, node: ast.Import) -> None:
        super().visit_Import(node)
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.found.binds.append(Bind(name=self._marked(name), module=alias.name if alias.asname else name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        super().visit_ImportFrom(node)
        for alias in node.names:
            if alias.name != "*":
                module = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                self.found.binds.append(Bind(name=self._marked(alias.asname or alias.name), module=module))

    # -- calls --------------------------------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self._dropped = value
            if isinstance(value.func, ast.Attribute) and value.func.attr not in (READ_ONLY | FRESH_METHODS) - DRAWING:
                # A last expression may be a question, and a plain object may be changed all the same: its kind will tell.
                self.found.soft.update((name, value.func.attr) for name in self._sources(value.func.value))
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        outer, self._callee = self._callee, node.func
        super().visit_Call(node)
        self._callee = outer
        call = self._call(node)
        self.found.calls.append(call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            held = frozenset().union(*call.args)
            self.found.keeps += [(name, held) for name in self._sources(node.func.value) if held and node.func.attr not in _LEARNING]
        magic = called_magic(node)
        if magic is not None and magic.shell:
            self.found.shell.append(magic.shell)

    def _call(self, node: ast.Call) -> Call:
        path: list[str] = []
        func: ast.AST = node.func
        words = {word.arg or "**" for word in node.keywords}
        while isinstance(func, (ast.Attribute, ast.Subscript, ast.Call)):
            path += [func.attr] if isinstance(func, ast.Attribute) else []
            words |= {word.arg or "**" for word in func.keywords} if isinstance(func, ast.Call) else set()
            func = func.func if isinstance(func, ast.Call) else func.value
        given = [*node.args, *(word.value for word in node.keywords)]
        return Call(
            base=self._marked(func.id) if isinstance(func, ast.Name) else "",
            path=tuple(reversed(path)),
            args=tuple(self._sources(one) for one in given),
            labels=(*("*" if isinstance(one, ast.Starred) else "" for one in node.args), *(word.arg or "*" for word in node.keywords)),
            words=frozenset(words),
            texts=tuple(one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)),
            dropped=node is self._dropped and node is not self.shown,
        )

    # -- functions ----------------------------------------------------------------------------------------------------

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)
        self.found.gives |= self._sources(node.value)

    def visit_Yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.generic_visit(node)
        self.found.gives |= self._sources(node.value)

    visit_YieldFrom = visit_Yield

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._named = node.name
        super().visit_FunctionDef(node)
        self.found.binds.append(Bind(name=self._marked(node.name), sources=frozenset().union(*map(self._sources, defaults(node.args)))))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self._method = self._method, True
        super().visit_ClassDef(node)
        self._method = outer
        shared = any(isinstance(inner, (ast.Assign, ast.AnnAssign)) and _is_changeable(inner.value) for inner in node.body)
        methods = [inner for inner in node.body if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))]
        held = [self._sources(default) for method in methods for default in defaults(method.args)]
        self.found.binds.append(Bind(name=self._marked(node.name), sources=frozenset().union(*held), shared=shared))

    _named = "<lambda>"

    def _function(self, args: ast.arguments, body: Iterable[ast.AST]) -> None:
        body, name = list(body), self._named
        self._named = "<lambda>"
        kept = [(LOCAL + arg.arg, default) for arg, default in defaulted(args) if not isinstance(default, ast.Constant)]
        if any(scope.kind == "function" for scope in self._scopes):
            self.found.binds += [Bind(name=param, sources=self._sources(default)) for param, default in kept]
            super()._function(args, body)  # a function in a function acts, for all we know, when the outer one does
            return
        inner = EffectWalk()
        own = bound(body)
        params = tuple(arg.arg for arg in arguments(args))
        inner._scopes = [*self._scopes, Scope(kind="function", local=(own.local | set(params)) - own.globals, globals_=own.globals)]
        inner._all(body)
        if len(body) == 1 and isinstance(body[0], ast.expr):
            inner.found.gives |= inner._sources(body[0])
        lazy = any(isinstance(one, (ast.Yield, ast.YieldFrom, ast.Nonlocal)) for node in body for one in ast.walk(node))
        self.found.functions.append(
            Function(
                name=name,
                params=tuple(LOCAL + one for one in params),
                kept=tuple(param for param, _ in kept),
                body=inner.effect(source=""),
                gives=frozenset(inner.found.gives),
                lazy=lazy,
                method=self._method,
            )
        )
        self._texts.update(inner._texts)
        self._unknown.update(inner._unknown)

    def _comprehension(self, generators: list[ast.comprehension], results: list[ast.expr]) -> None:
        targets = [(part, [one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)]) for part in generators]
        own = {name for _, names in targets for name in names}
        for part, names in targets:
            held = frozenset(LOCAL + name if name in own else name for name in self._sources(part.iter))
            self.found.binds += [Bind(name=LOCAL + name, sources=held) for name in names]
        super()._comprehension(generators, results)

    def visit_GeneratorExp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        """Its names are read now, and again when somebody takes its items."""
        before = set(self._reads)
        self._comprehension(node.generators, [node.elt])
        own = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and self._outside(one.id)} | (set(self._reads) - before)
        late = Effect(reads=frozenset(names - own))
        self.found.functions.append(Function(name="<generator>", params=(), body=late, lazy=True))


_LEARNING = frozenset({"fit", "fit_transform", "fit_predict", "partial_fit", "set_params", "clear", "sort", "remove", "discard", "fill"})


def _keys(node: ast.AST) -> tuple[str, ...]:
    """Constant text keys of a subscript: `["a"]`, `[["a", "b"]]`."""
    parts = node.elts if isinstance(node, ast.List) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return tuple(texts) if len(texts) == len(parts) else ()


def _path(node: ast.AST) -> str:
    """`b.c` of a plain `a.b.c`; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed(parts)) if isinstance(node, ast.Name) else ""


def _is_shallow(func: ast.Attribute) -> bool:
    """`copy.copy` copies no more than the outermost object."""
    return func.attr == "copy" and isinstance(func.value, ast.Name) and func.value.id == "copy"


def _is_changeable(node: ast.AST | None) -> bool:
    return isinstance(node, (ast.List, ast.Dict, ast.Set, ast.Call, ast.ListComp, ast.DictComp, ast.SetComp))
