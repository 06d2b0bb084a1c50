"""A CycloneDX 1.6 ML-BOM: the model with its card, its data and packages, and per control an attestation that points to evidence.

No conformance is scored: a claim repeats what a check said, a counter-claim what it refuted, and confidence says how the rule's
text was seen.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.clean import safe_link, visible
from jupyter_mlgov.reports.dossier.document import Written
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.writing import written
from jupyter_mlgov.reports.numbers import figure
from jupyter_mlgov.reports.reading import CAVEAT, verified
from jupyter_mlgov.validation.results import CheckResult, Estimate, Report, RequirementResult

Object = dict[str, object]
MODEL, ASSESSOR = "model", "assessor:jupyter_mlgov"


def bom(facts: DossierFacts) -> Object:
    """The BOM as JSON values. The same facts give the same serial number."""
    report = facts.report
    name = f"urn:jupyter-mlgov:{facts.model}:{facts.version}:{facts.digest}:{report.digest if report else ''}"
    data, packages = list(_data(facts)), list(_packages(facts))
    body: Object = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        "version": 1,
        "metadata": {
            "timestamp": stamp(facts.made),
            "tools": {"components": [{"type": "application", "name": "jupyter_mlgov", "version": __version__}]},
            "component": _model(facts, data),
            "properties": [_property("mlgov:caveat", CAVEAT), *([_property("mlgov:report", report.digest)] if report else [])],
        },
        "components": [*data, *packages],
        "dependencies": [{"ref": MODEL, "dependsOn": [str(one["bom-ref"]) for one in (*data, *packages)]}],
    }
    if report is not None:
        body["declarations"] = _declarations(report)
        body["definitions"] = {"standards": list(_standards(report))}
    return body


def _model(facts: DossierFacts, data: list[Object]) -> Object:
    ref = facts.lineage.model
    body: Object = {
        "bom-ref": MODEL,
        "type": "machine-learning-model",
        "name": visible(facts.model),
        "version": visible(facts.version or "unregistered"),
        "modelCard": _card(facts, data),
        "properties": [_property("mlgov:stage", facts.stage or "none"), _property("mlgov:tier", str(facts.team.tier))],
    }
    if facts.digest:
        body["properties"] = [*_list(body["properties"]), _property("mlgov:model-fingerprint", facts.digest)]
    if ref is not None and ref.stored is not None:
        body["hashes"] = [{"alg": "SHA-256", "content": ref.stored.hex}]
    return body


def _card(facts: DossierFacts, data: list[Object]) -> Object:
    roles = facts.team.roles
    parameters: Object = {"datasets": [{"ref": one["bom-ref"]} for one in data]} if data else {}
    if roles.label or roles.outcome:
        parameters["approach"] = {"type": "supervised"}
    if facts.team.scope.use:
        parameters["task"] = visible(", ".join(facts.team.scope.use))
    parameters["inputs"] = [{"format": visible(name)} for name in roles.features]
    parameters["outputs"] = [{"format": visible(name)} for name in (roles.score, roles.outcome) if name]
    card: Object = {"bom-ref": "model-card", "modelParameters": {key: value for key, value in parameters.items() if value}}
    if metrics := list(_metrics(facts)):
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    if considered := _considerations(facts):
        card["considerations"] = considered
    return card


def _metrics(facts: DossierFacts) -> Iterable[Object]:
    """What checks measured, with intervals; then each group's rate as a slice."""
    for result in facts.report.results if facts.report else ():
        for finding in result.findings:
            if finding.measured is not None:
                yield _metric(result, figure(finding.measured), finding.interval, finding.where)
            for estimate in finding.estimates:
                yield from _group(result, estimate)


def _group(result: CheckResult, estimate: Estimate) -> Iterable[Object]:
    if estimate.value is not None:
        yield _metric(result, figure(estimate.value), estimate.interval, estimate.label)


def _metric(result: CheckResult, value: str, interval: tuple[float, float] | None, where: str) -> Object:
    body: Object = {"type": visible(f"{result.validator} {result.version}"), "value": value}
    if where:
        body["slice"] = visible(where)
    if interval is not None:
        body["confidenceInterval"] = {"lowerBound": figure(interval[0]), "upperBound": figure(interval[1])}
    return body


def _considerations(facts: DossierFacts) -> Object:
    asked = {"useCases": "purpose", "technicalLimitations": "limits"}
    told = {key: written(facts, "development", name) for key, name in asked.items()}
    return {key: [visible(one.text)] for key, one in told.items() if isinstance(one, Written) and one.about_this}


