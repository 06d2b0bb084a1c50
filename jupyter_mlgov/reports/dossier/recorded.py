"""What was recorded, as several documents repeat it: model, data, training, environment, history, and how to run it again."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.reports.dossier.document import Block, Bullets, Facts, Gap, Inline, Paragraph, Span, Table, code, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import act_words, short
from jupyter_mlgov.reports.numbers import count, figure

MOST = 60  # rows of a table of packages or columns in a printed document; the rest is counted and lies in the record


def identity(facts: DossierFacts) -> Facts:
    """What the model is called and by which digests it is known."""
    register = facts.team.register.get("inventory", {})
    model = facts.digest
    tier = say(str(facts.team.tier), facts.team.digest)
    rows: list[tuple[str, Inline]] = [
        ("Model", say(facts.model)),
        ("Version in the registry", say(facts.version or "not registered")),
        ("Stage by decision", say(facts.stage or "none")),
        ("Model digest", code(model, model) if model else say("no model was recorded")),
        ("Tier", tier),
    ]
    scope = facts.team.scope
    told = {"Materiality": scope.materiality, "Use": ", ".join(scope.use), "Jurisdiction": ", ".join(scope.jurisdiction)}
    rows += [(name, say(value or "nobody said", facts.team.digest)) for name, value in told.items()]
    people = {"Owner": "owner", "Developer": "developer", "Validator": "validator"}
    rows += [(name, say(str(register[key]), facts.team.digest)) for name, key in people.items() if register.get(key)]
    authors = ", ".join(str(one) for one in facts.authors)
    rows.append(("Worked on the notebook, by the trail", say(authors or "nobody is known")))
    return Facts(rows=tuple(rows))


def owners(facts: DossierFacts) -> Iterator[Block]:
    """What the inventory must say about people, where it does not."""
    register = facts.team.register.get("inventory", {})
    for key in ("owner", "developer", "validator"):
        if not register.get(key):
            yield Gap(what=f"mlgov.toml names no {key} under [inventory].", next=f'Write `{key} = "…"` under [inventory].')


def data(facts: DossierFacts) -> Iterator[Block]:
    """Files, tables and columns by their digests."""
    lineage = facts.lineage
    files = tuple((say(path), code(digest, digest if digest != "unread" else "")) for path, digest in sorted(lineage.data.items()))
    if files:
        yield Table(caption="Files that tagged cells read", columns=("File", "Digest"), rows=files, widths=(40, 60))
    else:
        yield Gap(what="No file that a tagged cell read was recorded.", next="Run the notebook with `%load_ext jupyter_mlgov`.")
    sources = [(run, ref) for run in lineage.runs if run.step for ref in run.sources_read]
    if sources:
        made = tuple((say(ref.system), say(ref.name), code(ref.version, facts.runs.get(run.id, ""))) for run, ref in sources)
        yield Table(caption="Systems with versions of their own", columns=("System", "Name", "Version"), rows=made)
    tables = [(run, ref) for run in lineage.runs if run.step for ref in run.outputs if ref.fingerprint is not None]
    if tables:
        borders = tuple(
            (
                say(ref.name),
                say(ref.kind),
                say(_rows(ref.fingerprint.rows), ref.fingerprint.root),
                code(ref.fingerprint.root, ref.fingerprint.root),
                say(run.step.label if run.step else ""),
            )
            for run, ref in tables
            if ref.fingerprint is not None
        )
        yield Table(
            caption="Tables and models at the steps' borders",
            columns=("Name", "Kind", "Rows", "Digest", "Step"),
            rows=borders,
            widths=(16, 9, 10, 50, 15),
        )


def _rows(number: int) -> str:
    return count(number) if number >= 0 else "—"


def columns(facts: DossierFacts) -> Iterator[Block]:
    """The subject's columns with types and what mlgov.toml says about them."""
    ref = facts.lineage.last_output(facts.team.roles.table)
    if ref is None or ref.fingerprint is None:
        yield Gap(what=f"The table `{facts.team.roles.table}` was not recorded, so its columns are not known.")
        return
    roles = facts.team.roles
    parts = {
        roles.outcome: "outcome",
        roles.score: "score",
        roles.baseline: "baseline",
        roles.label: "label",
        **dict.fromkeys(roles.protected, "protected"),
    }
    parts |= dict.fromkeys(roles.features, "feature")
    register = facts.team.register.get("features", {})
    found = list(ref.fingerprint.schema.items())
    made = tuple(
        (
            say(name),
            say(kind),
            say(parts.get(name, "")),
            say(_reason(register, name)),
            code(short(ref.fingerprint.columns.get(name)), ref.fingerprint.columns.get(name, "")),
        )
        for name, kind in found[:MOST]
    )
    yield Table(
        caption=f"Columns of the table `{roles.table}`",
        columns=("Column", "Type", "Part", "Reason told", "Digest"),
        rows=made,
        widths=(24, 14, 14, 28, 20),
    )
    if len(found) > MOST:
        yield Paragraph(words=say(f"{len(found) - MOST} more columns lie in the record.", ref.fingerprint.root))
    if not roles.features:
        yield Gap(what="mlgov.toml names no features of the model.", next='Write `features = ["…"]` under [subject].')


def _reason(register: object, name: str) -> str:
    body = register.get(name) if isinstance(register, dict) else None
    return str(body.get("reason", "")) if isinstance(body, dict) else ""


