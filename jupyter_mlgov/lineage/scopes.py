"""Which names a function body binds for itself, so that the others are the notebook's."""

from __future__ import annotations

import ast
from collections.abc import Iterable


class Scope:
    """Names bound inside a function, comprehension or class body, and those it declares global."""

    def __init__(self, *, kind: str, local: Iterable[str] = (), globals_: Iterable[str] = ()) -> None:
        self.kind, self.local, self.globals = kind, set(local), set(globals_)


class _Bound(ast.NodeVisitor):
    """The names a function body binds, nested functions and comprehensions left out."""

    def __init__(self) -> None:
        self.local: set[str] = set()
        self.globals: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:  # ast's names
        self.local.update([] if isinstance(node.ctx, ast.Load) else [node.id])

    def visit_Global(self, node: ast.Global) -> None:  # ast's names
        self.globals.update(node.names)

    def visit_Import(self, node: ast.Import) -> None:  # ast's names
        self.local.update((alias.asname or alias.name.partition(".")[0]) for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:  # ast's names
        self.local.update((alias.asname or alias.name) for alias in node.names)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:  # ast's names
        self.local.update(filter(None, [node.name]))
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:  # ast's names
        self.local.update(filter(None, [node.name]))
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:  # ast's names
        self.local.update(filter(None, [node.name]))

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:  # ast's names
        self.local.update(filter(None, [node.rest]))
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:  # ast's names
        self.local.add(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # ast's names
    visit_ClassDef = visit_FunctionDef  # noqa: N815  # ast's names

    def visit_Lambda(self, node: ast.Lambda) -> None:  # ast's names
        """A lambda binds nothing here."""

    def visit_ListComp(self, node: ast.expr) -> None:  # ast's names
        """Of a comprehension only its walruses bind here."""
        self.local.update(inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))

    visit_SetComp = visit_ListComp  # noqa: N815  # ast's names
    visit_GeneratorExp = visit_ListComp  # noqa: N815  # ast's names
    visit_DictComp = visit_ListComp  # noqa: N815  # ast's names


def bound(body: Iterable[ast.AST]) -> _Bound:
    """What a function body binds and what it declares global."""
    found = _Bound()
    for node in body:
        found.visit(node)
    return found


def arguments(args: ast.arguments) -> list[ast.arg]:
    """Every parameter of a function."""
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]


def defaults(args: ast.arguments) -> list[ast.expr]:
    """The expressions that are evaluated where the function is defined."""
    return [*args.defaults, *(default for default in args.kw_defaults if default is not None)]


def defaulted(args: ast.arguments) -> list[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, each with it."""
    placed = [*args.posonlyargs, *args.args]
    named = [(arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is not None]
    return [*zip(placed[len(placed) - len(args.defaults) :], args.defaults, strict=True), *named]


def hints(args: ast.arguments) -> list[ast.expr]:
    """The annotations of parameters."""
    return [arg.annotation for arg in arguments(args) if arg.annotation is not None]


def base_of(node: ast.AST) -> str | None:
    """`df` of `df.a["x"].b`; None where the chain begins with anything but a name."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_false(node: ast.expr) -> bool:
    """Whether it is written `False`."""
    return isinstance(node, ast.Constant) and node.value is False
