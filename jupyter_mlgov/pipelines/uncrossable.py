"""Values that live in one process, told from the call that makes them: known before anything runs."""

from __future__ import annotations

import ast

_CALLS = {
    "an open connection": ("connect", "create_engine", "cursor", "create_connection", "MongoClient", "Redis", "Session", "socket"),
    "an open file": ("open", "TemporaryFile", "NamedTemporaryFile", "ZipFile", "h5py"),
    "a lock": ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Event", "Condition"),
    "a thread or process": ("Thread", "Popen", "Process", "ThreadPoolExecutor", "ProcessPoolExecutor", "Pool"),
    "an iterator, which is used up by reading": ("iter", "map", "filter", "zip", "enumerate", "reversed", "read_csv_batched"),
}
_KINDS = {name: kind for kind, names in _CALLS.items() for name in names}
_WAYS = {
    "an open file": "Hand over its path, and open it in the step that reads it.",
    "an iterator, which is used up by reading": "Make a list of it (`list(…)`).",
    "a generator": "Make a list of it, or write it as a function and call that in the step that reads it.",
}


def uncrossable(node: ast.stmt | None, name: str) -> tuple[str, str]:
    """(what it is, the way out) where this statement binds `name` to something that cannot leave its process; two empty texts otherwise."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return "", ""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(isinstance(one, ast.Name) and one.id == name for one in targets):
        return "", ""
    kind = _kind(node.value)
    way = _WAYS.get(kind, "Make it in a function, and call that in each step that uses it.")
    return (kind, way) if kind else ("", "")


def _kind(value: ast.expr) -> str:
    if isinstance(value, ast.GeneratorExp):
        return "a generator"
    if not isinstance(value, ast.Call):
        return ""
    last = value.func.attr if isinstance(value.func, ast.Attribute) else value.func.id if isinstance(value.func, ast.Name) else ""
    plain_method = isinstance(value.func, ast.Attribute) and last in ("map", "filter", "zip", "open")  # `series.map(f)` is a table
    return "" if plain_method else _KINDS.get(last, "")
