"""Blocks that several documents share: what was recorded, and what checks said about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.promotion.waivers import Waiver, objection
from jupyter_mlgov.reports.dossier.document import Block, Bullets, Facts, Figure, Gap, Inline, Paragraph, Section, Span, Table, code, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.writing import written
from jupyter_mlgov.reports.numbers import count, figure, measured
from jupyter_mlgov.reports.reading import severity
from jupyter_mlgov.reports.svg import rows as plotted
from jupyter_mlgov.validation.results import FORM, CheckResult, Finding

FIGURES = 3  # more than so many small figures of one check become one
MOST = 60  # rows of a table of packages or columns in a printed document; the rest is counted and lies in the record


def section(number: str, title: str, *blocks: Block | Iterable[Block], inner: tuple[Section, ...] = ()) -> Section:
    """A section of blocks and runs of blocks."""
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, (Paragraph, Bullets, Facts, Table, Figure, Gap)) or not isinstance(block, Iterable):
            found.append(block)
        else:
            found.extend(block)
    return Section(number=number, title=title, blocks=tuple(found), sections=inner)


def asked(facts: DossierFacts, kind: str, *ids: str) -> tuple[Block, ...]:
    """What people wrote, or that they did not."""
    return tuple(written(facts, kind, name) for name in ids)


def evidence_of(facts: DossierFacts, result: CheckResult) -> str:
    """What a result's numbers rest on: its evidence, or the report where none was kept."""
    return result.evidence[0] if result.evidence else (facts.report.digest if facts.report else "")


def verdict_span(verdict: Verdict, evidence: str = "") -> Span:
    """The mark and the word."""
    return Span(text=f"{verdict.mark} {verdict.word}", evidence=evidence, verdict=verdict)


def checks(facts: DossierFacts, *names: str, caption: str) -> Iterator[Block]:
    """One table of what these checks said, their plots, and a gap for each that gave no answer."""
    report = facts.report
    if report is None:
        yield Gap(what=f"{caption}: no report on this version is in the trail.", next="`mlgov validate`")
        return
    wanted = [result for result in report.results if _named(result.validator, names)]
    if wanted:
        columns = ("Check", "Answer", "Measured", "Allowed", "n", "Severity")
        table = tuple(_row(facts, result) for result in wanted)
        yield Table(caption=caption, columns=columns, rows=table, widths=(34, 14, 20, 17, 7, 8))
    for result in wanted:
        yield from _more(facts, result)
    yield from _unanswered(facts, names)


def _named(validator: str, names: tuple[str, ...]) -> bool:
    return any(validator == name or (name.endswith(".*") and validator.startswith(name[:-1])) for name in names)


def _row(facts: DossierFacts, result: CheckResult) -> tuple[Inline, ...]:
    report, digest = facts.report, evidence_of(facts, result)
    first = next((one for one in sorted(result.findings, key=lambda one: one.verdict.rank) if one.measured is not None), None)
    grave = severity(report, result.validator) if report else None
    return (
        (Span(text=result.title or result.validator, look="strong"), Span(text=f" {result.validator} {result.version}", look="soft")),
        (verdict_span(result.verdict, digest),),
        say(measured(first) if first else "—", digest if first else ""),
        say((first.allowed if first else "") or "—"),
        say(count(first.n) if first and first.n is not None else "—", digest if first and first.n is not None else ""),
        say(grave.value if grave else "not asked"),
    )


def _more(facts: DossierFacts, result: CheckResult) -> Iterator[Block]:
    """What a result says in words: its summary, its findings where they say more, its plots, what to do."""
    digest = evidence_of(facts, result)
    mark = Span(text=f"{result.validator}: ", look="code")
    yield Paragraph(words=(mark, Span(text=result.summary or result.verdict.word, evidence=digest)))
    more = [one for one in result.findings if one.message != result.summary]
    if more:
        yield Bullets(items=tuple((verdict_span(one.verdict), Span(text=f" {_sentence(one)}", evidence=digest)) for one in more))
    yield from _figures(result, digest)
    if not result.verdict.opens and result.fix:
        yield Paragraph(words=(Span(text="To mend it: ", look="strong"), Span(text=result.fix)))


def _figures(result: CheckResult, digest: str) -> Iterator[Block]:
    """A figure a finding; where that would be a row of small ones, one figure with all their estimates."""
    drawn = [one for one in result.findings if plotted(one) or one.details.get("bins") or one.details.get("roc")]
    title = result.title or result.validator
    if len(drawn) > FIGURES and all(one.estimates and not one.details.get("bins") for one in drawn):
        estimates = tuple(estimate for one in drawn for estimate in one.estimates)
        whole = Finding(message=title, verdict=result.verdict, estimates=estimates)
        yield Figure(caption=f"{title}: estimates with their intervals; limits stand in the text", finding=whole, evidence=digest)
        return
    for one in drawn:
        group = one.estimates[0].label if len(one.estimates) == 1 else one.where
        yield Figure(caption=f"{title}: {group or 'estimates with their intervals'}", finding=one, evidence=digest)


def _sentence(finding: Finding) -> str:
    number = measured(finding)
    told = finding.message
    return told if not number or number in told else f"{told} Measured {number}{f', allowed {finding.allowed}' if finding.allowed else ''}."


