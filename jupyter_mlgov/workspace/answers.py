"""People's answers to a control's questions: asked by the panel, the notebook and the shell alike, written to the trail once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.reports.dossier.writing import PREFIX, taken
from jupyter_mlgov.reports.dossier.writing import questions as document_questions
from jupyter_mlgov.validation.policy import Question
from jupyter_mlgov.validation.records import Form

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A control's questions for one model, with the newest answers about this very model, if any."""

    policy: str
    control: str
    cite: str
    obligation: str
    verified: str
    automation: str
    questions: tuple[Question, ...]
    answered: Form | None = None


def questions(workspace: Workspace, control: str, notebook: str) -> Asked:
    """Raises UsageError for a control that no pack of the team has, BadInput for one that asks people nothing.

    `DOC.development` and its like are the questions of a document (reports/dossier/writing.py).
    """
    if control.startswith(PREFIX):
        return _document(workspace, control, notebook)
    from jupyter_mlgov.validation.forms import find_control
    from jupyter_mlgov.validation.forms import questions as of
    from jupyter_mlgov.validation.plugins import installed_policies
    from jupyter_mlgov.workspace.subjects import forms

    team = workspace.team_for(notebook)
    policy, found = find_control(installed_policies(team.policies, workspace.root), control)
    model = workspace.lineage(notebook).model
    digest = model.fingerprint.root if model and model.fingerprint else None
    given = [form for form in forms(workspace, team.model) if form.control == control and form.model == digest]
    return Asked(
        policy=policy.id,
        control=found.id,
        cite=found.cite,
        obligation=found.obligation,
        verified=found.verified,
        automation=found.automation,
        questions=of(found),
        answered=given[-1] if given else None,
    )


def answer(workspace: Workspace, control: str, answers: Mapping[str, str], notebook: str) -> Form:
    """Write the acting person's answers to a control or a document, bound to the model of `notebook` as it is now.

    Raises NotReady where there is no model to answer about, and what checked() raises for answers that do not answer.
    """
    from jupyter_mlgov.validation.forms import checked, find_control
    from jupyter_mlgov.validation.plugins import installed_policies

    team = workspace.team_for(notebook)
    if control.startswith(PREFIX):
        return _record(workspace, notebook, {"policy": "documents", "control": control}, taken(control, answers))
    policy, found = find_control(installed_policies(team.policies, workspace.root), control)
    about = {"policy": policy.id, "control": found.id, "pack": policy.digest}
    return _record(workspace, notebook, about, checked(found, answers))


def _record(workspace: Workspace, notebook: str, about: Mapping[str, str], answers: dict[str, str]) -> Form:
    model = workspace.lineage(notebook).model
    if model is None or model.fingerprint is None:
        raise NotReady("There is no recorded model to answer about.", next="Run the cell tagged `mlgov:train` first.")
    digest = model.fingerprint.root
    draft = Draft(
        action="form.answered",
        subject=workspace.team_for(notebook).model,
        payload={"notebook": notebook, **about, "model": digest, "answers": answers},
    )
    entry = workspace.journal.append([draft], actor=workspace.actor())[-1]
    return Form(control=about["control"], answers=answers, actor=entry.actor, time=entry.time, model=digest, entry=entry.digest)


def _document(workspace: Workspace, form: str, notebook: str) -> Asked:
    """The questions of a document, with the newest answer to each about this very model; an older answer stays in the trail."""
    from dataclasses import replace

    from jupyter_mlgov.workspace.subjects import forms

    asked = document_questions(form)
    model = workspace.lineage(notebook).model
    digest = model.fingerprint.root if model and model.fingerprint else None
    given = [one for one in forms(workspace, workspace.team_for(notebook).model) if one.control == form and one.model == digest]
    said = {name: text for one in given for name, text in one.answers.items()}
    return Asked(
        policy="documents",
        control=form,
        cite="Answer what you can; the rest stays missing.",
        obligation="What only people can write in this document. A new answer stands beside the old ones and overwrites none.",
        verified="",
        automation="human",
        questions=asked,
        answered=replace(given[-1], answers=said) if given else None,
    )
