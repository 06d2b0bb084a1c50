"""The door to Delta Lake: which version of a table a cell saw, and whether that version is still there.

A reference is the table's own id, the version, and the digest of that version's add actions (path and size of every data file).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Literal
from urllib.parse import unquote

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.lineage.ambient import redacted
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.sources import note, watch

MODULES = ("deltalake.table", "deltalake.writer.writer", "deltalake.writer", "deltalake")
_READS = ("__init__", "to_pyarrow_table", "to_pyarrow_dataset", "to_pandas", "load_as_version", "update_incremental", "file_uris")
_WRITES = ("delete", "update")


def observe(module: ModuleType) -> None:
    """Watch the tables that are opened, read and written from now on. Asking twice changes nothing."""
    table = getattr(module, "DeltaTable", None)
    if isinstance(table, type):
        for name in _READS:
            watch(table, name, lambda args, _, __: _note(args[0], writes=False))
        for name in _WRITES:
            watch(table, name, lambda args, _, __: _note(args[0], writes=True))
    watch(module, "write_deltalake", _after_write)


def _after_write(args: tuple[Any, ...], more: Mapping[str, Any], _: object) -> None:
    target = args[0] if args else more["table_or_uri"]

    def make() -> SourceRef:
        from deltalake import DeltaTable

        if isinstance(target, DeltaTable):
            target.update_incremental()
            return reference(target)
        return reference(DeltaTable(target, storage_options=more.get("storage_options")))

    note(f"delta {target if isinstance(target, str) else id(target)}", make, writes=True)


def _note(table: Any, *, writes: bool) -> None:
    # The version is read now: the same object may stand at another one when the cell ends.
    version = table.version()
    note(f"delta {_shown(str(table.table_uri))} {version}", lambda: reference(table, version), writes=writes)


def reference(table: Any, version: int | None = None) -> SourceRef:
    """The table at `version` (default: where it stands). Without rows: only the log's list of files is read."""
    at = table.version() if version is None else version
    if table.version() != at:
        from deltalake import DeltaTable

        table = DeltaTable(_address(str(table.table_uri)), version=at, storage_options=getattr(table, "_storage_options", None))
    identity = table.metadata().id
    files, digest = _files(table)
    return SourceRef(
        system="delta",
        name=_shown(str(table.table_uri)),
        version=str(at),
        digest=digest,
        facts={"table_id": str(identity), "files": files},
    )


def _files(table: Any) -> tuple[int, Digest]:
    import pyarrow as pa

    actions = pa.table(table.get_add_actions(flatten=True))
    pairs = sorted(zip(actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True))
    return len(pairs), Digest.of_json({"method": "mlgov-delta-1", "adds": [[path, size] for path, size in pairs]})


def _address(uri: str) -> str:
    """What opens the table again: a local one by its path, since its URI is percent-encoded."""
    return _shown(uri) if uri.startswith("file://") else uri


def _shown(uri: str) -> str:
    """Local tables by their path, remote ones without user, password and query."""
    if uri.startswith("file://"):
        return unquote(uri.removeprefix("file://")).rstrip("/")
    return redacted(uri) if "://" in uri else uri.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether a recorded version can be read again. `inconclusive` is not a pass: `reason` says what is lost or could not be asked."""

    verdict: Literal["pass", "fail", "inconclusive"]
    reason: str


def available(ref: SourceRef, storage_options: dict[str, str] | None = None) -> Availability:
    """Look for the very version of `ref`: its log entry, the same files, and each of them still there.

    `fail` when another table or other files stand under that version; `inconclusive` when a vacuum or log clean-up took it.
    """
    try:
        table = at_version(ref, storage_options)
    except NotReady as error:
        return Availability(verdict="inconclusive", reason=error.what)
    if str(table.metadata().id) != ref.facts.get("table_id"):
        return Availability(verdict="fail", reason=f"another Delta table lies at {ref.name} now")
    if _files(table)[1] != ref.digest:
        return Availability(
            verdict="fail", reason=f"version {ref.version} of {ref.name} no longer lists the files it listed when it was read"
        )
    lost = _lost(table)
    if lost:
        gone = f"{len(lost)} of {ref.facts.get('files')} data files"
        reason = f"{gone} of version {ref.version} of {ref.name} are gone (a vacuum?): {lost[0]}"
        return Availability(verdict="inconclusive", reason=reason)
    return Availability(verdict="pass", reason="")


def at_version(ref: SourceRef, storage_options: dict[str, str] | None = None) -> Any:
    """The DeltaTable of `ref`, time-travelled to its version. Raises NotReady where its log no longer has it."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise NotReady(
            "A Delta table is asked for, and deltalake is not installed.", next='Type: pip install "jupyter-mlgov[lake]"'
        ) from None
    try:
        return DeltaTable(ref.name, version=int(ref.version), storage_options=storage_options)
    except (DeltaError, OSError, ValueError) as error:
        cause = " ".join(str(error).split())[:160].rstrip(".")
        raise NotReady(
            f"Version {ref.version} of the Delta table {ref.name} cannot be opened: {cause}.",
            next="Look at its history; a version whose log was cleaned up cannot come back.",
        ) from None