def _data(facts: DossierFacts) -> Iterable[Object]:
    for place, (path, digest) in enumerate(sorted(facts.lineage.data.items()), 1):
        body: Object = {
            "bom-ref": f"data:{place}",
            "type": "data",
            "name": visible(path),
            "data": [{"type": "dataset", "name": visible(path)}],
        }
        if digest.startswith("sha256:"):
            body["hashes"] = [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
        yield body


def _packages(facts: DossierFacts) -> Iterable[Object]:
    session = facts.lineage.session
    if session is None:
        return
    used = {name for run in facts.lineage.runs for name in run.distributions}
    for name, version in sorted(session.environment.packages.items()):
        if used and name not in used:
            continue
        purl = f"pkg:pypi/{_percent(name.lower().replace('_', '-'))}@{_percent(version)}"
        yield {"bom-ref": f"package:{visible(name)}", "type": "library", "name": visible(name), "version": visible(version), "purl": purl}


def _declarations(report: Report) -> Object:
    results = {result.validator: result for result in report.results}
    maps = [_map(control, items, results) for control, items in _controls(report).items()]
    return {
        "assessors": [{"bom-ref": ASSESSOR, "thirdParty": False, "organization": {"name": f"jupyter_mlgov {__version__} (a program)"}}],
        "attestations": [{"summary": CAVEAT, "assessor": ASSESSOR, "map": maps}],
        "claims": [_claim(result) for result in report.results],
        "evidence": [one for result in report.results for one in _evidence(result)],
        "targets": {"components": [{"type": "machine-learning-model", "bom-ref": "target", "name": visible(report.subject.name)}]},
    }


def _map(control: tuple[str, str], items: list[RequirementResult], results: dict[str, CheckResult]) -> Object:
    asked = [(item, results[item.validator]) for item in items if item.validator in results]
    told = [_claim_ref(result) for item, result in asked if item.verdict in (Verdict.PASS, Verdict.WARN)]
    against = [_claim_ref(result) for item, result in asked if item.verdict is Verdict.FAIL]
    open_ = sum(item.verdict in (None, Verdict.INCONCLUSIVE, Verdict.ERROR) for item in items)
    said = f"{len(told)} demands supported, {len(against)} refuted, {open_} not decided; {items[0].standing}."
    body: Object = {"requirement": _control_ref(*control), "conformance": {"rationale": f"{said} {CAVEAT}"}}
    body |= {key: list(dict.fromkeys(refs)) for key, refs in (("claims", told), ("counterClaims", against)) if refs}
    return body | {"confidence": {"rationale": f"Wording of the rule seen as: {verified(items[0])}."}}


def _claim(result: CheckResult) -> Object:
    body: Object = {
        "bom-ref": _claim_ref(result),
        "target": "target",
        "predicate": visible(f"{result.title or result.validator}: {result.verdict.word}"),
        "reasoning": visible(f"{result.validator} {result.version}. {result.summary}"),
    }
    refs = [f"evidence:{digest}" for digest in dict.fromkeys(result.evidence)]
    key = "counterEvidence" if result.verdict is Verdict.FAIL else "evidence"
    return body | ({key: refs} if refs else {})


def _evidence(result: CheckResult) -> Iterable[Object]:
    for digest in dict.fromkeys(result.evidence):
        yield {
            "bom-ref": f"evidence:{digest}",
            "propertyName": visible(f"mlgov.{result.validator}"),
            "description": f"What {visible(result.validator)} measured, kept as {digest}",
        }


def _standards(report: Report) -> Iterable[Object]:
    for pack in report.policies:
        mine = {control: items for control, items in _controls(report).items() if control[0] == pack.id}
        yield {
            "bom-ref": f"pack:{visible(pack.id)}",
            "name": visible(pack.title or pack.id),
            "version": visible(pack.version),
            "description": f"Controls in our own words, digest {pack.digest}",
            "requirements": [_requirement(control, items[0]) for control, items in mine.items()],
        }


def _requirement(control: tuple[str, str], item: RequirementResult) -> Object:
    body: Object = {
        "bom-ref": _control_ref(*control),
        "identifier": visible(item.control),
        "title": visible(item.cite),
        "text": visible(item.obligation),
        "descriptions": [f"Severity {item.severity.value}, {visible(item.standing)}, wording seen as: {verified(item)}"],
    }
    address = safe_link(item.url)
    return body | ({"externalReferences": [{"type": "documentation", "url": address}]} if address else {})


def _controls(report: Report) -> dict[tuple[str, str], list[RequirementResult]]:
    found: dict[tuple[str, str], list[RequirementResult]] = {}
    for item in report.requirements:
        found.setdefault((item.policy, item.control), []).append(item)
    return found


def _control_ref(policy: str, control: str) -> str:
    return f"control:{visible(policy)}/{visible(control)}"


def _claim_ref(result: CheckResult) -> str:
    return f"claim:{visible(result.validator)}"


def _property(name: str, value: str) -> Object:
    return {"name": name, "value": visible(value)}


def _percent(text: str) -> str:
    from urllib.parse import quote

    return quote(visible(text), safe=".-_~")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
