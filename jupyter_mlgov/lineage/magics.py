"""Magics and shell lines as Python calls, the way IPython itself writes them, for where no IPython has seen the cell."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

# Line and cell magics that run the Python they are given in the notebook.
PYTHON_LINES = frozenset({"time", "timeit", "prun", "memit", "lprun", "mprun", "debug"})
PYTHON_CELLS = frozenset({"time", "timeit", "prun", "capture", "memit", "mlgov", "debug"})
# Magics that neither read nor make a name of the notebook.
QUIET = frozenset(
    """
    alias alias_magic autoawait autocall autoindent automagic autoreload bookmark cat cd clear colors colours conda config
    connect_info cp dhist dirs doctest_mode edit env gui hist history html javascript js killbgscripts latex ldir less lf lk ll
    load_ext logoff logon logstart logstate logstop ls lsmagic lx magic man markdown matplotlib mkdir mlgov more mv notebook page
    pastebin pdb pfile pinfo pinfo2 pip popd pprint precision profile psearch psource pushd pwd pycat pylab qtconsole quickref
    recall rehashx reload_ext rep rerun rm rmdir save set_env svg system sx tb unalias unload_ext uv watermark who who_ls whos
    writefile xmode tensorboard bash sh script perl ruby pypy cmd file
    """.split()  # noqa: SIM905  # a list of strings is harder to read
)
SHELL_CELLS = frozenset({"bash", "sh", "script", "perl", "ruby", "pypy", "cmd", "system", "sx"})
_ASSIGNED = re.compile(r"^(\s*)([^=!%'\"#(\[{]+?)=\s*([%!])(.*)$")
_HELP = re.compile(r"^\s*(\?{1,2}\s*[\w.*%]+|%{0,2}[\w.*]+\s*\?{1,2})\s*$")
_OPEN, _CLOSE = "([{", ")]}"


def parse(source: str) -> ast.Module:
    """The syntax tree of a cell, its magics turned into calls. Raises SyntaxError where it is no Python then either."""
    if source.lstrip().startswith("%%"):
        return ast.parse(_cell_magic(source.lstrip()))
    try:
        return ast.parse(source)
    except SyntaxError:
        plain = as_python(source)
        if plain == source:
            raise
        return ast.parse(plain)


def as_python(source: str) -> str:
    """Each line of `source` that is a magic, a shell line or a question as one call; other lines stay as they are."""
    lines, depth, quote, carried = [], 0, "", ""
    for line in source.splitlines():
        if carried:
            carried += line.strip()
            if line.endswith("\\"):
                carried = carried[:-1]
                lines.append("")
                continue
            lines.append(_line(carried) or carried)
            carried = ""
            continue
        if not depth and not quote and line.rstrip().endswith("\\") and line.lstrip()[:1] in ("%", "!"):
            carried = line.rstrip()[:-1]
            lines.append("")
            continue
        called = _line(line) if not depth and not quote else None
        if called is None:
            depth, quote = _nesting(line, depth, quote)
        lines.append(line if called is None else called)
    return "\n".join([*lines, _line(carried) or ""] if carried else lines)


def _line(line: str) -> str | None:
    """`line` as a call, or None where it is no magic."""
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    if _HELP.match(line) and "?" in line:
        return f"{indent}{_call('run_line_magic', 'pinfo', body.strip().strip('?').strip())}"
    if body.startswith(("%", "!")):
        return indent + _magic(body)
    found = _ASSIGNED.match(line)
    return f"{found[1]}{found[2]}= {_magic(found[3] + found[4], value=True)}" if found else None


def _magic(body: str, *, value: bool = False) -> str:
    if body.startswith("!"):
        return _call("getoutput", body.lstrip("!").strip()) if value or body.startswith("!!") else _call("system", body[1:].strip())
    name, _, rest = body[1:].strip().partition(" ")
    return _call("run_line_magic", name, rest.strip())


def _cell_magic(source: str) -> str:
    head, _, body = source.partition("\n")
    name, _, rest = head[2:].strip().partition(" ")
    return _call("run_cell_magic", name, rest.strip(), body)


def _call(method: str, *words: str) -> str:
    return f"get_ipython().{method}({', '.join(map(repr, words))})"


def _nesting(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Open brackets and an open triple quote after `line`."""
    place = 0
    while place < len(line):
        rest = line[place:]
        if quote:
            if rest.startswith("\\"):
                place += 2
            elif rest.startswith(quote):
                place, quote = place + len(quote), ""
            else:
                place += 1
            continue
        if rest.startswith("#"):
            break
        if rest.startswith(('"""', "'''")):
            quote, place = rest[:3], place + 3
            continue
        if rest[0] in "'\"":
            quote, place = rest[0], place + 1
            continue
        depth += (rest[0] in _OPEN) - (rest[0] in _CLOSE)
        place += 1
    return max(0, depth), quote if len(quote) == 3 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicFlow:
    """What a magic does with the notebook's names. `code` is Python that it runs; `binds`: what that code binds stays.

    `writes` has `*` where nobody can say. `unknown` says why, in a sentence.
    """

    code: str = ""
    binds: bool = True
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    unknown: str = ""
    shell: str = ""


