"""What cells hand to one another without a name: files, shared random numbers, options, plots, the state of modules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jupyter_mlgov.lineage.acts import Call, Effect
from jupyter_mlgov.lineage.changes import Calls, Reach
from jupyter_mlgov.lineage.libraries import EXECUTING, LOOKING_ROOTS, FileUse, draws, file_use, is_query, seeds, sets_options
from jupyter_mlgov.lineage.shell import sets_variables, shell_uses
from jupyter_mlgov.lineage.values import Names

# The blank keeps them apart from names.
RANDOM, DISPLAY, SHOWN, STAR, FILES = "random numbers", "display options", "the shown values", "names from elsewhere", "file *"
_PLOTTING = ("matplotlib", "seaborn", "pylab", "pandas")
# Jupyter closes the figures of a cell at its end, unless the notebook asks for another way.
_OTHER_PLOTS = re.compile(r"%matplotlib\s+(?!inline)\w|matplotlib\.use\(|switch_backend\(|close_figures")
_SEEDING = re.compile(
    r"""(?:[.'"]|^\s*(?:from|import)\b.*)\b(?:manual_)?(?:seed(?:_everything|_all)?|set_(?:random_)?seed|set_?state)\b""", re.MULTILINE
)


def sets_seed(sources: Iterable[str]) -> bool:
    """May a cell set the seed of a random generator that all share, under whatever name?"""
    return any(_SEEDING.search(source) or "set_seed" in source or "seed_everything" in source for source in sources)


def keeps_plots(sources: Iterable[str]) -> bool:
    """Do figures stay open from one cell to the next?"""
    return any(_OTHER_PLOTS.search(source) for source in sources)


def state_of(module: str) -> str:
    """The name of what a module keeps to itself."""
    root = module.partition(".")[0]
    return "the state of plots" if root in ("matplotlib", "seaborn", "pylab") else f"the state of {root}"


class Nameless:
    """Which of these things a statement takes, and which it makes or changes."""

    def __init__(self, names: Names, calls: Calls, *, seeded: bool, plots: bool) -> None:
        self._names, self._calls, self._seeded, self._plots = names, calls, seeded, plots

    def taken(self, effect: Effect, reach: Reach) -> set[str]:
        """Those that exist and that the statement rests on."""
        found = set()
        if effect.shows or any(call.base in ("print", "display") for call in reach.calls):
            found.add(DISPLAY)
        if self._seeded and (_is_computed(effect, reach) or any(self._draws(call) for call in reach.calls)):
            found.add(RANDOM)
        for use in self._files(effect, reach):
            if "*" in use.paths:
                found |= {name for name in self._names if name.startswith("file ")}
            found |= {FILES, *(f"file {path}" for path in use.paths)} if use.mode == "read" or not use.whole else set()
        for bind in effect.binds:
            if bind.module and bind.module.partition(".")[0] not in LOOKING_ROOTS:
                found |= {state_of("sys"), FILES, *(f"file {path}" for path in _sources_of(bind.module))}
        return {name for name in found if name in self._names}

    def made(self, effect: Effect, reach: Reach) -> dict[str, None]:
        """Those that the statement makes anew or changes."""
        found: dict[str, None] = {}
        for call in reach.calls:
            module, last = self._spelled(call)
            if module and sets_options(module.partition(".")[0], last, dropped=call.dropped or effect.shows):
                found |= {state_of(module): None, DISPLAY: None}
            if self._seeded and (seeds(last) or self._draws(call)):
                found[RANDOM] = None
            if module and last in EXECUTING and not is_query(call.texts):
                found[state_of(module)] = None
            if self._plots and (module.partition(".")[0] in _PLOTTING or "plot" in call.path):
                found[state_of("matplotlib")] = None
        for use in self._files(effect, reach):
            found |= {f"file {path}": None for path in use.paths if use.mode == "write"}
        if any(sets_variables(command) for command in effect.shell):
            found[state_of("os")] = None
        if _is_computed(effect, reach):
            found |= {FILES: None, **({RANDOM: None} if self._seeded else {})}
            found |= {state_of(value.module): None for name in effect.reads if (value := self._names.get(name)) and value.kind == "module"}
        return found

    def _spelled(self, call: Call) -> tuple[str, str]:
        """The module of a call, nothing where it has none, and the function's own name, whatever it is called here."""
        base = self._names.get(call.base)
        module = base.module if base is not None and base.kind == "module" else ""
        return module, call.path[-1] if call.path else module.rpartition(".")[2] or call.base

    def _draws(self, call: Call) -> bool:
        base = self._names.get(call.base)
        _, last = self._spelled(call)
        return self._calls.kind(call.base) != "random" and draws(last, call.words, base.origin if base is not None else "")

    def _files(self, effect: Effect, reach: Reach) -> list[FileUse]:
        found = []
        for call in reach.calls:
            module, last = self._spelled(call)
            known = [
                value.constant
                for name in {*(name for one in call.args for name in one), call.base}
                if (value := self._names.get(name)) is not None and value.constant
            ]
            use = file_use(module.partition(".")[0], last, call.texts, known)
            found += [use] if use is not None else []
        if any("*" not in use.paths for use in found):  # what goes through a handle goes to the file that was opened
            found = [use for use in found if use.paths != {"*"}]
        found += [use for command in effect.shell for use in shell_uses(command)]
        return [*found, FileUse(mode="read", paths=frozenset({"*"}))] if _is_computed(effect, reach) else found


def _is_computed(effect: Effect, reach: Reach) -> bool:
    """Does it call something whose name is made while it runs?"""
    return effect.computed or any(function.body.computed for function in reach.functions)


def _sources_of(module: str) -> Sequence[str]:
    """The files that `import a.b` or `from a import b` may read."""
    parts = module.strip(".").split(".")
    return [path for end in range(1, len(parts) + 1) for path in ("/".join(parts[:end]) + ".py", "/".join(parts[:end]) + "/__init__.py")]
