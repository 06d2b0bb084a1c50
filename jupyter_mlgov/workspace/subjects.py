"""The subject of a verdict, gathered from what was recorded: table, model, data, slice, environment, code, texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.lineage.staleness import HiddenState
from jupyter_mlgov.pipelines.documents import Cell
from jupyter_mlgov.validation.checks import NEEDS
from jupyter_mlgov.validation.records import Act, Form, Records
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.subjects import Predict, Subject, Text
from jupyter_mlgov.workspace.chain import chain

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_PIN = re.compile(r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*==\s*(?P<version>[^\s;\\#]+)")


def subject_ref(team: Team, lineage: Lineage) -> SubjectRef:
    """The digests a verdict about this notebook's model rests on. Two equal refs need no second look."""
    scored = lineage.last_output(team.roles.table)
    model = lineage.model
    session = lineage.session
    return SubjectRef(
        kind="model",
        name=team.model,
        notebook=lineage.notebook,
        table=scored.fingerprint.root if scored and scored.fingerprint else None,
        rows=scored.fingerprint.rows if scored and scored.fingerprint else -1,
        model=model.fingerprint.root if model and model.fingerprint else None,
        data={**lineage.data, **lineage.modules},
        slice=lineage.slice,
        environment=session.environment.digest if session else None,
        code=session.code.commit if session else "",
        roles=asdict(team.roles),
    )


def gather(workspace: Workspace, team: Team, lineage: Lineage, needs: Collection[str] = NEEDS) -> Subject:
    """What validators with these needs may ask about the model of this notebook. Raises NotReady when nothing has run."""
    scored = lineage.last_output(team.roles.table)
    if scored is None and not any(run.step for run in lineage.runs):
        raise NotReady(
            f"No tagged cell of {lineage.notebook or 'this notebook'} has run here, so there is nothing to validate.",
            next="Tag its steps and run them (`%load_ext jupyter_mlgov`, then Run All; or `mlgov run NOTEBOOK`).",
        )
    lock, hashed = read_lock(workspace.root / team.lock)
    unhashed = read_unhashed(workspace.root / team.lock)
    roles = team.roles
    kept = {name: path for name in roles.tables if (path := _kept(workspace, lineage, name))}
    return Subject(
        ref=subject_ref(team, lineage),
        roles=team.roles,
        table_path=kept.get(roles.table),
        lineage=lineage,
        hidden=hidden(workspace, lineage.notebook) if "hidden" in needs else None,
        texts=texts(workspace.path_of(lineage.notebook)) if "texts" in needs else (),
        lock=lock,
        lock_hashed=hashed,
        lock_unhashed=unhashed,
        tier=team.tier,
        scope=team.scope,
        forms=forms(workspace, team.model) if "forms" in needs else (),
        records=records(workspace, team.model, lineage.notebook) if "records" in needs else None,
        chain=chain(workspace, lineage.notebook) if "chain" in needs else None,
        register=team.register,
        reference_path=kept.get(roles.reference),
        split_paths={part: kept[name] for part, name in (("train", roles.train), ("test", roles.test)) if name in kept},
        predict=_predict(workspace, team, lineage),
        folder=workspace.root,
    )


def hidden(workspace: Workspace, notebook: str) -> HiddenState | None:
    """The hidden state of the last session; None where no saved Python notebook stands beside the record."""
    from jupyter_mlgov.workspace.recording import read_hidden_state

    try:
        return read_hidden_state(workspace, notebook)[0]
    except MlgovError:
        return None


def _kept(workspace: Workspace, lineage: Lineage, name: str) -> Path | None:
    ref = lineage.last_output(name)
    return workspace.objects.path(ref.stored) if ref and ref.stored else None


def _predict(workspace: Workspace, team: Team, lineage: Lineage) -> Predict | None:
    from jupyter_mlgov.workspace.models import StoredModel

    model = lineage.model
    if model is None or model.stored is None:
        return None
    return StoredModel(path=workspace.objects.path(model.stored), digest=model.stored, favourable=team.roles.favourable)


def forms(workspace: Workspace, model: str) -> tuple[Form, ...]:
    """Every answer people gave about `model`, oldest first; an entry that is not as answer() writes it is no answer."""
    found = []
    for entry in workspace.journal.entries(actions=("form.answered",), subject=model):
        control, answers, about = (entry.payload.get(key) for key in ("control", "answers", "model"))
        if isinstance(control, str) and isinstance(answers, dict) and all(isinstance(text, str) for text in answers.values()):
            digest = Digest(about) if isinstance(about, str) else None
            found.append(Form(control=control, answers=answers, actor=entry.actor, time=entry.time, model=digest, entry=entry.digest))
    return tuple(found)


# What a verdict does not rest on: cells are in the lineage, earlier verdicts are verdicts, deliveries are our own errands.
_NOT_ACTS = ("session.", "cell.", "recording.", "projection.", "validation.", "thresholds.", "workspace.", "file.", "form.", "data.")


def records(workspace: Workspace, model: str, notebook: str) -> Records:
    """The acts of the trail about `model` or its notebook, and who its authors are."""
    from jupyter_mlgov.promotion.authorship import authors

    entries = tuple(workspace.journal.entries())
    mine = tuple(
        Act(
            action=entry.action,
            subject=entry.subject,
            actor=entry.actor,
            time=entry.time,
            payload=entry.payload,
            entry=entry.digest,
        )
        for entry in entries
        if not entry.action.startswith(_NOT_ACTS)
        and (
            entry.action == "registry.reconciled"
            or entry.subject in (model, notebook)
            or entry.payload.get("notebook") == notebook
            or entry.payload.get("model") == model
        )
    )
    return Records(now=workspace.clock.now(), model=model, acts=mine, authors=authors(entries, notebook))


def texts(notebook: Path) -> tuple[Text, ...]:
    """Source and outputs of the notebook file, cell by cell; an unreadable file is no text, and lineage says so."""
    from jupyter_mlgov.integrations.notebooks import read_notebook

    try:
        cells = read_notebook(notebook).cells
    except MlgovError:
        return ()
    return tuple(text for cell in cells for text in cell_texts(cell, notebook.name))


def cell_texts(cell: Cell, path: str) -> Iterator[Text]:
    """Source and outputs of one cell of the notebook `path`."""
    yield Text(where=f"cell [{cell.index}]", content=cell.source, kind=cell.type, path=path, cell=cell.index)
    for output in cell.outputs:
        yield Text(where=f"output of cell [{cell.index}]", content=output, kind="output", path=path, cell=cell.index)


def read_lock(path: Path) -> tuple[Mapping[str, str] | None, bool]:
    """(name -> version, whether every pin carries a hash) of a pip lock file; (None, False) where there is none.

    Names are normalised as in the packaging specification (PEP 503): lower case, runs of `-_.` as one `-`.
    """
    pins = _pins(path)
    if pins is None:
        return None, False
    return {name: version for name, version, _ in pins}, bool(pins) and all(hashed for _, _, hashed in pins)


def read_unhashed(path: Path) -> tuple[str, ...]:
    """The names a pip lock file pins without a hash, sorted; none where there is no lock."""
    return tuple(sorted(name for name, _, hashed in _pins(path) or () if not hashed))


def _pins(path: Path) -> list[tuple[str, str, bool]] | None:
    """(normalised name, version, whether a hash stands with it); None where the file cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    logical = text.replace("\\\n", " ").splitlines()
    pins = [(match, "--hash=" in line) for line in logical if (match := _PIN.match(line))]
    return [(re.sub(r"[-_.]+", "-", match["name"]).lower(), match["version"], hashed) for match, hashed in pins]