def _unanswered(facts: DossierFacts, names: tuple[str, ...]) -> Iterator[Block]:
    """Demands on these checks that nothing answered; and checks that no pack of the team asks for, in a line."""
    report = facts.report
    if report is None:
        return
    seen: set[str] = set()
    for item in report.requirements:
        if item.verdict is None and item.validator not in seen and _named(item.validator, names) and item.binds:
            seen.add(item.validator)
            what, _, following = item.note.partition(" Taken to apply, because")[0].partition(" `mlgov")
            yield Gap(what=f"{item.validator} gave no answer. {what}".strip(), next=f"`mlgov{following}" if following else "")
    known = seen | {result.validator for result in report.results} | {item.validator for item in report.requirements}
    unasked = [name for name in names if not name.endswith(".*") and name not in known]
    if unasked:
        yield Paragraph(
            words=(Span(text=f"No pack of this team asks for: {', '.join(unasked)}. Not measured, so nothing is said.", look="soft"),)
        )


def counts(facts: DossierFacts) -> Inline:
    """`2 failed · 3 could not tell · …`, linked to the report."""
    report = facts.report
    if report is None:
        return (Span(text="no report on this version", verdict=Verdict.INCONCLUSIVE),)
    told = [f"{number} {Verdict(verdict).word}" for verdict, number in report.counts().items()]
    return say(" · ".join(told) or "0 checks ran", report.digest)


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
            code(_short(ref.fingerprint.columns.get(name)), ref.fingerprint.columns.get(name, "")),
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


def _short(digest: object) -> str:
    text = str(digest or "")
    return text[:19] + "…" if text else ""


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
    made = tuple((say(f"{act.time:%Y-%m-%d %H:%M}"), say(act_words(act)), code(_short(act.entry), act.entry or "")) for act in facts.acts)
    yield Table(caption="Acts of the trail about this model (UTC)", columns=("When", "What", "Entry"), rows=made, widths=(16, 62, 22))


def act_words(act: object) -> str:
    """An act as the sentence the trail has for it."""
    from jupyter_mlgov.audit.entries import sentence
    from jupyter_mlgov.validation.records import Act

    assert isinstance(act, Act)  # noqa: S101  # the one type that is handed in
    return sentence(act.action, act.subject, act.actor, act.payload)


def findings(facts: DossierFacts) -> Iterator[Block]:
    """What stands open: results that do not open a gate, and the register of the team file."""
    report = facts.report
    if report is not None and report.blocking:
        made = tuple(
            (
                say(str(number)),
                say(result.title or result.validator),
                (verdict_span(result.verdict, evidence_of(facts, result)),),
                say(report.severity(result.validator).value),
                say(result.fix or "—"),
            )
            for number, result in enumerate(report.blocking, 1)
        )
        yield Table(
            caption="Checks that keep a gate shut",
            columns=("No", "Check", "Answer", "Severity", "To mend it"),
            rows=made,
            widths=(6, 26, 16, 10, 42),
        )
    elif report is not None:
        yield Paragraph(words=say("No check of the report keeps a gate shut.", report.digest))
    yield from waived(facts)
    register = facts.team.register.get("findings", {})
    listed = [(name, body) for name, body in register.items() if isinstance(body, dict)]
    if listed:
        keys = ("severity", "owner", "opened", "due", "retested")
        listing = tuple((say(name), *(say(str(body.get(key, "—")), facts.team.digest) for key in keys)) for name, body in listed)
        yield Table(
            caption="Findings on the team's register", columns=("Finding", "Severity", "Owner", "Opened", "Due", "Retested"), rows=listing
        )
    else:
        yield Gap(
            what="mlgov.toml has no [findings], not even [findings.none].",
            next="Write `[findings.none]` with confirmed_by and on, or each finding.",
        )


def waived(facts: DossierFacts) -> Iterator[Block]:
    """Every waiver that was asked for, and whether it lifts anything today. A waived check keeps its answer."""
    if not facts.waivers:
        return
    rows = tuple(
        (say(one.waives), say(one.reason), say(one.limit), say(one.until), say(_lifts(facts, one)), code(_short(one.id), one.id))
        for one in facts.waivers
    )
    columns = ("Waives", "Reason", "Limit", "Until", "Today", "Entry")
    yield Table(caption="Waivers", columns=columns, rows=rows, widths=(14, 24, 18, 11, 18, 15))


def _lifts(facts: DossierFacts, waiver: Waiver) -> str:
    if facts.report is None:
        return "lifts nothing: there is no report"
    why_not = objection(waiver, facts.report, authors=facts.authors, reviewers=facts.team.reviewers, at=facts.made)
    return f"lifts nothing: {why_not}" if why_not else f"lifted by {', '.join(str(one) for one in waiver.approvals)}"


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


def worst_of(facts: DossierFacts, *names: str) -> Verdict:
    """The gravest answer of these checks; `inconclusive` where none answered."""
    report = facts.report
    return worst([result.verdict for result in report.results if _named(result.validator, names)] if report else [])


def is_form(name: str) -> bool:
    """Whether a demand is on people."""
    return name.startswith(FORM)