def training(facts: DossierFacts) -> Iterator[Block]:
    """Commit, parameters, metrics and steps as they were recorded."""
    session = facts.lineage.session
    if session is None:
        yield Gap(what="No session of the notebook was recorded.", next="Run it with `%load_ext jupyter_mlgov`, or `mlgov run`.")
        return
    state = session.code
    dirty = f", with {len(state.dirty)} changed files" if state.dirty else ""
    rows: list[tuple[str, Inline]] = [
        ("Notebook", say(facts.lineage.notebook)),
        ("Git commit", code(f"{state.commit}{dirty}") if state.commit else say(state.problem or "no commit was recorded")),
        ("Ran in", say(f"{session.host}, {session.started:%Y-%m-%d %H:%M} UTC")),
        ("Tagged cells and parameters", code(facts.lineage.slice or "none", facts.lineage.slice or "")),
    ]
    yield Facts(rows=tuple(rows))
    if not state.commit:
        yield Gap(what="No git commit is known for this run.", next="Commit the notebook, then run it again.")
    elif state.dirty:
        yield Gap(what=f"The run had {len(state.dirty)} files that are in no commit.", next="Commit them, then run it again.")
    yield from _numbers(facts)
    steps = [run for run in facts.lineage.runs if run.step is not None]
    if steps:
        made = tuple(
            (
                say(str(run.order)),
                code(run.cell_id),
                say(run.step.label if run.step else ""),
                say(run.outcome.value, facts.runs.get(run.id, "")),
                say(f"{run.duration_ms / 1000:.2f} s", facts.runs.get(run.id, "")),
            )
            for run in steps
        )
        yield Table(caption="Tagged cells in the order they ran", columns=("Run", "Cell", "Step", "Outcome", "Took"), rows=made)
    if not any("seed" in name.lower() for name in facts.lineage.parameters):
        yield Gap(what="No parameter with a seed was recorded.", next="Set one in the cell tagged `parameters`.")


def _numbers(facts: DossierFacts) -> Iterator[Block]:
    entry = {name: facts.runs.get(run.id, "") for run in facts.lineage.runs for name in (*run.parameters, *run.metrics)}
    lineage = facts.lineage
    made = [(say("parameter"), code(name), say(_value(value), entry.get(name, ""))) for name, value in lineage.parameters.items()]
    made += [(say("metric"), code(name), say(figure(value), entry.get(name, ""))) for name, value in lineage.metrics.items()]
    if made:
        yield Table(caption="Parameters and metrics of the run", columns=("Kind", "Name", "Value"), rows=tuple(made), widths=(18, 42, 40))
    looks = facts.report.looks if facts.report else 0
    if looks and facts.report:
        yield Paragraph(
            words=say(f"Models of this name judged on this hold-out set so far, this one included: {looks}.", facts.report.digest)
        )
    else:
        yield Gap(
            what="How often the hold-out set was looked at is not known.", next="Name the `label` under [subject], and validate again."
        )


def _value(value: object) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def environment(facts: DossierFacts) -> Iterator[Block]:
    """Python, platform and packages."""
    session = facts.lineage.session
    if session is None:
        return
    found = session.environment
    yield Facts(rows=(("Python", say(found.python)), ("Platform", say(found.platform)), ("Environment", code(found.digest, found.digest))))
    used = {name for run in facts.lineage.runs for name in run.distributions}
    shown = {name: version for name, version in sorted(found.packages.items()) if name in used} or dict(sorted(found.packages.items()))
    said = (
        f"{len(shown)} of {len(found.packages)} installed packages were in use." if used else "Which packages were in use was not recorded."
    )
    yield Paragraph(words=say(said, found.digest))
    made = tuple((say(name), say(version, found.digest)) for name, version in list(shown.items())[:MOST])
    yield Table(caption="Packages in use" if used else "Installed packages", columns=("Package", "Version"), rows=made, widths=(60, 40))
    if len(shown) > MOST:
        yield Paragraph(words=say(f"{len(shown) - MOST} more lie in the record of the session.", found.digest))


def history(facts: DossierFacts) -> Iterator[Block]:
    """What the trail says about the model, a sentence an act."""
    if not facts.acts:
        yield Gap(what="The trail holds no act about this model.")
        return
    made = tuple((say(f"{act.time:%Y-%m-%d %H:%M}"), say(act_words(act)), code(short(act.entry), act.entry or "")) for act in facts.acts)
    yield Table(caption="Acts of the trail about this model (UTC)", columns=("When", "What", "Entry"), rows=made, widths=(16, 62, 22))


def reproduction(facts: DossierFacts) -> Iterator[Block]:
    """The command that runs it again, and the digests it must give."""
    session = facts.lineage.session
    if session is None:
        return
    commit = session.code.commit
    given = " ".join(f"-p {name}={value}" for name, value in facts.lineage.parameters.items())
    lines = [f"git checkout {commit}"] if commit else []
    lines += ["dvc pull", f"mlgov run {facts.lineage.notebook} {given}".strip(), "mlgov validate"]
    yield Bullets(items=tuple(code(line) for line in lines), numbered=True)
    if facts.digest:
        yield Paragraph(
            words=(Span(text="The model that comes out must have the digest "), *code(facts.digest, facts.digest), Span(text="."))
        )
