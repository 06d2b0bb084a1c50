"""Values that cross from one step to the next: written in open formats with their fingerprints, verified before they are opened.

A step's folder holds one or more files a value and `step.json`, which is written last (docs/formats/step.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.pipelines.formats import FORMATS, Format, format_of
from jupyter_mlgov.pipelines.plainvalues import decoded, encoded
from jupyter_mlgov.pipelines.unfit import Unfit

FORMAT = "mlgov-step-1"
MANIFEST = "step.json"


class CannotCross(BadInput):
    """A value has no form in which another process could take it up. The sentence says which, of which step, and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A value as it stands in a step's folder. `content` is its plain part, with references to `files` where larger things lie.

    `root` is a digest of the value itself, whatever file format holds it; two runs agree when their roots do. `kind` is what it is
    for people (`table`, `model`, `array`, `value`, `pickle`); `same_as` another name of this folder that is the same object.
    """

    name: str
    kind: str
    root: Digest
    content: object
    files: Mapping[str, Digest] = field(default_factory=dict)
    pickled: bool = False
    same_as: str = ""


def write_values(values: Mapping[str, object], folder: Path, *, step: str, allow_pickle: bool = False) -> tuple[Crossed, ...]:
    """Write these variables of `step` into `folder`. Raises CannotCross naming every one that cannot cross; step.json is not written."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Crossed] = []
    refused: list[str] = []
    objects: dict[int, str] = {}
    for number, (name, value) in enumerate(values.items()):
        first = objects.setdefault(id(value), name)
        try:
            one = _write(name, value, folder, f"{number:02d}-{_safe(name)}", allow_pickle=allow_pickle)
        except Unfit as error:
            refused.append(f"`{name}`: {error}.")
            continue
        shared = first if first != name and not isinstance(value, (str, int, float, bool, type(None))) else ""
        found.append(Crossed(**{**_fields(one), "same_as": shared}))
    if refused:
        raise CannotCross(
            f"What step {step} makes cannot cross to another process: {' '.join(refused)}",
            next="Make it anew in the step that needs it, in a function say; or hand over a table, array, model or plain value.",
        )
    return tuple(found)


def _fields(one: Crossed) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Crossed.__slots__}


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "-", name)[:60]


def _write(name: str, value: object, folder: Path, stem: str, *, allow_pickle: bool) -> Crossed:
    files: dict[str, Digest] = {}
    kinds: list[str] = []
    roots: list[Digest] = []

    def leaf(item: object, kind: Format) -> dict[str, object]:
        base = f"{stem}{f'-{len(files)}' if files else ''}"
        path, form = kind.write(item, folder / base)
        files[path.name] = Digest.of_file(path)
        kinds.append(kind.kind)
        roots.append(kind.root(item))
        return {"format": kind.name, "file": path.name, "form": form, "root": str(roots[-1])}

    content = encoded(value, lambda item: _leaf(item, leaf, allow_pickle=allow_pickle))
    return Crossed(
        name=name,
        kind=kinds[0] if isinstance(content, dict) and "format" in content else "value",
        root=told_root(content),
        content=content,
        files=files,
        pickled="pickle" in kinds,
    )


def _leaf(item: object, write: Callable[[object, Format], dict[str, object]], *, allow_pickle: bool) -> object:
    kind = format_of(item)
    if kind is not None:
        try:
            return write(item, kind)
        except Unfit as error:
            if not allow_pickle:
                raise Unfit(f"{error}, and [pipelines] allow_pickle in mlgov.toml is not set") from None
    elif not allow_pickle:
        raise Unfit(_why(item))
    return write(item, FORMATS["pickle"])


def told_root(content: object) -> Digest:
    """The root of a value from its content as encoded() makes it."""
    return Digest.of_json(_told(content))


def _told(content: object) -> object:
    """The content with files known by what they hold, not by how they are called."""
    if isinstance(content, dict):
        if "format" in content and "root" in content:
            return {"root": content["root"]}
        return {key: _told(item) for key, item in content.items()}
    return [_told(item) for item in content] if isinstance(content, list) else content


