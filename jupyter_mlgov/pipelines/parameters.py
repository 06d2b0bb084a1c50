"""Parameters of a notebook: what its `parameters` cell declares, and whether what was given may be taken."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlgov.core.errors import BadInput, UsageError, unknown
from jupyter_mlgov.pipelines.declarations import Declaration, declaration

_BASIC = {"int", "float", "bool", "str", "list", "tuple", "dict", "None"}
_ALIASES = {"List": "list", "Sequence": "list", "Dict": "dict", "Mapping": "dict", "Tuple": "tuple", "NoneType": "None"}
_ACCEPTS = {"int": {"int"}, "float": {"int", "float"}, "list": {"list", "tuple"}, "tuple": {"list", "tuple"}}
_FALSE, _TRUE = {"false", "no", "off", "0"}, {"true", "yes", "on", "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One name that the `parameters` cell assigns.

    `kinds` are the basic types it takes (empty: any). `literal` is False where the default is computed; `default` is None then.
    `declares` are bounds, choices and unit; the value of a `secret` is written nowhere.
    """

    name: str
    default: object = None
    literal: bool = True
    kinds: tuple[str, ...] = ()
    comment: str = ""
    secret: bool = False
    declares: Declaration = field(default_factory=Declaration)

    @property
    def expected(self) -> str:
        """`int from 1 to 1000`, `str or None`, or `any value`."""
        return (" or ".join(self.kinds) or "any value") + self.declares.told


def declared(source: str) -> tuple[Parameter, ...]:
    """What the source of a `parameters` cell declares, in order; a name assigned twice counts once, as it ends.

    Raises BadInput for source that is not Python. Lines with magics or shell commands are passed over.
    """
    text = _without_magics(source)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        raise BadInput(
            f"The `parameters` cell is not valid Python (line {line}: {getattr(error, 'msg', error)}).",
            expected="Expected assignments, one a line, like `folds: int = 5`.",
            next="Mend the cell and run again.",
        ) from None
    comments = _comments(text)
    found: dict[str, Parameter] = {}
    for name, value, annotation, line in _assignments(tree):
        found.pop(name, None)
        found[name] = _parameter(name, value, annotation, comments.get(line, ""))
    return tuple(found.values())


def _without_magics(source: str) -> str:
    lines = source.splitlines()
    return "\n".join("" if re.match(r"\s*[%!]", line) else line for line in lines) + "\n"


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr, ast.expr | None, int]]:
    for node in tree.body:
        line = node.end_lineno or node.lineno
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value, node.annotation, line
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _pairs(target, node.value):
                    yield name, value, None, line


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`a = 1` and, name by name, `a, b = 1, 2`."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, part)


def _parameter(name: str, value: ast.expr, annotation: ast.expr | None, comment: str) -> Parameter:
    try:
        default, literal = ast.literal_eval(value), True
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        default, literal = None, False
    kinds = _annotated(annotation) if annotation is not None else ()
    if annotation is None and literal and default is not None:
        kinds = (kind,) if (kind := _kind(default)) in _BASIC else ()
    declares = declaration(name, comment, annotation, default)
    if declares.choices and not kinds:
        kinds = tuple(dict.fromkeys(_kind(one) for one in declares.choices if _kind(one) in _BASIC))
    if literal and declares.bounded and not declares.admits(default):
        raise BadInput(
            f"The parameter `{name}` has the default {default!r}, which its own declaration (`{comment or 'Literal'}`) does not allow.",
            expected=f"Expected {' or '.join(kinds) or 'a value'}{declares.told}.",
            next="Mend the cell tagged `parameters`.",
        )
    return Parameter(name=name, default=default, literal=literal, kinds=kinds, comment=comment, secret=declares.secret, declares=declares)


def _annotated(annotation: ast.expr) -> tuple[str, ...]:
    """The basic types an annotation admits; empty as soon as one part of it is not basic."""
    names: list[str] = []
    for part in _union(annotation):
        inner = part.value if isinstance(part, ast.Subscript) else part
        name = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
        name = "None" if isinstance(inner, ast.Constant) and inner.value is None else name
        names.append(_ALIASES.get(name, name))
    return tuple(dict.fromkeys(names)) if names and set(names) <= _BASIC else ()