# What a magic does to files and variables, as the shell line that does the same.
_LIKE_SHELL = {
    **{name: name for name in ("cat", "cp", "mv", "rm", "rmdir", "mkdir", "ls", "less", "more", "man", "cd")},
    **dict.fromkeys(("ll", "lx", "lk", "lf", "ldir"), "ls"),
    "writefile": "tee",
    "file": "tee",
    "pycat": "cat",
    "pushd": "cd",
    "popd": "cd",
    "env": "export",
    "set_env": "export",
    "save": "save",
}
_VARIABLE = re.compile(r"\{\s*([A-Za-z_]\w*)|(?<![\w$\\])\$\{?([A-Za-z_]\w*)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_OPTIONS = re.compile(r"^(?:-(?:[nrplsTDRMf]\s*\S+|[-\w]+)\s+)*")
_STAR = ("*",)


def magic_flow(method: str, words: tuple[str, ...]) -> MagicFlow:
    """What `get_ipython().METHOD(*words)` reads and makes. Of a magic nobody knows it says so and counts every name it mentions."""
    if method in ("system", "getoutput", "getoutput_pcat"):
        return MagicFlow(reads=_variables(words[0]), shell=words[0]) if words else MagicFlow()
    name, rest, body = (*words, "", "", "")[:3]
    name = name.lstrip("%")
    whole = method == "run_cell_magic"
    told = _known_flow(name, rest, body, whole=whole)
    if told is not None:
        return told
    mentioned = tuple(dict.fromkeys(_NAME.findall(f"{rest}\n{body}")))
    return MagicFlow(reads=mentioned, writes=_STAR, unknown=f"`{'%%' if whole else '%'}{name}` is a magic not known here.")


def _known_flow(name: str, rest: str, body: str, *, whole: bool) -> MagicFlow | None:
    if name in (PYTHON_CELLS if whole else PYTHON_LINES):
        return _python(name, rest, body, whole=whole)
    if name in ("sql", "bigquery", "R", "Rpush", "Rpull", "cython", "store", "run", "reset", "xdel", "pylab", "reset_selective"):
        return _named(name, rest, body)
    if whole and name in ("python", "python2", "python3"):
        return MagicFlow()
    if whole and name in SHELL_CELLS:
        return MagicFlow(reads=_variables(rest), writes=tuple(re.findall(r"--(?:out|err)\s+([A-Za-z_]\w*)", rest)), shell=body or rest)
    if name in ("system", "sx"):
        return MagicFlow(reads=_variables(rest), shell=rest)
    if name in _LIKE_SHELL and rest:
        return MagicFlow(reads=_variables(rest), shell=f"{_LIKE_SHELL[name]} {rest}")  # noqa: S604  # a text about a magic; nobody runs it
    if name in ("who", "whos", "who_ls"):
        return MagicFlow(code="dir()", unknown=f"`%{name}` shows every name.")
    return MagicFlow(reads=_variables(rest)) if name in QUIET else None


def _python(name: str, rest: str, body: str, *, whole: bool) -> MagicFlow:
    binds = name != "timeit"
    if not whole:
        return MagicFlow(code=_OPTIONS.sub("", rest + " ").strip(), binds=binds)
    if name == "capture":
        into = next((word for word in rest.split() if word.isidentifier()), "")
        return MagicFlow(code=body, writes=(into,) if into else ())
    setup = "" if name in ("mlgov", "debug") else _OPTIONS.sub("", rest + " ").strip()
    return MagicFlow(code=f"{setup}\n{body}" if setup else body, binds=binds)


def _named(name: str, rest: str, body: str) -> MagicFlow:
    text, words = f"{rest}\n{body}", rest.split()
    if name == "sql":
        into = re.findall(r"([A-Za-z_]\w*)\s*<<", rest)
        bound = re.findall(r"(?<![:\w]):([A-Za-z_]\w*)", text)
        return MagicFlow(reads=tuple(dict.fromkeys([*_variables(text), *bound])), writes=tuple(into))
    if name == "bigquery":
        return MagicFlow(reads=_variables(text), writes=tuple(words[:1]) if words and words[0].isidentifier() else ())
    if name in ("R", "Rpush", "Rpull"):
        taken = words if name == "Rpush" else _listed(rest, "-i", "--input")
        given = words if name == "Rpull" else _listed(rest, "-o", "--output")
        return MagicFlow(reads=tuple(taken), writes=tuple(given))
    if name == "store":
        names = tuple(word for word in words if word.isidentifier())
        if "-r" in words:
            return MagicFlow(writes=names or _STAR, unknown="" if names else "`%store -r` brings back names that the source does not tell.")
        return MagicFlow(reads=names)
    if name == "xdel":
        return MagicFlow(reads=tuple(words), writes=tuple(words))
    unknown = f"`%{name}` may make or change any name."
    shell = f"cat {rest.split()[-1]}" if name == "run" and words else ""
    return MagicFlow(
        reads=tuple(_NAME.findall(text)) if name != "run" or "-i" in words else _variables(text),
        writes=_STAR,
        unknown=unknown,
        shell=shell,
    )


def _listed(rest: str, *options: str) -> list[str]:
    """`x`, `y` of `-i x,y -i z`."""
    found = [given for option in options for given in re.findall(rf"(?:^|\s){option}[\s=]+([\w,]+)", rest)]
    return [name for given in found for name in given.split(",") if name.isidentifier()]


def _variables(text: str) -> tuple[str, ...]:
    """Names that IPython puts into a shell or magic line: `{name}` and `$name`."""
    return tuple(dict.fromkeys(one or other for one, other in _VARIABLE.findall(text)))