def _why(value: object) -> str:
    """What a value is, in words, and the way out where there is a better one than the general."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    for mark, said in _KNOWN_TROUBLE:
        if mark in name.lower():
            return f"it is {said} ({name})"
    if name in ("function", "method", "builtin_function_or_method") and getattr(value, "__closure__", None):
        return "it is a function that captured values where it was made; define it with `def` in a cell, and hand over the values"
    if name == "function":
        return "it is a function that a call made; define it with `def` in a cell of its own"
    return f"its type {name} has no form that is safe to open again"


_KNOWN_TROUBLE = (
    ("generator", "a generator, which lives in its process; make a list of it, or make it where it is read"),
    ("connection", "an open connection; open it in the step that uses it"),
    ("cursor", "an open connection; open it in the step that uses it"),
    ("engine", "an open connection; open it in the step that uses it"),
    ("session", "an open session; open it in the step that uses it"),
    ("lock", "a lock of this process; make it in the step that uses it"),
    ("thread", "a thread of this process; start it in the step that uses it"),
    ("socket", "an open connection; open it in the step that uses it"),
    ("textiowrapper", "an open file; hand over its path and open it in the step that uses it"),
    ("bufferedreader", "an open file; hand over its path and open it in the step that uses it"),
    ("bufferedwriter", "an open file; hand over its path and open it in the step that uses it"),
    ("bufferedrandom", "an open file; hand over its path and open it in the step that uses it"),
    ("iterator", "an iterator, which is used up by reading; make a list of it"),
    ("module", "a module; import it in the step that uses it"),
)


# -- step.json ---------------------------------------------------------------------------------------------------------


def write_manifest(folder: Path, about: Mapping[str, object], values: Iterable[Crossed]) -> Digest:
    """Write step.json, by which a folder is known to be complete. Returns its digest."""
    document = {"format": FORMAT, **about, "values": {one.name: _as_json(one) for one in values}}
    content = (json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    path = folder / f".{MANIFEST}.tmp"
    path.write_bytes(content)
    path.replace(folder / MANIFEST)
    return Digest.of_bytes(content)


def _as_json(one: Crossed) -> dict[str, object]:
    found: dict[str, object] = {"kind": one.kind, "root": str(one.root), "content": one.content}
    found |= {"files": {name: str(digest) for name, digest in one.files.items()}} if one.files else {}
    found |= {"pickled": True} if one.pickled else {}
    return found | ({"same_as": one.same_as} if one.same_as else {})


def read_manifest(folder: Path) -> dict[str, Any]:
    """step.json of a folder. Raises NotReady where there is none (the step did not end), BadInput for one of another form."""
    path = folder / MANIFEST
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotReady(f"{folder} holds no finished step: there is no {MANIFEST}.", next="Run that step first: `mlgov run-step`.") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", next="Run that step again.") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT or not isinstance(document.get("values"), dict):
        raise BadInput(f"{path} is not in the format {FORMAT}.", next="Run that step again with this version.")
    return document


def find_steps(folders: Sequence[Path]) -> dict[str, Path]:
    """Step name -> its folder, among folders that are a step's or hold those of several."""
    found: dict[str, Path] = {}
    for folder in folders:
        inside = [folder] if (folder / MANIFEST).is_file() else sorted(one for one in _children(folder) if (one / MANIFEST).is_file())
        for one in inside:
            found[str(read_manifest(one).get("step"))] = one
    return found


def _children(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def read_values(folder: Path, names: Iterable[str], *, allow_pickle: bool = False) -> dict[str, object]:
    """These variables, each verified before and after it is opened. Raises BadInput for a changed byte, a missing name or file."""
    there = cast("dict[str, dict[str, Any]]", read_manifest(folder)["values"])
    found: dict[str, object] = {}
    for name in names:
        if name not in there:
            raise BadInput(
                f"{folder} holds no `{name}`.", expected=f"It holds {', '.join(there) or 'nothing'}.", next="Run that step again."
            )
        about = there[name]
        shared = about.get("same_as", "")
        found[name] = found[shared] if shared in found else _read(name, about, folder, allow_pickle=allow_pickle)
    return found


def _read(name: str, about: Mapping[str, Any], folder: Path, *, allow_pickle: bool) -> object:
    verify_files(name, about, folder)
    if about.get("pickled") and not allow_pickle:
        raise BadInput(
            f"`{name}` in {folder} is a pickle, and a pickle runs code when it is opened.",
            next="Set [pipelines] allow_pickle in mlgov.toml.",
        )
    if told_root(about["content"]) != about["root"]:
        raise _changed(name, folder, "its content")

    def leaf(part: Mapping[str, Any]) -> object:
        kind = FORMATS.get(str(part["format"]))
        if kind is None or Path(str(part["file"])).name != part["file"] or part["file"] not in about["files"]:
            raise _changed(name, folder, "its description")
        value = kind.read(folder / part["file"], part["form"])
        if kind.verifies and kind.root(value) != part["root"]:
            raise _changed(name, folder, part["file"])
        return value

    try:
        return decoded(about["content"], leaf)
    except Unfit as error:
        raise BadInput(f"`{name}` in {folder} cannot be opened: {error}.", next="Run that step again.") from None


def verify_files(name: str, about: Mapping[str, Any], folder: Path) -> None:
    """Raises BadInput when a file of the value is gone or has another byte than when it was written. Nothing is opened."""
    for file, digest in about.get("files", {}).items():
        path = folder / file
        if Path(file).name != file or not path.is_file():
            raise BadInput(f"`{name}` is incomplete: {path} is missing.", next="Run that step again.")
        if Digest.of_file(path) != digest:
            raise _changed(name, folder, file)


def _changed(name: str, folder: Path, what: str) -> BadInput:
    return BadInput(
        f"`{name}` in {folder} is not what its step wrote: {what} was changed. It was not opened.", next="Run the step that makes it again."
    )
