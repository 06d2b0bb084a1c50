"""Is the model registered and tiered, are duties apart, are findings closed, is the approval still good?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Act, Finding, Missing, Records, Subject, Unanswered, Verdict, validator
from mlgov_validators.declared import absent, days, parts, same_person, texts, word
from mlgov_validators.filled import moment

_FIELDS = ("purpose", "owner", "developer", "validator", "materiality", "complexity", "status")
SLA = 24  # hours a review may wait
_RANK = {"low": 0, "medium": 1, "high": 2}


def _at(subject: Subject) -> Records:
    if subject.records is None:
        raise Missing("There is no trail to read.", next="Validate in a workspace (`mlgov init`).")
    return subject.records


@validator("gov.inventory", title="Inventory and tiering", needs=("register",), uses=("records",))
def inventory(subject: Subject) -> list[Finding]:
    """Does the register hold the model with every mandatory field, its tier as its inputs give it, and every endpoint that serves it?

    `[inventory]` of mlgov.toml: purpose, owner, developer, validator, materiality, complexity (low, medium or high), status, and
    `endpoints`, the names under which the model serves. Tier: the graver of materiality and complexity; high is 1, medium 2, low 3.
    Endpoints the trail tells of (`endpoint.serving`) must be in the list, and those of the list in the trail once any is told.

    fail: a field is missing, the tier differs from the recomputed one, an endpoint serves that the register does not name.
    inconclusive: materiality or complexity is no known word. Unchecked: there is no [inventory].

    Source: SR 26-2 sec III and VI; SS1/23 principle 1; NIST GOVERN 1.6; the field list and the tier rule are house.

    Fix: Fill in [inventory] of mlgov.toml, set `tier` to what it gives, register the endpoint or stop it.
    """
    body = subject.declared("inventory")
    missing = absent(body, _FIELDS)
    findings = [Finding(message=f"[inventory] has no {name}.", verdict=Verdict.FAIL, where=name) for name in missing]
    findings.append(_tier(subject.tier, word(body, "materiality"), word(body, "complexity")))
    named = set(texts(body, "endpoints"))
    serving = {word(act.payload, "endpoint") for act in (subject.records.about("endpoint.serving") if subject.records else ())} - {""}
    for name in sorted(serving - named):
        said = f"Endpoint {name} serves traffic and is not in the register."
        findings.append(Finding(message=said, verdict=Verdict.FAIL, where=name, fix="Register or stop."))
    idle = sorted(named - serving) if serving else []
    said = "Endpoint {} is in the register and serves nothing."
    return [*findings, *(Finding(message=said.format(name), verdict=Verdict.WARN, where=name) for name in idle)]


def _tier(stored: int, materiality: str, complexity: str) -> Finding:
    ranks = [_RANK.get(one.lower()) for one in (materiality, complexity)]
    if None in ranks:
        said = f'Materiality "{materiality}" or complexity "{complexity}" is none of low, medium, high, so the tier cannot be recomputed.'
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where="tier")
    wanted = 3 - max(rank for rank in ranks if rank is not None)
    said = f"Tier {stored} stands in mlgov.toml; materiality {materiality} and complexity {complexity} give tier {wanted}."
    verdict = Verdict.PASS if stored == wanted else Verdict.FAIL
    return Finding(message=said, verdict=verdict, measured=float(stored), allowed=f"tier {wanted}", where="tier")


@validator("gov.aggregate", title="Aggregate risk", needs=("register",), stricter={"most": "lower"})
def aggregate(subject: Subject, *, most: int = 5) -> list[Finding]:
    """Which data, features, libraries or vendors do many models rest on, and is there a fallback?

    `[dependencies.NAME]`: `kind`, `feeds` (the models that rest on it), `tier1` (those of tier 1), `fallback`. Concentration is the
    Herfindahl-Hirschman index of the shares of links, between 1/n and 1.

    warn: a node feeds `most` or more tier-1 models, or two and more models with no fallback. fail: a node names no model it feeds.
    inconclusive: never. Unchecked: there is no [dependencies].

    Source: SR 26-2 sec III (aggregate risk); the limit is house.

    Fix: Name a fallback, or test the models that share the node under one stress.
    """
    nodes = parts(subject, "dependencies")
    counts = {name: len(texts(body, "feeds")) for name, body in nodes}
    total = sum(counts.values())
    findings = [_node(name, body, most) for name, body in nodes]
    if total:
        index = sum((count / total) ** 2 for count in counts.values())
        said = f"{len(nodes)} shared nodes with {total} links; concentration {index:.2f}."
        findings.append(Finding(message=said, verdict=Verdict.PASS, measured=index, n=total, where="all"))
    return findings


def _node(name: str, body: Mapping[str, object], most: int) -> Finding:
    feeds, grave = texts(body, "feeds"), texts(body, "tier1")
    if not feeds:
        return Finding(message=f"{name} names no model that rests on it.", verdict=Verdict.FAIL, where=name)
    fallback = word(body, "fallback")
    said = f"{name} feeds {len(feeds)} {'model' if len(feeds) == 1 else 'models'}, {len(grave)} of tier 1; "
    said += f"fallback: {fallback}." if fallback else "no fallback."
    shared = len(feeds) > 1 and not fallback
    verdict = Verdict.WARN if len(grave) >= most or shared else Verdict.PASS
    return Finding(message=said, verdict=verdict, measured=float(len(grave)), allowed=f"under {most} of tier 1", n=len(feeds), where=name)


@validator("gov.change", title="Change management", needs=("register", "records"))
def change(subject: Subject) -> list[Finding]:
    """Has every material change since the last granted stage its own review of what changed?

    `[changes.ID]`: `what`, `kind` (data, features, code, parameters, threshold, environment, gate), `material` (true or false), `date`,
    `reviewed_by`, `retested`. A kind of threshold or gate is material whatever it says.

    Only declared changes are seen here. One that nobody declared is kept out by the gate: it binds an approval to the digest of its report,
    which names model, table, cutoff, environment and policy.

    fail: a material change has no reviewer, is reviewed by an author of the model, or was not tested again. not applicable: no stage
    was ever granted, so there is nothing to have changed. inconclusive: a change says neither kind nor what. Unchecked: no [changes].

    Source: RTS 6 Art 5(7) and 11; ESMA briefing Feb 2026; SS1/23 principle 3.

    Fix: Have the change reviewed by somebody else and tested, name both, and ask for the stage again.
    """
    granted = [act for act in _at(subject).about("promotion.decided") if word(act.payload, "answer") == "granted"]
    if not granted:
        said = "No stage was ever granted to this model, so there is no approved state it could differ from."
        return [Finding(message=said, verdict=Verdict.NOT_APPLICABLE)]
    return [finding for name, body in parts(subject, "changes") for finding in _changed(name, body, _at(subject))]


def _changed(name: str, body: Mapping[str, object], records: Records) -> Iterator[Finding]:
    kind, what = word(body, "kind"), word(body, "what")
    if not kind or not what or not isinstance(body.get("material"), bool):
        yield Finding(
            message=f"{name} does not say its kind, what changed and whether it is material.", verdict=Verdict.INCONCLUSIVE, where=name
        )
        return
    if not body["material"] and kind not in ("threshold", "gate"):
        yield Finding(message=f"{name} ({kind}): {what}; not material.", verdict=Verdict.PASS, where=name)
        return
    reviewer = word(body, "reviewed_by")
    if not reviewer:
        yield Finding(message=f"{name} ({kind}): {what}; material, and nobody reviewed it.", verdict=Verdict.FAIL, where=name)
    elif any(same_person(reviewer, author.id) for author in records.authors):
        yield Finding(message=f"{name} was reviewed by {reviewer}, who worked on the model.", verdict=Verdict.FAIL, where=name)
    elif not word(body, "retested"):
        yield Finding(message=f"{name} ({kind}): {what}; reviewed by {reviewer}, and not tested again.", verdict=Verdict.FAIL, where=name)
    else:
        yield Finding(
            message=f"{name} ({kind}): {what}; reviewed by {reviewer}, tested: {word(body, 'retested')}.", verdict=Verdict.PASS, where=name
        )


@validator("gov.sod", title="Segregation of duties", needs=("records", "register"), stricter={"signers": "higher"})
def duties(subject: Subject, *, signers: int = 2) -> list[Finding]:
    """Are author, validator, approver and deployer different people, and are there enough of them?

    Authors: everybody who ran or exported the notebook. Approvers: `review.given` with approve. Deployers: `promotion.decided` that was
    granted. Developer, validator and owner, and `reports_to` of the validator, come from `[inventory]`.

    fail: an author approved; the validator is an author or reports to the developer; one person approved and deployed; a granted stage
    with fewer approvers than `signers` at tier 1 or 2. warn: an identity that was declared and not proven.
    inconclusive: nobody knows the authors. Unchecked: nobody has approved yet, or there is no [inventory].

    Source: SR 26-2 sec III and VI.1; RTS 6 Art 1; SS1/23 principle 4. Two signers are house.

    Fix: Route to another reviewer.
    """
    records = _at(subject)
    if not records.authors:
        raise Missing("The trail does not say who worked on this model.", next="Run the notebook under the recorder.")
    body = subject.declared("inventory")
    authors = tuple(author.id for author in records.authors)
    findings = [*_appointed(body, authors)]
    approvals = [act for act in records.about("review.given") if word(act.payload, "verdict") == "approve"]
    granted = [act for act in records.about("promotion.decided") if word(act.payload, "answer") == "granted"]
    if not findings and not approvals and not granted:
        raise Unanswered("Nobody has approved this model yet; the gate itself keeps authors from approving.", next="`mlgov review`.")
    return [*findings, *_signed(approvals, granted, authors, signers if subject.tier in (1, 2) else 1)]


def _appointed(body: Mapping[str, object], authors: tuple[str, ...]) -> Iterator[Finding]:
    checker, developer, boss = word(body, "validator"), word(body, "developer"), word(body, "reports_to")
    if any(same_person(checker, one) for one in (*authors, developer)):
        yield Finding(message=f"{checker} validates and worked on the model.", verdict=Verdict.FAIL, where="validator")
    if boss and same_person(boss, developer):
        yield Finding(message=f"The validator {checker} reports to the developer {developer}.", verdict=Verdict.FAIL, where="validator")


def _signed(approvals: list[Act], granted: list[Act], authors: tuple[str, ...], signers: int) -> Iterator[Finding]:
    people = {act.actor.id.strip().casefold(): act for act in approvals}
    own = [act for who, act in people.items() if any(same_person(who, author) for author in authors)]
    for act in own:
        yield Finding(message=f"Approved by {act.actor}, who worked on it.", verdict=Verdict.FAIL, where=act.actor.id)
    deployers = {act.actor.id.strip().casefold() for act in granted}
    for who in sorted(deployers & set(people)):
        yield Finding(message=f"{who} approved and deployed.", verdict=Verdict.FAIL, where=who)
    for act in approvals:
        if act.actor.source == "declared":
            yield Finding(message=f"{act.actor} approved; the identity was declared, not proven.", verdict=Verdict.WARN, where=act.actor.id)
    independent = len(people) - len(own)
    enough = independent >= signers or not granted
    said = f"{independent} independent {'person' if independent == 1 else 'people'} approved; {signers} are asked for."
    yield Finding(
        message=said,
        verdict=Verdict.PASS if enough else Verdict.FAIL,
        measured=float(independent),
        allowed=f"at least {signers}",
        n=len(people),
    )


@validator("gov.findings", title="Findings tracking", needs=("register", "records"))
def tracked(subject: Subject) -> list[Finding]:
    """Is any grave finding overdue, and was each closed one tested again by somebody who did not make the model?

    `[findings.ID]`: `severity` (low, medium, high, critical), `opened`, `due`, and when closed `closed`, `retested_by`, `evidence`. A team
    without any writes `[findings.none]` with `confirmed_by` and `on`, not older than 90 days.

    fail: a high or critical finding is overdue, or closed without a retest by a non-author. warn: another is overdue.
    inconclusive: a date or severity cannot be read, or the confirmation is older. Unchecked: there is no [findings].

    Source: SR 26-2 sec VI.3; the limits are house.

    Fix: Close it with a retest, or approve an extension with limits.
    """
    records = _at(subject)
    found = parts(subject, "findings")
    if [name for name, _ in found] == ["none"]:
        return [_none(found[0][1], records)]
    return [_issue(name, body, records) for name, body in found if name != "none"]


def _none(body: Mapping[str, object], records: Records) -> Finding:
    age, who = days(body.get("on"), records.now), word(body, "confirmed_by")
    if age is None or not who or age > 90 or age < 0:
        return Finding(
            message="That there are no findings was not confirmed by a named person within 90 days.", verdict=Verdict.INCONCLUSIVE
        )
    return Finding(
        message=f"{who} confirmed {age:.0f} days ago that no finding is open.", verdict=Verdict.PASS, measured=age, allowed="90 days"
    )


def _issue(name: str, body: Mapping[str, object], records: Records) -> Finding:
    severity, late = word(body, "severity").lower(), days(body.get("due"), records.now)
    grave = severity in ("high", "critical")
    if severity not in ("low", "medium", "high", "critical") or late is None:
        return Finding(message=f"{name} has no readable severity or due date.", verdict=Verdict.INCONCLUSIVE, where=name)
    if word(body, "closed"):
        tester = word(body, "retested_by")
        own = any(same_person(tester, author.id) for author in records.authors)
        proven = tester and not own and word(body, "evidence")
        said = f"{name} ({severity}) is closed, tested again by {tester or 'nobody'}{', who worked on the model' if own else ''}."
        return Finding(message=said, verdict=Verdict.PASS if proven else Verdict.FAIL if grave else Verdict.WARN, where=name)
    if late <= 0:
        return Finding(
            message=f"{name} ({severity}) is open and due in {-late:.0f} days.", verdict=Verdict.PASS, measured=-late, where=name
        )
    said = f"{name} ({severity}) is {late:.0f} days overdue."
    return Finding(message=said, verdict=Verdict.FAIL if grave else Verdict.WARN, measured=late, allowed="0 days overdue", where=name)


@validator(
    "gov.approval",
    title="Approvals, conditions, expiry",
    version="1.1",
    needs=("records",),
    uses=("register",),
    stricter={"months": "lower"},
)
def approval(subject: Subject, *, months: int = 12) -> list[Finding]:
    """Is there an approval by somebody who did not make the model, is it young enough, and do its conditions still hold?

    An approval is `review.given` with approve. It ages out after `months` (times the tier: 12, 24, 36). `[inventory]` may say
    `conditions` and `conditional_until`; a condition without an end, or past it, is a breach. The gate itself binds an approval to the
    very report; here its age and its conditions are looked at.

    A review that was asked for (`review.asked`) should be answered within 24 hours; how long the last one waited is said.

    fail: every approval is older, or a conditional one is past its end or has none. warn: a review waits for longer than 24 hours.
    inconclusive: nobody knows the authors.
    Unchecked: nobody has approved this model yet.

    Source: SR 26-2 sec V.1 (conditional use) and V.6; 24 hours is the seed requirement; the periods are house.

    Fix: Renew the approval, or take the model back to what its conditions allow.
    """
    records = _at(subject)
    if not records.authors:
        raise Missing("The trail does not say who worked on this model.", next="Run the notebook under the recorder.")
    given = [act for act in records.about("review.given") if word(act.payload, "verdict") == "approve"]
    counted = [act for act in given if not any(same_person(act.actor.id, author.id) for author in records.authors)]
    if not counted:
        raise Unanswered("Nobody who did not make it has approved this model yet.", next='`mlgov review approve -m "why"`.')
    age = (records.now - counted[-1].time).total_seconds() / 86400
    most = months * 30.44 * subject.tier
    said = f"{counted[-1].actor} approved {age:.0f} days ago; the next review is due after {most:.0f} days."
    findings = [Finding(message=said, verdict=Verdict.PASS if age <= most else Verdict.FAIL, measured=age, allowed=f"{most:.0f} days")]
    body = (subject.register or {}).get("inventory", {})
    if word(body, "conditions") or texts(body, "conditions"):
        until = moment(body.get("conditional_until"))
        held = until is not None and until > records.now
        told = f"until {until:%Y-%m-%d}" if until else "without an end"
        findings.append(
            Finding(message=f"The approval is conditional, {told}.", verdict=Verdict.PASS if held else Verdict.FAIL, where="conditions")
        )
    return [*findings, *_queue(records)]


def _queue(records: Records) -> Iterator[Finding]:
    """How long the newest review that was asked for waited, or still waits."""
    asked = records.about("review.asked")
    if not asked:
        return
    answers = [act for act in records.about("review.given") if act.time >= asked[-1].time]
    hours = ((answers[0].time if answers else records.now) - asked[-1].time).total_seconds() / 3600
    said = f"The last review {'waited' if answers else 'has waited'} {hours:.0f} hours; {SLA} are allowed."
    verdict = Verdict.WARN if not answers and hours > SLA else Verdict.PASS
    yield Finding(message=said, verdict=verdict, measured=hours, allowed=f"{SLA} h", where="queue")
