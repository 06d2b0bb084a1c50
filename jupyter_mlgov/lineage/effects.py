"""Reads the statements of a cell, each as what it does to names and objects."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from jupyter_mlgov.lineage.acts import CellEffects, Effect
from jupyter_mlgov.lineage.effectwalk import EffectWalk
from jupyter_mlgov.lineage.magics import parse
from jupyter_mlgov.lineage.spelled import plainly

_SEMICOLON = re.compile(r";[ \t]*(#[^\n]*)?\s*\Z")


@lru_cache(maxsize=4096)
def effects(source: str) -> CellEffects:
    """The effects of a cell's source. A comment, a blank or a line break changes nothing of it; a constant does."""
    try:
        tree = plainly(parse(source))
        body = [node for place, node in enumerate(tree.body) if not _idle(node, last=place == len(tree.body) - 1)]
        silent = bool(_SEMICOLON.search(source))
        done = tuple(_statement(node, last=node is tree.body[-1] and not silent) for node in body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        text = _digest(source)
        told = Effect(source=text, unknown=(f"The source cannot be read as Python: {reason}.",))
        return CellEffects(source=text, statements=(told,), problem=reason)
    return CellEffects(statements=done, source=_digest(*(one.source for one in done)))


def source_digest(source: str) -> str:
    """A digest of what the source says: the same for another layout, comment or docstring indentation, another for a changed constant."""
    return effects(source).source


def _idle(node: ast.stmt, *, last: bool) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and not last)


def _statement(node: ast.stmt, *, last: bool) -> Effect:
    walk = EffectWalk()
    shows = last and isinstance(node, ast.Expr)
    walk.shown = node if shows else None
    walk.visit(node)
    found = walk.effect(source=_digest(_spelled(node), "shown" if shows else ""), shows=shows, simple=not hasattr(node, "body"))
    return replace(found, defines=isinstance(node, _DOCUMENTED))


def _spelled(node: ast.AST) -> str:
    """The node as text without places; the blanks of docstrings do not count."""
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(inner, _DOCUMENTED):
            text = body[0].value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                body[0] = ast.Expr(ast.Constant(" ".join(text.value.split())))
    return ast.dump(node)


_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _digest(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
