"""Calls that spell a name as a text: `getattr(x, "append")` is `x.append`, `__import__("numpy")` an import."""

from __future__ import annotations

import ast
from typing import TypeVar

Tree = TypeVar("Tree", bound=ast.AST)


def plainly(tree: Tree) -> Tree:
    """`tree` with `getattr(x, "name")` written as `x.name`, where the text is a constant and there is no other answer."""
    found: Tree = _Plain().visit(tree)
    return ast.fix_missing_locations(found)


class _Plain(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 2 and not node.keywords:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier():
                return ast.copy_location(ast.Attribute(value=node.args[0], attr=name.value, ctx=ast.Load()), node)
        return node


def imported(node: ast.AST) -> str | None:
    """The module that `__import__("a.b")` or `importlib.import_module("a.b")` brings; empty where a text is made; None for other things."""
    if not isinstance(node, ast.Call):
        return None
    func = node.func
    named = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    if named not in ("__import__", "import_module"):
        return None
    first = node.args[0] if node.args else None
    told = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    return told.partition(".")[0] if named == "__import__" and told else told
