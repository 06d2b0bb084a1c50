"""What a bound value is, told by what made it: a table, an array, a part of a module, an iterator."""

from __future__ import annotations

from jupyter_mlgov.lineage.acts import Bind
from jupyter_mlgov.lineage.libraries import (
    ARRAY_ROOTS,
    DATA_ROOTS,
    GENERATORS,
    ITERATORS,
    KEEPING,
    LOOKING_IN,
    LOOKING_ROOTS,
    SHARING_FUNCTIONS,
    SHARING_METHODS,
)
from jupyter_mlgov.lineage.values import Names, Value


def module_of(bind: Bind, names: Names) -> str:
    """`seed = np.random.seed`: a part of a module that is known to look only is as good as imported."""
    base = names.get(next(iter(bind.sources))) if bind.attribute and len(bind.sources) == 1 else None
    known = base is not None and base.kind == "module" and base.module.partition(".")[0] in LOOKING_ROOTS
    return f"{base.module}.{bind.attribute}" if base is not None and known else ""


def made_by(bind: Bind, values: list[Value], names: Names) -> tuple[str, bool, str]:
    """The kind of a bound value, whether it shares memory with its sources, and which call made it."""
    call = bind.origin
    if call is None:
        lone = values[0] if len(values) == 1 else None
        tables = {value.kind for value in values} & {"data", "array"}
        kind = lone.kind if lone is not None and lone.kind != "module" else ""
        if tables:
            kind = tables.pop() if len(tables) == 1 else "data"
        return kind, not (bind.picked and kind == "data"), lone.origin if lone is not None else ""
    base = names.get(call.base)
    last = call.path[-1] if call.path else base.module.rpartition(".")[2] if base is not None and base.module else call.base
    seeded = "seeded" if {"random_state", "seed"} & call.words else last
    if last in GENERATORS:
        return "random", False, last
    if base is None and call.base in ITERATORS and not call.path:
        return "lazy", True, last
    root = base.module.partition(".")[0] if base is not None and base.kind == "module" else ""
    if root in LOOKING_ROOTS and last.startswith(("read_", "load_dataset", "fetch_")):
        return "data", False, seeded
    if root in DATA_ROOTS:
        return "array" if root in ARRAY_ROOTS else "data", last in SHARING_FUNCTIONS, seeded
    if base is not None and base.kind in ("data", "array") and call.path:
        kind = "array" if last in ("to_numpy", "values") else base.kind
        return kind, last in LOOKING_IN or any(part in SHARING_METHODS for part in call.path), seeded
    if root in LOOKING_ROOTS and last[:1].islower() and root in ("sklearn", "scipy", "statsmodels", "imblearn") and last not in KEEPING:
        return "data", False, seeded
    return "", True, seeded


def path_text(bind: Bind, names: Names) -> str | None:
    """The path that `Path("a.csv")` stands for."""
    call = bind.origin
    if call is None or len(call.texts) != 1:
        return None
    base = names.get(call.base)
    last = call.path[-1] if call.path else base.module.rpartition(".")[2] if base is not None else ""
    return call.texts[0] if last in ("Path", "PurePath") else None