def _union(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            yield from _union(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            yield node
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _union(node.left)
        yield from _union(node.right)
    elif (
        isinstance(node, ast.Subscript) and isinstance(node.value, (ast.Name, ast.Attribute)) and _last(node.value) in ("Optional", "Union")
    ):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            yield from _union(part)
        if _last(node.value) == "Optional":
            yield ast.Constant(value=None)
    else:
        yield node


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _comments(text: str) -> dict[int, str]:
    """The comment at the end of each line."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("# ").rstrip()
    except (tokenize.TokenError, SyntaxError):
        return found
    return found


def _kind(value: object) -> str:
    """The name of the value's type. A dict of a kind of its own, as a saved notebook holds it, is a dict."""
    return "None" if value is None else "dict" if isinstance(value, dict) else type(value).__name__


def check(given: Mapping[str, object], declared: Sequence[Parameter]) -> dict[str, object]:
    """The values in `given`, known to fit. Raises UsageError for an unknown name (with the nearest) or a value of the wrong type."""
    known = {parameter.name: parameter for parameter in declared}
    for name, value in given.items():
        parameter = _known(name, known)
        if not _fits(value, parameter):
            raise _wrong(parameter, value)
    return dict(given)


def _known(name: str, known: Mapping[str, Parameter]) -> Parameter:
    if name not in known:
        how = "`mlgov run NOTEBOOK -p NAME=VALUE` takes names that the cell tagged `parameters` assigns."
        raise unknown("parameter", name, known, next=how)
    return known[name]


def _fits(value: object, parameter: Parameter) -> bool:
    """An int passes where a float is declared; true and false are no numbers."""
    kind = _kind(value)
    typed = not parameter.kinds or any(kind in _ACCEPTS.get(want, {want}) for want in parameter.kinds)
    return typed and parameter.declares.admits(value)


def _wrong(parameter: Parameter, value: object) -> UsageError:
    shown = "that value" if parameter.secret else repr(value)
    example = (
        f", for instance {parameter.default!r}" if parameter.literal and parameter.default is not None and not parameter.secret else ""
    )
    return UsageError(
        f'Parameter "{parameter.name}" cannot be {shown if len(shown) <= 60 else shown[:59] + "…"} ({_kind(value)}).',
        expected=f"Expected {parameter.expected}{example}.",
        next="Give another value, or change the type in the cell tagged `parameters`.",
    )


def parse_values(texts: Iterable[str], declared: Sequence[Parameter]) -> dict[str, object]:
    """`["folds=5"]` as values, each read by its declared type.

    Raises UsageError for a text without `=`, a name given twice, an unknown name, or a value its type cannot read.
    """
    known = {parameter.name: parameter for parameter in declared}
    values: dict[str, object] = {}
    for text in texts:
        name, equals, raw = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UsageError(f'"{text}" sets no parameter.', expected="Expected NAME=VALUE.", next="For instance `-p folds=5`.")
        if name in values:
            raise UsageError(f'Parameter "{name}" is given twice.', expected="Expected each name once.", next="Take one of the two away.")
        parameter = _known(name, known)
        values[name] = _read(raw, parameter)
        if not parameter.declares.admits(values[name]):
            raise _wrong(parameter, values[name])
    return values


def _read(raw: str, parameter: Parameter) -> object:
    if not parameter.kinds:
        return _literal(raw, raw)
    for kind in sorted(parameter.kinds, key=lambda one: one == "str"):  # text takes everything, so it is asked last
        value = _read_as(raw, kind)
        if value is not _NO:
            return value
    raise _wrong(parameter, raw)


def hidden(values: Mapping[str, object], declared: Sequence[Parameter]) -> dict[str, object]:
    """Those of `values` whose parameters are secrets."""
    secret = {one.name for one in declared if one.secret}
    return {name: value for name, value in values.items() if name in secret}


_NO = object()


def _read_as(raw: str, kind: str) -> object:
    text = raw.strip()
    if kind == "str":
        return raw
    if kind == "None":
        return None if text.lower() in ("none", "null") else _NO
    if kind == "bool":
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else _NO
    if kind in ("int", "float"):
        try:
            number = int(text) if kind == "int" else float(text)
        except ValueError:
            return _NO
        written = "inf" in text.lower()  # 1e400 is not infinite, and no float holds it
        return number if written or number not in (float("inf"), float("-inf")) else _NO
    value = _literal(text, _NO)
    return value if _kind(value) in _ACCEPTS.get(kind, {kind}) else _NO


def _literal(text: str, otherwise: object) -> object:
    """JSON, else a Python literal, else `otherwise`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return otherwise