def _lost(table: Any) -> list[str]:
    """Data files of this version that its store no longer has."""
    import pyarrow as pa
    from deltalake.fs import DeltaStorageHandler
    from pyarrow import fs

    store = fs.PyFileSystem(DeltaStorageHandler.from_table(table._table))  # noqa: SLF001 # deltalake's own way to pyarrow, which it keeps private
    paths = pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist()
    return [info.path for info in store.get_file_info(paths) if info.type == fs.FileType.NotFound]


def travelled(ref: SourceRef, workspace: Path, into: Path) -> None:
    """Put the recorded version of a local table below `workspace` at the same place below `into`, with its log cut off there.

    A table elsewhere is left where it is and must still stand at that version. Raises NotReady where the version is lost or another
    table lies there.
    """
    found = available(ref)
    if found.verdict != "pass":
        raise NotReady(f"The recorded data are lost: {found.reason}.", next="Restore the table from a copy.")
    table = at_version(ref)
    source = Path(ref.name)
    if not source.is_relative_to(workspace):
        newest = _newest(ref)
        if newest != table.version():
            raise NotReady(
                f"{ref.name} stands at version {newest} now, and the notebook reads whatever is newest.",
                next="Name the version in the notebook: `DeltaTable(path, version=…)`.",
            )
        return
    target = into / source.relative_to(workspace)
    shutil.rmtree(target, ignore_errors=True)
    log = target / "_delta_log"
    log.mkdir(parents=True)
    for entry in sorted((source / "_delta_log").iterdir()):
        number = entry.name.partition(".")[0]
        if number.isdigit() and int(number) <= table.version() and entry.is_file():
            shutil.copyfile(entry, log / entry.name)
    import pyarrow as pa

    for name in pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist():
        place = PurePosixPath(unquote(name))
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / place, target / place)


def _newest(ref: SourceRef) -> int:
    from deltalake import DeltaTable

    return int(DeltaTable(ref.name).version())


def appender(folder: Path) -> Callable[[Any], None]:
    """A function that appends a pyarrow table to the Delta table in `folder`, which is made with the first one; columns may be added."""

    def append(table: Any) -> None:
        try:
            from deltalake import write_deltalake
        except ImportError:
            raise NotReady("A log in Delta Lake needs deltalake.", next='Type: pip install "jupyter-mlgov[lake]"') from None
        write_deltalake(str(folder), table, mode="append", schema_mode="merge")

    return append


def table_of(folder: Path, columns: list[str] | None = None) -> Any:
    """The Delta table in `folder` as a pyarrow table, with those of `columns` that it has."""
    try:
        import pyarrow as pa
        from deltalake import DeltaTable
    except ImportError:
        raise NotReady("A log in Delta Lake needs deltalake.", next='Type: pip install "jupyter-mlgov[lake]"') from None
    table = DeltaTable(str(folder))
    known = {field.name for field in table.schema().fields}
    return pa.table(table.to_pyarrow_table(columns=None if columns is None else [name for name in columns if name in known]))
