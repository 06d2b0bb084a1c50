"""What a cell took from outside the notebook while it ran: connections, programs, environment variables.

Names only: no argument of a program and no value of a variable is kept, for they may be secrets.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

MOST = 200
ALL = "*"

_SHELL_LINE = re.compile(r"get_ipython\(\)\.(?:system|getoutput)\('((?:[^'\\]|\\.)*)'")
_SHELL_CELL = re.compile(r"get_ipython\(\)\.run_cell_magic\('(bash|sh|script|perl|ruby|javascript|js)'")


class _Here(threading.local):
    """Kept by each thread for itself and gone with it. A number of a thread would not do: the next thread can get the same one."""

    ours = False


_here = _Here()


@contextmanager
def our_work() -> Iterator[None]:
    """Inside, this thread does work of ours: what it opens or reads is not the cell's doing."""
    before, _here.ours = _here.ours, True
    try:
        yield
    finally:
        _here.ours = before


def at_our_work() -> bool:
    """Is this thread inside of our_work()?"""
    return _here.ours


class Ambient:
    """Notes of one cell run, each once, in order; at most MOST of a kind."""

    def __init__(self) -> None:
        self.connections: dict[str, None] = {}
        self.programs: dict[str, None] = {}
        self.variables: dict[str, None] = {}
        self.remote: dict[str, None] = {}
        self.overflow = False

    def add(self, notes: dict[str, None], name: str) -> None:
        if name in notes:
            return
        if len(notes) >= MOST:
            self.overflow = True
            return
        notes[name[:MOST]] = None


def address(value: object) -> str:
    """`host:port` of a socket's address, or the path of a local one."""
    if isinstance(value, tuple) and len(value) >= 2:
        host, port = value[0], value[1]
        host = host.decode("utf-8", "replace") if isinstance(host, bytes) else str(host)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return "unix:" + os.fsdecode(value) if isinstance(value, (str, bytes)) else ""


def program(executable: object, words: object) -> str:
    """The name of a program without its folder and its arguments; of a shell line, the first command's."""
    if isinstance(words, (list, tuple)) and words:
        told = [_text(word) for word in words[:3]]
        name = told[0] or _text(executable)
        if os.path.basename(name) in ("sh", "bash", "zsh", "dash") and len(told) == 3 and told[1] == "-c":  # noqa: PTH119  # a text, not a path
            return first_command(told[2])
        return os.path.basename(name)  # noqa: PTH119  # as above
    return first_command(_text(words)) if words else os.path.basename(_text(executable))  # noqa: PTH119  # as above


def first_command(line: str) -> str:
    """`grep` for `FOO=secret /usr/bin/grep -r x | sort`."""
    try:
        words = shlex.split(line[:2000], comments=True)
    except ValueError:
        words = line[:2000].split()
    rest = [word for word in words if "=" not in word.partition("/")[0]]
    return os.path.basename(rest[0].strip("(;&|")) if rest else ""  # noqa: PTH119  # as above


def shell_programs(code: str) -> list[str]:
    """The programs of `!` lines and shell cells, which IPython starts behind a pseudo-terminal where no audit event tells them."""
    if "get_ipython()" not in code:
        return []
    lines = [_unescaped(found) for found in _SHELL_LINE.findall(code)]
    return [*(first_command(line) for line in lines), *_SHELL_CELL.findall(code)]


def _unescaped(text: str) -> str:
    return text.replace("\\'", "'").replace("\\n", "\n")


def redacted(url: str) -> str:
    """A URL without user, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _text(value: object) -> str:
    if isinstance(value, (str, bytes)):
        return os.fsdecode(value)
    return os.fsdecode(os.fspath(value)) if isinstance(value, os.PathLike) else ""


def _connect(ambient: Ambient, args: tuple[Any, ...]) -> None:
    ambient.add(ambient.connections, address(args[1]))


def _lookup(ambient: Ambient, args: tuple[Any, ...]) -> None:
    if args[0] and args[1]:
        ambient.add(ambient.connections, address((args[0], args[1])))


def _popen(ambient: Ambient, args: tuple[Any, ...]) -> None:
    ambient.add(ambient.programs, program(args[0], args[1]))


def _system(ambient: Ambient, args: tuple[Any, ...]) -> None:
    ambient.add(ambient.programs, program("", args[0]))


def _fork(ambient: Ambient, _: tuple[Any, ...]) -> None:
    ambient.add(ambient.programs, "(fork)")


# Audit event (docs.python.org/3/library/audit_events.html) -> what to note of it.
HANDLERS: Mapping[str, Callable[[Ambient, tuple[Any, ...]], None]] = {
    "socket.connect": _connect,
    "socket.sendto": _connect,
    "socket.getaddrinfo": _lookup,
    "subprocess.Popen": _popen,
    "os.exec": _popen,
    "os.posix_spawn": _popen,
    "os.spawn": lambda ambient, args: _popen(ambient, args[1:]),
    "os.system": _system,
    "os.fork": _fork,
    "os.forkpty": _fork,
}

_now: Ambient | None = None
_originals: dict[str, Callable[..., Any]] = {}


def watch_variables(ambient: Ambient | None) -> None:
    """Note which variables are asked for from now on; None stops it. `os.environ` keeps its type and its ways."""
    global _now
    if ambient is not None and not _originals:
        _install()
    _now = ambient


def _install() -> None:
    kind: Any = type(os.environ)
    get, walk = kind.__getitem__, kind.__iter__

    def __getitem__(self: Any, key: Any) -> Any:  # noqa: N807  # takes that method's place
        _note(key)
        return get(self, key)

    def __iter__(self: Any) -> Iterator[Any]:  # noqa: N807  # as above
        _note(ALL)
        return iter(walk(self))

    _originals.update(__getitem__=get, __iter__=walk)
    for name, made in (("__getitem__", __getitem__), ("__iter__", __iter__)):
        made.__qualname__, made.__module__, made.__doc__ = _originals[name].__qualname__, "os", _originals[name].__doc__
        setattr(kind, name, made)


def release_variables() -> None:
    """Put the methods of `os.environ` back as they were."""
    watch_variables(None)
    kind: Any = type(os.environ)
    for name, original in _originals.items():
        setattr(kind, name, original)
    _originals.clear()


def _note(key: object) -> None:
    now = _now
    if now is None or ALL in now.variables or not isinstance(key, (str, bytes)) or _here.ours:
        return
    now.add(now.variables, os.fsdecode(key))
