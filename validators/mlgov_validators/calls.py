"""Names in a Python program: what a call really calls, through `import x as y`, and which file a handle was opened on."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def aliases(tree: ast.AST) -> dict[str, str]:
    """Local name -> the dotted name it was imported as."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                name = one.asname or one.name.split(".")[0]
                found[name] = one.name if one.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update({one.asname or one.name: f"{node.module}.{one.name}" for one in node.names})
    return found


def dotted(node: ast.expr, known: dict[str, str]) -> str:
    """`np.load` as `numpy.load`; empty for what is no plain name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([known.get(node.id, node.id), *reversed(parts)])


def texts(node: ast.AST) -> Iterator[str]:
    """Every text constant inside `node`."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def handles(tree: ast.AST) -> dict[str, str]:
    """Name -> the first text in what it was made from: `f` of `with open("/shared/m.pkl") as f`, `p` of `p = Path("…")`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.With):
            pairs = [(item.optional_vars, item.context_expr) for item in node.items]
        elif isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        for target, value in pairs:
            if isinstance(target, ast.Name) and (first := next(texts(value), None)):
                found[target.id] = first
    return found


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument, or None."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def is_value(node: ast.expr | None, value: object) -> bool:
    """Is this the constant `value`?"""
    return isinstance(node, ast.Constant) and node.value is value
