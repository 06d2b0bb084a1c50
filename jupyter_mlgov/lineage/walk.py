"""One pass through a cell's syntax tree in the order of execution: the names it reads, binds and changes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from jupyter_mlgov.lineage.calls import CHANGING, READ_ONLY
from jupyter_mlgov.lineage.flows import Dataflow, Definition
from jupyter_mlgov.lineage.magics import MagicFlow, magic_flow, parse
from jupyter_mlgov.lineage.scopes import Scope, arguments, base_of, bound, defaults, hints, is_false
from jupyter_mlgov.lineage.spelled import imported

LONGEST_TEXT = 1024
# Built-ins through which any name may be read or changed; `vars` and `dir` only where they are asked about nothing.
DYNAMIC = frozenset({"exec", "eval", "globals", "locals", "vars", "dir"})
_OF_OBJECTS = frozenset({"vars", "dir"})


class Walk(ast.NodeVisitor):
    """One pass in the order of execution; where ways part, a name counts as defined only if every way defines it."""

    def __init__(self) -> None:
        self._reads: dict[str, None] = {}
        self._late: dict[str, set[str]] = {}
        self._changes: dict[str, set[str]] = {}
        self._used: set[str] = set()
        self._owner = ""
        self._own: set[str] = set()
        self._writes: dict[str, None] = {}
        self._mutates: dict[str, None] = {}
        self._imports: dict[str, None] = {}
        self._texts: dict[str, None] = {}
        self._made: set[str] = set()
        self._defined: set[str] = set()
        self._scopes: list[Scope] = []
        self._unknown: dict[str, None] = {}
        self._last: ast.AST | None = None
        self._asked: ast.AST | None = None

    def cell(self, tree: ast.Module) -> None:
        self._last = tree.body[-1] if tree.body else None
        self._all(tree.body)

    def flow(self) -> Dataflow:
        # A function may use what the cell defines below it (def, class, import): that is no read from outside.
        used = self._in_use()
        late = [name for name, owners in self._late.items() if owners & used and name not in self._made]
        reads = dict.fromkeys([*self._reads, *late])
        changed = [name for name, owners in self._changes.items() if owners & used]
        functions = [
            Definition(
                name=own,
                reads=tuple(name for name, owners in self._late.items() if own in owners),
                mutates=tuple(name for name, owners in self._changes.items() if own in owners),
            )
            for own in sorted(self._own)
        ]
        return Dataflow(
            reads=tuple(reads),
            writes=tuple(self._writes),
            mutates=tuple(dict.fromkeys([*self._mutates, *changed])),
            functions=tuple(functions),
            imports=tuple(self._imports),
            texts=tuple(self._texts),
            unknown=tuple(self._unknown),
        )

    def _in_use(self) -> set[str]:
        """Those of the cell's functions that it uses itself, directly or through one another; nameless ones always."""
        used = {""} | (self._used & self._own)
        while True:
            more = {name for name, owners in self._late.items() if owners & used and name in self._own} - used
            if not more:
                return used
            used |= more

    # -- names --------------------------------------------------------------------------------------------------------

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _outside(self, name: str) -> bool:
        """Does `name`, used here, mean the notebook's own name?"""
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.globals:
                return True
            if name in scope.local and (scope.kind != "class" or depth == 0):
                return False
        return True

    def _read(self, name: str) -> None:
        if not self._outside(name) or name == "get_ipython":
            return
        in_function = any(scope.kind == "function" for scope in self._scopes)
        if in_function:
            # Where the function is called later, in another cell, the name may be another thing by then.
            self._late.setdefault(name, set()).update({self._owner} if self._owner or name not in self._defined else ())
            return
        self._used.add(name)
        if name not in self._defined:
            self._reads[name] = None

    def _write(self, name: str, *, made: bool = False) -> None:
        scope = self._scopes[-1] if self._scopes else None
        if scope is not None and name not in scope.globals:
            scope.local.add(name)
            return
        self._writes[name] = None
        if scope is None or scope.kind != "function":
            self._defined.add(name)
            self._made.update([name] if made else [])

    def _mutate(self, node: ast.AST) -> None:
        base = base_of(node)
        if base is None or not self._outside(base):
            return
        if self._owner and any(scope.kind == "function" for scope in self._scopes):
            self._changes.setdefault(base, set()).add(self._owner)
        else:
            self._mutates[base] = None

    def visit_Name(self, node: ast.Name) -> None:  # ast's names
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
            self._dynamic(node)
        elif isinstance(node.ctx, ast.Store):
            self._write(node.id)
        else:
            self._read(node.id)
            self._write(node.id)
            self._defined.discard(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:  # ast's names
        if isinstance(node.value, str) and len(node.value) < LONGEST_TEXT:
            self._texts[node.value] = None

    def visit_Attribute(self, node: ast.Attribute) -> None:  # ast's names
        self.visit(node.value)
        if node.attr in DYNAMIC and isinstance(node.value, ast.Name) and node.value.id in ("builtins", "__builtins__"):
            self._any_name(node.attr)
        if not isinstance(node.ctx, ast.Load):
            self._mutate(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:  # ast's names
        self._all([node.value, node.slice])
        if not isinstance(node.ctx, ast.Load):
            self._mutate(node)

    # -- statements that bind -----------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:  # ast's names
        self._all([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # ast's names
        self._all([node.annotation, node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:  # ast's names
        if isinstance(node.target, ast.Name):
            self._read(node.target.id)
            self._mutate(node.target)
        self._all([node.value, node.target])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:  # ast's names
        self.visit(node.value)
        inner = [self._scopes.pop() for _ in range(self._comprehensions())]
        self.visit(node.target)
        self._scopes.extend(reversed(inner))

    def _comprehensions(self) -> int:
        count = 0
        for scope in reversed(self._scopes):
            if scope.kind != "comprehension":
                break
            count += 1
        return count

    def visit_Import(self, node: ast.Import) -> None:  # ast's names
        self._bind_imports((alias.asname or alias.name.partition(".")[0]) for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:  # ast's names
        self._bind_imports((alias.asname or alias.name) for alias in node.names)

    def _bind_imports(self, bound: Iterable[str]) -> None:
        for name in bound:
            self._write(name, made=True)
            if name in self._writes and not self._scopes:
                self._imports[name] = None

    def visit_Global(self, node: ast.Global) -> None:  # ast's names
        if self._scopes:
            self._scopes[-1].globals.update(node.names)

    def visit_Expr(self, node: ast.Expr) -> None:  # ast's names
        """A call whose value is dropped was made for its effect; the cell's last expression is shown, so it may be a question."""
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr not in READ_ONLY
            and node is not self._last
        ):
            self._mutate(value.func)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:  # ast's names
        if isinstance(node.func, ast.Name) and node.func.id in _OF_OBJECTS and (node.args or node.keywords):
            self._asked = node.func
        self.generic_visit(node)
        self._magic(node)
        self._computed(node)
        if isinstance(node.func, ast.Attribute):
            in_place = any(word.arg == "inplace" and not is_false(word.value) for word in node.keywords)
            if in_place or node.func.attr in CHANGING:
                self._mutate(node.func)

    def _magic(self, node: ast.Call) -> None:
        """`%time x = f(y)` reaches us as get_ipython().run_line_magic('time', 'x = f(y)'): its text is code of the cell."""
        found = called_magic(node)
        if found is None:
            return
        for name in found.reads:
            self._read(name)
        before = dict(self._writes), set(self._defined)
        if found.code:
            self._all(parse(found.code).body)
        if not found.binds:
            self._writes, self._defined = before
        for name in found.writes:
            self._write(name)
        if found.unknown:
            self._unknown[found.unknown] = None

    def _dynamic(self, node: ast.Name) -> None:
        """What `exec` and its kin do to names cannot be read, whatever they are called by and by; it is said."""
        if node.id in DYNAMIC and node is not self._asked and self._outside(node.id) and node.id not in self._defined:
            self._any_name(node.id)

    def _any_name(self, builtin: str) -> None:
        self._unknown[f"`{builtin}()` may read or change any name."] = None

    def _computed(self, node: ast.Call) -> None:
        """A call whose name is made while it runs."""
        func = node.func
        if isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr" and self._outside("getattr"):
            self._unknown["`getattr()` calls what a text names while it runs."] = None
        if imported(node) == "":
            self._unknown[f"`{ast.unparse(node)[:80]}` imports what a text names while it runs."] = None

    # -- ways that part -----------------------------------------------------------------------------------------------

    def _ways(self, *ways: Iterable[ast.AST]) -> None:
        before, ends = set(self._defined), []
        for way in ways:
            self._defined = set(before)
            self._all(way)
            ends.append(self._defined)
        self._defined = set.intersection(*ends)

    def visit_If(self, node: ast.If) -> None:  # ast's names
        self.visit(node.test)
        self._ways(node.body, node.orelse)

    def visit_While(self, node: ast.While) -> None:  # ast's names
        self.visit(node.test)
        self._ways(node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:  # ast's names
        self.visit(node.test)
        self._ways([node.body], [node.orelse])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:  # ast's names
        self.visit(node.values[0])
        self._ways(node.values[1:], [])

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:  # ast's names
        self.visit(node.iter)
        self._ways([node.target, *node.body], node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815  # ast's names

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:  # ast's names
        handlers = [[handler] for handler in node.handlers]
        self._ways([*node.body, *node.orelse], *handlers) if handlers else self._all([*node.body, *node.orelse])
        self._all(node.finalbody)

    visit_TryStar = visit_Try  # noqa: N815  # ast's names

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:  # ast's names
        self._all([node.type])
        if node.name:
            self._write(node.name)
        self._all(node.body)

    def visit_Match(self, node: ast.Match) -> None:  # ast's names
        self.visit(node.subject)
        self._ways(*([case] for case in node.cases), [])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:  # ast's names
        self._all([node.pattern])
        self._capture(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:  # ast's names
        self._capture(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:  # ast's names
        self.generic_visit(node)
        self._capture(node.rest)

    def _capture(self, name: str | None) -> None:
        if name:
            self._write(name)

    # -- scopes -------------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:  # ast's names
        self._all([*node.decorator_list, *defaults(node.args), *hints(node.args), node.returns])
        self._write(node.name, made=True)
        with self._owned(node.name, node.decorator_list):
            self._function(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # ast's names

    def visit_Lambda(self, node: ast.Lambda) -> None:  # ast's names
        self._all(defaults(node.args))
        self._function(node.args, [node.body])

    def _function(self, args: ast.arguments, body: Iterable[ast.AST]) -> None:
        body = list(body)
        own = bound(body)
        parameters = {arg.arg for arg in arguments(args)}
        with self._inside(Scope(kind="function", local=(own.local | parameters) - own.globals, globals_=own.globals)):
            self._all(body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # ast's names
        self._all([*node.decorator_list, *node.bases, *(word.value for word in node.keywords)])
        with self._owned(node.name, node.decorator_list), self._inside(Scope(kind="class")):
            self._all(node.body)
        self._write(node.name, made=True)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:  # ast's names
        self._comprehension(node.generators, [node.elt])

    visit_SetComp = visit_ListComp  # noqa: N815  # ast's names
    visit_GeneratorExp = visit_ListComp  # noqa: N815  # ast's names

    def visit_DictComp(self, node: ast.DictComp) -> None:  # ast's names
        self._comprehension(node.generators, [node.key, node.value])

    def _comprehension(self, generators: list[ast.comprehension], results: list[ast.expr]) -> None:
        self.visit(generators[0].iter)
        with self._inside(Scope(kind="comprehension")):
            for index, part in enumerate(generators):
                self._all([part.iter] if index else [])
                self._all([part.target, *part.ifs])
            self._all(results)

    @contextmanager
    def _owned(self, name: str, decorators: list[ast.expr]) -> Iterator[None]:
        """Inside, names belong to the function or class `name` of the notebook; a decorator may call it at once."""
        if self._scopes or decorators:
            yield
            return
        self._owner = name
        self._own.add(name)
        yield
        self._owner = ""

    @contextmanager
    def _inside(self, scope: Scope) -> Iterator[None]:
        before = set(self._defined)
        self._scopes.append(scope)
        yield
        self._scopes.pop()
        if scope.kind == "function":
            self._defined = before


def called_magic(node: ast.Call) -> MagicFlow | None:
    """What a call on `get_ipython()` does, where it is a magic or a shell line."""
    func = node.func
    if not (isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call) and isinstance(func.value.func, ast.Name)):
        return None
    if func.value.func.id != "get_ipython" or func.attr not in ("run_line_magic", "run_cell_magic", "system", "getoutput"):
        return None
    words = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    return magic_flow(func.attr, tuple(words)) if words else None
