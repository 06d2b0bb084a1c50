"""What changed between two versions of a model: subject, numbers, packages, cells, checks, words, acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.dossier import parts
from jupyter_mlgov.reports.dossier.document import Block, Document, Gap, Inline, Paragraph, Section, Table, Written, code, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import evidence_of, section, verdict_span
from jupyter_mlgov.reports.dossier.writing import ASKS, written
from jupyter_mlgov.reports.numbers import figure, measured
from jupyter_mlgov.validation.results import CheckResult

TITLE = "Change log"
BASIS = "What the trail says about both versions, side by side. What only one of them has is told as added or gone."
_ABSENT = "—"


def sections(before: DossierFacts, now: DossierFacts) -> tuple[Section, ...]:
    """Seven sections; one that found nothing says so."""
    return (
        section("1", "Subject", _subject(before, now)),
        section("2", "Parameters and metrics", _numbers(before, now)),
        section("3", "Environment", _packages(before, now)),
        section("4", "Cells", _cells(before, now)),
        section("5", "Checks", _checks(before, now)),
        section("6", "What people wrote", _words(before, now)),
        section("7", "Acts of the trail since", _acts(before, now)),
    )


def summary(before: DossierFacts, now: DossierFacts) -> Paragraph:
    """How many checks got better, worse, or have nothing to compare."""
    better = worse = 0
    for _, old, new in _pairs(before, now):
        if old is not None and new is not None and old.verdict is not new.verdict:
            better += new.verdict.rank > old.verdict.rank
            worse += new.verdict.rank < old.verdict.rank
    return Paragraph(words=say(f"From {before.name} to {now.name}: {worse} checks answer worse, {better} better."))


def _subject(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    names = {"model": "Model", "table": "Table", "slice": "Tagged cells and parameters", "environment": "Environment", "code": "Git commit"}
    old, new = _references(before), _references(now)
    rows = [(say(title), code(old[key] or _ABSENT), code(new[key] or _ABSENT), _same(old[key], new[key])) for key, title in names.items()]
    files = sorted({*before.lineage.data, *now.lineage.data})
    for path in files:
        pair = (before.lineage.data.get(path, ""), now.lineage.data.get(path, ""))
        rows.append((say(path), code(pair[0] or _ABSENT), code(pair[1] or _ABSENT), _same(*pair)))
    yield Table(caption="What a verdict rests on", columns=("Part", "Before", "Now", "Changed"), rows=tuple(rows), widths=(20, 34, 34, 12))


def _references(facts: DossierFacts) -> dict[str, str]:
    session, table = facts.lineage.session, facts.lineage.last_output(facts.team.roles.table)
    return {
        "model": facts.digest,
        "table": table.fingerprint.root if table is not None and table.fingerprint is not None else "",
        "slice": facts.lineage.slice or "",
        "environment": session.environment.digest if session is not None else "",
        "code": session.code.commit if session is not None else "",
    }


def _same(old: str, new: str) -> Inline:
    if not old and not new:
        return say("not known")
    return say("no" if old == new else "added" if not old else "gone" if not new else "yes")


def _numbers(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    kinds: tuple[tuple[str, Mapping[str, object], Mapping[str, object]], ...] = (
        ("parameter", before.lineage.parameters, now.lineage.parameters),
        ("metric", before.lineage.metrics, now.lineage.metrics),
    )
    rows = tuple(
        (say(kind), code(name), say(_shown(old.get(name, _ABSENT))), say(_shown(new.get(name, _ABSENT))))
        for kind, old, new in kinds
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )
    yield _changed("Parameters and metrics that changed", ("Kind", "Name", "Before", "Now"), rows, "No parameter and no metric changed.")


def _packages(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    sessions = (before.lineage.session, now.lineage.session)
    if sessions[0] is None or sessions[1] is None:
        yield Gap(what="The environment of one of the versions was not recorded.")
        return
    old, new = (one.environment for one in sessions if one is not None)
    told = {"Python": (old.python, new.python), "Platform": (old.platform, new.platform)}
    told |= {name: (old.packages.get(name, _ABSENT), new.packages.get(name, _ABSENT)) for name in sorted({*old.packages, *new.packages})}
    rows = tuple((say(name), say(pair[0]), say(pair[1])) for name, pair in told.items() if pair[0] != pair[1])
    yield _changed("Packages that changed", ("Package", "Before", "Now"), rows, "Python, platform and packages are the same.")


def _cells(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    old, new = ({run.cell_id: run for run in facts.lineage.runs} for facts in (before, now))
    rows = []
    for cell in dict.fromkeys((*old, *new)):
        one, other = old.get(cell), new.get(cell)
        texts = [(run.meaning or run.source_digest) if run is not None else "" for run in (one, other)]
        if texts[0] != texts[1]:
            step = (other or one).step if (other or one) is not None else None  # type: ignore[union-attr]  # one of them is there
            rows.append((code(cell), say(step.label if step else ""), _same(texts[0], texts[1])))
    yield _changed("Cells whose code changed", ("Cell", "Step", "Changed"), tuple(rows), "No cell that ran changed in meaning.")


def _pairs(before: DossierFacts, now: DossierFacts) -> Iterator[tuple[str, CheckResult | None, CheckResult | None]]:
    names = [result.validator for facts in (before, now) if facts.report is not None for result in facts.report.results]
    for name in dict.fromkeys(names):
        old, new = (facts.report.result(name) if facts.report is not None else None for facts in (before, now))
        yield name, old, new


def _checks(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    for facts in (before, now):
        if facts.report is None:
            yield Gap(what=f"No report on {facts.name} is in the trail, so its checks cannot be compared.", next="`mlgov validate`")
    rows = tuple(
        (say(name), _answer(before, old), _answer(now, new), _turn(old, new))
        for name, old, new in _pairs(before, now)
        if _told(old) != _told(new)
    )
    yield _changed("Checks that answer otherwise", ("Check", "Before", "Now", "Turn"), rows, "Each check answers as before.")
    old_packs, new_packs = ({pack.id: pack.version for pack in facts.report.policies} if facts.report else {} for facts in (before, now))
    packs = tuple(
        (say(name), say(old_packs.get(name, _ABSENT)), say(new_packs.get(name, _ABSENT)))
        for name in sorted({*old_packs, *new_packs})
        if old_packs.get(name) != new_packs.get(name)
    )
    yield _changed("Packs that changed", ("Pack", "Before", "Now"), packs, "The packs and their versions are the same.")


def _told(result: CheckResult | None) -> object:
    return None if result is None else (result.verdict, [plain(one.measured) for one in result.findings], result.version)


def _answer(facts: DossierFacts, result: CheckResult | None) -> Inline:
    if result is None:
        return say("no answer")
    number = next((measured(one) for one in result.findings if one.measured is not None), "")
    return (verdict_span(result.verdict, evidence_of(facts, result)), *say(f" {number}", evidence_of(facts, result)))


def _turn(old: CheckResult | None, new: CheckResult | None) -> Inline:
    if old is None or new is None:
        return say("new" if old is None else "gone")
    if old.verdict is new.verdict:
        return say("same answer, other numbers")
    worse = new.verdict.rank < old.verdict.rank
    broke = new.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE)
    return say("can no longer tell" if broke and old.verdict.opens else "worse" if worse else "better")


def _words(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    rows = []
    for kind, asks in ASKS.items():
        for ask in asks:
            old, new = (_said(facts, kind, ask.id) for facts in (before, now))
            if old != new:
                rows.append((say(f"{kind}: {ask.text}"), say(old or _ABSENT), say(new or _ABSENT)))
    yield _changed(
        "Answers that changed", ("Question", "Before", "Now"), tuple(rows), "Nobody wrote anything else about the one than about the other."
    )


def _said(facts: DossierFacts, kind: str, name: str) -> str:
    found = written(facts, kind, name)
    return found.text if isinstance(found, Written) and found.about_this else ""


def _acts(before: DossierFacts, now: DossierFacts) -> Iterator[Block]:
    start = before.lineage.session.started if before.lineage.session is not None else None
    mine = [act for act in now.acts if start is None or act.time >= start]
    rows = tuple(
        (say(f"{act.time:%Y-%m-%d %H:%M}"), say(parts.act_words(act)), code(str(act.entry)[:19] + "…", act.entry or "")) for act in mine
    )
    yield _changed("Acts since the earlier version ran (UTC)", ("When", "What", "Entry"), rows, "No act since.", widths=(16, 62, 22))


def _changed(
    caption: str, columns: tuple[str, ...], rows: tuple[tuple[Inline, ...], ...], none: str, widths: tuple[int, ...] = ()
) -> Block:
    return Table(caption=caption, columns=columns, rows=rows, widths=widths) if rows else Paragraph(words=say(none))


def _shown(value: object) -> str:
    return figure(value) if isinstance(value, float) else str(value)


def change_log(before: DossierFacts, now: DossierFacts) -> Document:
    """The change log from `before` to `now`. Its evidence is that of both."""
    from jupyter_mlgov.reports.dossier.assemble import finished

    return finished((before, now), "changes", TITLE, BASIS, f"{before.name} → {now.name}", (summary(before, now),), sections(before, now))
