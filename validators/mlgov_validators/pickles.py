"""What a pickle would import if somebody loaded it, read from its opcodes (pickletools) without running one of them."""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass

# What stored models are made of. Everything that is not here is said; what is below is harmful.
KNOWN = re.compile(
    r"(?:numpy|scipy|sklearn|pandas|xgboost|lightgbm|catboost|statsmodels|joblib\.numpy_pickle|collections|copyreg|datetime|decimal|fractions"
    r"|pyarrow|torch|uuid)(?:\.|$)"
)
SAFE_BUILTINS = frozenset(
    [
        "set",
        "frozenset",
        "list",
        "dict",
        "tuple",
        "int",
        "float",
        "str",
        "bytes",
        "bytearray",
        "bool",
        "complex",
        "slice",
        "range",
        "object",
    ]
)
HARMFUL = frozenset(
    ["os", "posix", "nt", "subprocess", "sys", "socket", "shutil", "importlib", "runpy", "pty", "ctypes", "code", "codeop",
     "webbrowser", "http", "urllib", "ftplib", "smtplib", "requests", "httpx", "multiprocessing", "asyncio", "signal", "pip",
     "pickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "types", "functools", "operator", "_operator", "inspect",
     "bdb", "pdb", "timeit", "cProfile", "profile", "pathlib", "io", "_io", "commands", "zipimport", "imp", "pkgutil", "site",
     "venv", "threading", "__main__"]
)  # fmt: skip
# Names in known modules that run text, read files or unpickle.
HARMFUL_NAMES = frozenset(
    ["load", "read_pickle", "eval", "runstring", "run_command", "myeval", "getlincoef", "_load_from_bytes", "exec", "system", "loads"]
)
_TEXTS = frozenset(["UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"])
_PUTS = frozenset(["PUT", "BINPUT", "LONG_BINPUT"])
_GETS = frozenset(["GET", "BINGET", "LONG_BINGET"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opcodes:
    """`imports` as `module.name`, in order; `problem` says why not every opcode could be read."""

    imports: tuple[str, ...]
    problem: str = ""

    @property
    def harmful(self) -> tuple[str, ...]:
        return tuple(name for name in self.imports if is_harmful(name))

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(name for name in self.imports if not is_harmful(name) and not is_known(name))


def is_harmful(name: str) -> bool:
    """Does this import run code, or lead to what does?"""
    module, _, last = name.partition(" ")
    if module in ("builtins", "__builtin__"):
        return last not in SAFE_BUILTINS
    parts = [*module.split("."), *last.split(".")]
    return parts[0] in HARMFUL or any(part in HARMFUL_NAMES or part in ("os", "sys", "subprocess", "builtins") for part in parts[1:])


def is_known(name: str) -> bool:
    """Is it on the list of what stored models are made of?"""
    module, _, last = name.partition(" ")
    return bool(KNOWN.match(module)) or (module in ("builtins", "__builtin__") and last in SAFE_BUILTINS)


def opcodes(content: bytes) -> Opcodes:
    """Every import (`module name`) of every pickle in `content`, one after another. Nothing is executed."""
    found: list[str] = []
    stream = io.BytesIO(content)
    try:
        while stream.tell() < len(content):
            for name in _imports(stream):
                found.append(name)  # noqa: PERF402  # what was read before the opcodes broke off counts
    except Exception as error:  # noqa: BLE001  # whatever pickletools says of bytes that are no pickle
        return Opcodes(imports=tuple(dict.fromkeys(found)), problem=f"its opcodes cannot be read to the end ({type(error).__name__})")
    return Opcodes(imports=tuple(dict.fromkeys(found)))


def _imports(stream: io.BytesIO) -> Iterator[str]:
    """The imports of one pickle. STACK_GLOBAL takes the last two texts on the stack; one that is not a text is `? ?`, which is harmful."""
    stack: list[str | None] = []
    memo: dict[int, str | None] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument)
            stack.append(None)
        elif opcode.name == "STACK_GLOBAL":
            module, name = stack[-2:] if len(stack) > 1 else (None, None)
            yield f"{module} {name}" if module is not None and name is not None else "os ?"
            stack.append(None)
        elif opcode.name in ("EXT1", "EXT2", "EXT4"):
            yield "os ?"
        elif opcode.name in _TEXTS:
            stack.append(str(argument))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = stack[-1] if stack else None
        elif opcode.name in _PUTS:
            memo[int(str(argument))] = stack[-1] if stack else None
        elif opcode.name in _GETS:
            stack.append(memo.get(int(str(argument))))
        elif opcode.name not in ("PROTO", "FRAME", "STOP"):
            stack.append(None)
