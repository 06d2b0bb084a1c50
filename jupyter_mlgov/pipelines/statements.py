"""The code of a notebook as statements: those that set the scene (imports, functions, constants) and those that do the work."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jupyter_mlgov.lineage.follow import Trace, follow
from jupyter_mlgov.lineage.magics import as_python, parse
from jupyter_mlgov.pipelines.documents import Cell


class Role(StrEnum):
    """What a statement is to a pipeline. A scene may be set again in every step; work is done once; governance is the job's own."""

    SCENE = "scene"
    WORK = "work"
    GOVERNANCE = "governance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement at the top level of a cell, with what it takes and makes when the notebook runs from the top.

    `takes`: names it needs from before, `changes`: those of them whose objects it changes in place, `binds`: names it gives a new
    object, `drops`: names it deletes. Names with a blank in them are things without a name ("random numbers", "file data/x.csv").
    """

    cell: Cell
    source: str
    role: Role
    takes: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    node: ast.stmt | None = field(default=None, compare=False)


def statements(cells: Sequence[Cell]) -> tuple[Statement, ...]:
    """The statements of these code cells from top to bottom. A cell whose source is no Python is one statement that says so."""
    pieces = [(cell, source, node) for cell in cells for source, node in _split(cell.source)]
    traces, _ = follow([source for _, source, _ in pieces])
    owners: dict[str, Role] = {}
    found: list[Statement] = []
    for (cell, source, node), trace in zip(pieces, traces, strict=True):
        one = _statement(cell, source, node, trace, owners)
        for name in one.binds | one.changes:
            owners[name] = one.role
        found.append(one)
    return tuple(found)


def _statement(cell: Cell, source: str, node: ast.stmt | None, trace: Trace, owners: dict[str, Role]) -> Statement:
    takes = frozenset(name.partition("[")[0] for name in trace.takes)
    makes = frozenset(trace.makes)
    binds = trace.binds | {name for name in makes if " " in name}
    if node is not None and _governance(node):
        role = Role.GOVERNANCE
    elif (
        node is not None
        and _sets_scene(node)
        and all(owners.get(name, Role.SCENE) is Role.SCENE for name in takes | (makes - binds))
        and not any(name == "random numbers" or name.startswith("file ") for name in takes | makes)
    ):
        role = Role.SCENE
    else:
        role = Role.WORK
    return Statement(
        cell=cell,
        source=source,
        role=role,
        takes=takes | (makes - binds),
        changes=makes - binds,
        binds=binds,
        imports=_imports(node),
        unknown=trace.unknown,
        node=node,
    )


def _split(source: str) -> Iterator[tuple[str, ast.stmt | None]]:
    """Each statement of a cell with its text. Magics come as the calls that IPython makes of them; a cell magic is one statement."""
    if source.lstrip().startswith("%%"):
        try:
            nodes = parse(source).body
        except (SyntaxError, ValueError, RecursionError):
            nodes = []
        yield source, nodes[0] if len(nodes) == 1 else None
        return
    for text in (source, as_python(source)):
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            yield _text(text, node), node
        return
    if source.strip():
        yield source, None


def _text(source: str, node: ast.stmt) -> str:
    found = ast.get_source_segment(source, node) or ""
    decorators = getattr(node, "decorator_list", [])
    lines = source.splitlines()
    above = lines[decorators[0].lineno - 1 : node.lineno - 1] if decorators else []
    return "\n".join([*above, found])


def _imports(node: ast.stmt | None) -> frozenset[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return frozenset(alias.asname or alias.name.partition(".")[0] for alias in node.names)
    if isinstance(node, (ast.Try, ast.If)):
        return frozenset().union(*(_imports(one) for one in node.body))
    return frozenset()


# -- governance --------------------------------------------------------------------------------------------------------


def _governance(node: ast.stmt) -> bool:
    """`%mlgov …` and `%load_ext jupyter_mlgov`: a job validates and promotes itself, when it is done."""
    words = _magic_words(node)
    return words[:2] == ("run_line_magic", "mlgov") or words == ("run_line_magic", "load_ext", "jupyter_mlgov")


def _magic_words(node: ast.stmt) -> tuple[str, ...]:
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)):
        return ()
    owner = call.func.value.func
    if not (isinstance(owner, ast.Name) and owner.id == "get_ipython"):
        return ()
    return (call.func.attr, *(str(word.value) for word in call.args if isinstance(word, ast.Constant)))


# -- what sets the scene -----------------------------------------------------------------------------------------------

_MAGICS = frozenset(
    {"matplotlib", "load_ext", "reload_ext", "config", "autoreload", "env", "set_env", "cd", "precision", "pylab", "colors"}
)
# Calls of a module for the state of the process: done again in every process that needs it.
_OPTIONS = frozenset(
    """
    set_option reset_option set_printoptions set_theme set_style set_context set_palette filterwarnings simplefilter seterr
    set_default_dtype basicConfig rcdefaults set_config setlocale chdir load_dotenv use set_loglevel setLevel captureWarnings
    set_matplotlib_formats set_float_precision register_matplotlib_converters init_notebook_mode set disable_warnings
    """.split()  # noqa: SIM905  # a list of strings is harder to read
)
_CHANGES = frozenset({"append", "extend", "update", "add", "insert", "remove", "discard", "setdefault", "sort", "reverse"})
# Calls that give the same value each time they are made with the same arguments, and touch nothing.
_CONSTANT_CALLS = frozenset(
    """
    dict list set tuple frozenset int float str bool bytes complex len range sorted min max sum round abs Path PurePath
    PurePosixPath join joinpath with_suffix with_name expanduser split rsplit strip lower upper title format replace keys values
    items copy deepcopy array arange linspace zeros ones Timestamp Timedelta datetime date timedelta timezone ZoneInfo Decimal
    Fraction compile getLogger namedtuple TypeVar NewType getenv get fromkeys dtype CategoricalDtype as_posix strptime to_datetime
    date_range isoformat tzutc dirname basename union partial
    """.split()  # noqa: SIM905  # as above
)


def _sets_scene(node: ast.stmt) -> bool:
    """May this statement be said again in each process, to the same effect?"""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)):
        return True
    if isinstance(node, ast.AnnAssign):
        return node.value is None or _constant(node.value)
    if isinstance(node, ast.Assign):
        return _constant(node.value)
    if isinstance(node, ast.AugAssign):
        return _constant(node.value)
    if isinstance(node, ast.Try):
        parts: Iterable[ast.stmt] = [*node.body, *node.orelse, *node.finalbody, *(one for each in node.handlers for one in each.body)]
        return all(_sets_scene(one) for one in parts)
    if isinstance(node, ast.If):
        return _constant(node.test) and all(_sets_scene(one) for one in [*node.body, *node.orelse])
    return isinstance(node, ast.Expr) and _sets_state(node)


def _sets_state(node: ast.Expr) -> bool:
    words = _magic_words(node)
    if words:
        return words[0] == "run_line_magic" and len(words) > 1 and words[1] in _MAGICS
    call = node.value
    if isinstance(call, ast.Constant):
        return True
    if not (isinstance(call, ast.Call) and all(map(_constant, _arguments(call)))):
        return False
    last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    return last in _OPTIONS or (last in _CHANGES and isinstance(call.func, ast.Attribute) and _constant(call.func.value))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(word.value for word in call.keywords)]


_SIMPLE = (
    *(
        ast.Constant,
        ast.Name,
        ast.Attribute,
        ast.Subscript,
        ast.BinOp,
        ast.UnaryOp,
        ast.BoolOp,
        ast.Compare,
        ast.IfExp,
        ast.List,
        ast.Tuple,
    ),
    *(ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue, ast.Slice, ast.Starred, ast.ListComp, ast.SetComp, ast.DictComp),
)


def _constant(node: ast.expr) -> bool:
    """Does this expression give the same value in each process, if the names in it do?"""
    if isinstance(node, ast.Lambda):
        return True
    if isinstance(node, ast.Call):
        last = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return last in _CONSTANT_CALLS and all(map(_constant, _arguments(node))) and (inner is None or _constant(inner))
    if not isinstance(node, _SIMPLE):
        return False
    return all(_constant(child) for child in _expressions(node))


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.comprehension):
            yield from (child.iter, *child.ifs)
