"""What goes into git, looked at before it goes: source, outputs and names of files, by the validators that read texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput, MlgovError
from jupyter_mlgov.core.team import TEAM_FILE, parse_team
from jupyter_mlgov.pipelines.documents import notebook_of, notebook_text
from jupyter_mlgov.validation.results import Report, SubjectRef
from jupyter_mlgov.validation.subjects import Subject, Text
from jupyter_mlgov.workspace.subjects import cell_texts

VALIDATORS = ("code.sast", "priv.pii")
LARGEST = 20_000_000  # bytes of one file
_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".mlgov", ".ipynb_checkpoints", ".dvc", ".tox"})
# Nothing in these can be read as text; their names are still looked at.
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".ico", ".webp", ".woff", ".woff2", ".ttf", ".mp4"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The report on some files; `unread` says of each file that could not be looked at why, `pictures` names those without text."""

    report: Report
    files: int
    unread: tuple[tuple[str, str], ...] = ()
    pictures: tuple[str, ...] = ()


Read = Callable[[str], bytes]


def scan(names: Sequence[str], read: Read, folder: Path, only: Collection[str] = ()) -> Scan:
    """Look at the files `names`; `read` gives the bytes of one. `folder` has the team file, if there is one.

    A file that cannot be read is named in `unread`, never left out. Raises UsageError for a validator in `only` that reads no texts.
    """
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.here import Here
    from jupyter_mlgov.validation.plugins import installed_validators

    texts: list[Text] = []
    unread: list[tuple[str, str]] = []
    pictures: list[str] = []
    for name in dict.fromkeys(names):
        if Path(name).suffix.lower() in _PICTURES:
            pictures.append(name)
            texts.append(Text(where=name, content="", kind="file", path=name))
            continue
        try:
            texts += _texts(name, read(name))
        except MlgovError as problem:
            unread.append((name, str(problem)))
            texts.append(Text(where=name, content="", kind="file", path=name))
    path = folder / TEAM_FILE
    roles = parse_team(path.read_text("utf-8")).roles if path.is_file() else parse_team("").roles
    subject = Subject(ref=SubjectRef(kind="files", name="files"), roles=roles, texts=tuple(texts))
    report = validate(subject, (), installed_validators(), only=tuple(only) or VALIDATORS, runner=Here(subject))
    return Scan(report=report, files=len(dict.fromkeys(names)), unread=tuple(unread), pictures=tuple(pictures))


def _texts(name: str, content: bytes) -> Iterator[Text]:
    if len(content) > LARGEST:
        raise BadInput(f"It is larger than {LARGEST // 1_000_000} MB.", next="Look at a table with `mlgov validate --data FILE`.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"It is not UTF-8 text (byte {error.start}).") from None
    if "\0" in text:
        raise BadInput("It is not text.")
    suffix = Path(name).suffix.lower()
    if suffix != ".ipynb":
        yield Text(where=name, content=text, kind="code" if suffix in (".py", ".pyi") else "file", path=name)
        return
    for cell in notebook_of(notebook_text(text, Path(name)), Path(name)).cells:
        for one in cell_texts(cell, name):
            yield Text(where=f"{name}, {one.where}", content=one.content, kind=one.kind, path=name, cell=one.cell)


def files_in(paths: Sequence[Path]) -> tuple[str, ...]:
    """Each file that is named, and those in a named folder but not in folders of tools. Raises BadInput for a name of nothing."""
    found: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = (one for one in sorted(path.rglob("*")) if one.is_file() and not _SKIPPED & set(one.relative_to(path).parts[:-1]))
            found += [one.as_posix() for one in inside]
        elif path.is_file():
            found.append(path.as_posix())
        else:
            raise BadInput(f"There is no file {path}.", next="Check the name.")
    return tuple(found)


def from_disk(name: str) -> bytes:
    """The bytes of a file, at most one more than are looked at."""
    try:
        with Path(name).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"It cannot be read: {error.strerror or error}.") from None


__all__ = ["LARGEST", "VALIDATORS", "Scan", "files_in", "from_disk", "scan"]
