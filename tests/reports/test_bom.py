"""The ML-BOM passes CycloneDX's strict validator, resolves its references, scores nothing; what is no BOM is refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.integrations.cyclonedx import check_bom
from jupyter_mlgov.reports.machine.bom import bom
from jupyter_mlgov.reports.reading import verified


@pytest.fixture(scope="module")
def facts(made: SimpleNamespace) -> Any:
    return made.dossier_facts()


def as_bytes(body: object) -> bytes:
    return json.dumps(body).encode()


def refs(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get(key), str):
            yield value[key]
        for item in value.values():
            yield from refs(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item, key)


def test_the_bom_is_valid_by_the_strict_validator(made: SimpleNamespace, facts: Any) -> None:
    for given_ in (
        facts,
        made.dossier_facts(made.green()),
        made.dossier_facts(made.hostile(), model=made.NASTY),
        replace(facts, report=None),
    ):
        assert check_bom(as_bytes(bom(given_))) == "1.6"


def test_every_reference_inside_leads_somewhere(facts: Any) -> None:
    body: Any = bom(facts)
    known = set(refs(body, "bom-ref"))
    declared = body["declarations"]
    named = {one for claim in declared["claims"] for key in ("evidence", "counterEvidence") for one in claim.get(key, [])}
    named |= {claim["target"] for claim in declared["claims"]}
    for item in declared["attestations"][0]["map"]:
        named |= {item["requirement"], *item.get("claims", []), *item.get("counterClaims", [])}
    named |= {one for dependency in body["dependencies"] for one in (dependency["ref"], *dependency["dependsOn"])}
    assert named <= known
    assert len(known) == len(list(refs(body, "bom-ref")))


def test_what_failed_is_a_counter_claim_and_nothing_is_scored(facts: Any) -> None:
    body: Any = bom(facts)
    maps = {item["requirement"]: item for item in body["declarations"]["attestations"][0]["map"]}
    air = maps["control:us-fair-lending/FAIR.AIR.1"]
    assert set(air["counterClaims"]) == {"claim:fair.air", "claim:fair.sig"}
    assert "claims" not in air
    assert '"score":' not in json.dumps(body["declarations"])
    people = maps["control:sr-26-2/SR26-2.III.3"]
    assert not {"claims", "counterClaims"} & set(people)
    assert "1 not decided" in people["conformance"]["rationale"]
    for item in facts.report.requirements:
        assert verified(item) in maps[f"control:{item.policy}/{item.control}"]["confidence"]["rationale"]
    told = {claim["bom-ref"]: claim for claim in body["declarations"]["claims"]}
    for result in facts.report.results:
        if result.evidence:
            key = "counterEvidence" if result.verdict is Verdict.FAIL else "evidence"
            assert told[f"claim:{result.validator}"][key] == [f"evidence:{result.evidence[0]}"]


def test_the_same_facts_have_the_same_serial_number_and_others_another(made: SimpleNamespace, facts: Any) -> None:
    assert bom(facts)["serialNumber"] == bom(facts)["serialNumber"]
    assert bom(facts)["serialNumber"] != bom(replace(facts, version="4"))["serialNumber"]
    assert bom(facts)["serialNumber"] != bom(made.dossier_facts(made.green()))["serialNumber"]


def test_the_card_in_the_bom_has_groups_with_their_intervals(facts: Any) -> None:
    card = bom(facts)["metadata"]["component"]["modelCard"]  # type: ignore[index]  # plain JSON
    metrics = {one.get("slice"): one for one in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert metrics["white = 0"]["value"] == "0.7078"
    assert metrics["white = 0"]["confidenceInterval"] == {"lowerBound": "0.6547", "upperBound": "0.7558"}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=st.text(st.characters(codec="utf-8") | st.sampled_from("\x00\ud800\u202e<>\"'"), max_size=40))
def test_any_text_makes_a_valid_bom(made: SimpleNamespace, facts: Any, words: str) -> None:
    report = made.mixed()
    result = replace(report.results[0], title=words, summary=words)
    check_bom(as_bytes(bom(replace(facts, model=words, report=replace(report, results=(result, *report.results[1:]))))))


BASE = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
PART = {"type": "library", "name": "a"}


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"])
def test_each_version_in_json_is_known(version: str) -> None:
    assert check_bom(as_bytes({**BASE, "specVersion": version})) == version


# The kinds of fault that CycloneDX's own invalid cases have (specification, tools/src/test/resources).
INVALID = {
    "bomFormat": {**BASE, "bomFormat": "AnotherFormat"},
    "serial number": {**BASE, "serialNumber": "urn:uuid:3e671687"},
    "timestamp": {**BASE, "metadata": {"timestamp": "2020-04-13"}},
    "component type": {**BASE, "components": [{"type": "foo", "name": "a"}]},
    "missing type": {**BASE, "components": [{"name": "a"}]},
    "empty component": {**BASE, "components": [{}]},
    "hash": {**BASE, "components": [{**PART, "hashes": [{"alg": "SHA-256", "content": "1234"}]}]},
    "hash algorithm": {**BASE, "components": [{**PART, "hashes": [{"alg": "FOO", "content": "a" * 64}]}]},
    "repeated bom-ref": {**BASE, "components": [{**PART, "bom-ref": "1"}, {**PART, "name": "b", "bom-ref": "1"}]},
    "empty bom-ref": {**BASE, "components": [{**PART, "bom-ref": ""}]},
    "repeated component": {**BASE, "components": [PART, PART]},
    "dependency without ref": {**BASE, "dependencies": [{"dependsOn": []}]},
    "license id": {**BASE, "components": [{**PART, "licenses": [{"license": {"id": "Apache-2"}}]}]},
    "license of nothing": {**BASE, "components": [{**PART, "licenses": [{"license": {"url": "https://example.org"}}]}]},
    "license and expression": {**BASE, "components": [{**PART, "licenses": [{"expression": "MIT", "license": {"name": "x"}}]}]},
    "unknown key": {**BASE, "components": [{**PART, "foo": "bar"}]},
    "property without a name": {**BASE, "metadata": {"properties": [{"value": "x"}]}},
    "scope": {**BASE, "components": [{**PART, "scope": "foo"}]},
    "swid": {**BASE, "components": [{**PART, "swid": {"name": "x"}}]},
    "version of the format": {**BASE, "specVersion": "9.9"},
    "no version of the format": {"bomFormat": "CycloneDX", "version": 1},
    "a list": [BASE],
    "flow of data": {**BASE, "services": [{"name": "s", "data": [{"classification": "x", "flow": "bar"}]}]},
    "version and range": {**BASE, "components": [{**PART, "version": "9.0.14", "versionRange": ">=9"}]},
    "version and range in 1.7": {**BASE, "specVersion": "1.7", "components": [{**PART, "version": "9", "versionRange": "vers:x/>=9"}]},
    "range of what is inside in 1.7": {**BASE, "specVersion": "1.7", "components": [{**PART, "versionRange": "vers:x/>=9"}]},
    "ids and expression": {**BASE, "components": [{**PART, "licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT OR ISC"}]}]},
    "two expressions": {**BASE, "components": [{**PART, "licenses": [{"expression": "MIT"}, {"expression": "ISC"}]}]},
    "text encoding": {
        **BASE,
        "components": [{**PART, "licenses": [{"license": {"name": "x", "text": {"content": "x", "encoding": "y"}}}]}],
    },
    "patch type": {**BASE, "components": [{**PART, "pedigree": {"patches": [{"type": "foo"}]}}]},
    "issue type": {**BASE, "components": [{**PART, "pedigree": {"patches": [{"type": "backport", "resolves": [{"type": "foo"}]}]}}]},
    "licence of the metadata": {**BASE, "metadata": {"licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT"}]}},
}

# The kinds of BOM that CycloneDX's own valid cases are; a checker that refuses one of them is too strict.
SIGNATURE = {"algorithm": "ES256", "certificatePath": ["MIIB...", "MIID..."], "value": "tqIT..."}
VALID = {
    "the least": BASE,
    "nothing in the lists": {**BASE, "components": [], "services": [], "dependencies": []},
    "equal components with refs of their own": {**BASE, "components": [{**PART, "bom-ref": "1"}, {**PART, "bom-ref": "2"}]},
    "empty objects of a service": {**BASE, "services": [{"name": "s", "provider": {}, "data": [], "licenses": []}]},
    "scored attestation": {
        **BASE,
        "declarations": {
            "assessors": [{"bom-ref": "a", "thirdParty": True, "organization": {"name": "A"}}],
            "attestations": [
                {
                    "summary": "s",
                    "assessor": "a",
                    "map": [
                        {
                            "requirement": "r",
                            "claims": ["c"],
                            "counterClaims": ["d"],
                            "conformance": {"score": 0.8, "rationale": "x", "mitigationStrategies": ["e"]},
                            "confidence": {"score": 1, "rationale": "y"},
                        }
                    ],
                    "signature": SIGNATURE,
                }
            ],
            "claims": [{"bom-ref": "c", "target": "t", "predicate": "p", "evidence": ["e"], "signature": SIGNATURE}],
            "evidence": [{"bom-ref": "e", "propertyName": "p", "created": "2023-04-25T00:00:00+00:00", "author": {"name": "Mary"}}],
            "targets": {"organizations": [{"bom-ref": "t", "name": "T"}]},
            "affirmation": {"statement": "s", "signatories": [{"name": "Tom", "role": "CEO", "signature": SIGNATURE}]},
            "signature": SIGNATURE,
        },
        "signature": SIGNATURE,
    },
    "energy of a model": {
        **BASE,
        "components": [
            {
                "type": "machine-learning-model",
                "name": "m",
                "modelCard": {
                    "considerations": {
                        "environmentalConsiderations": {
                            "energyConsumptions": [
                                {
                                    "activity": "training",
                                    "energyProviders": [
                                        {
                                            "organization": {"name": "o"},
                                            "energySource": "natural-gas",
                                            "energyProvided": {"value": 0.4, "unit": "kWh"},
                                        }
                                    ],
                                    "activityEnergyCost": {"value": 0.4, "unit": "kWh"},
                                    "co2CostEquivalent": {"value": 31.22, "unit": "tCO2eq"},
                                }
                            ]
                        }
                    }
                },
            }
        ],
    },
    "declared licences": {
        **BASE,
        "components": [{**PART, "licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}, {"license": {"name": "own"}}]}],
    },
    "range of what is outside in 1.7": {
        **BASE,
        "specVersion": "1.7",
        "components": [{**PART, "isExternal": True, "versionRange": "vers:pypi/>=9.0.0|<10.0.0"}],
    },
}


@pytest.mark.parametrize("case", VALID)
def test_what_is_valid_is_not_refused(case: str) -> None:
    assert check_bom(as_bytes(VALID[case])) == VALID[case]["specVersion"]


@pytest.mark.parametrize("fault", INVALID)
def test_what_is_invalid_is_refused_with_a_sentence(fault: str) -> None:
    with pytest.raises(BadInput, match="This is no valid CycloneDX BOM: "):
        check_bom(as_bytes(INVALID[fault]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"null",
        b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": NaN}',
        b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "specVersion": "1.6", "version": 1}',
    ],
)
def test_what_is_no_json_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(BadInput, match="This is no valid CycloneDX BOM: "):
        check_bom(content)


def test_a_workspace_may_be_named_in_each_place_of_a_formula() -> None:
    space = {"bom-ref": "w", "uid": "w"}
    task = {"bom-ref": "t", "uid": "t", "taskTypes": ["build"], "workspaces": [space]}
    flow = {"bom-ref": "f", "uid": "f", "taskTypes": ["build"], "tasks": [task], "workspaces": [space]}
    assert check_bom(as_bytes({**BASE, "formulation": [{"bom-ref": "x", "workflows": [flow]}]})) == "1.6"


def test_a_missing_extra_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cyclonedx.schema", None)
    with pytest.raises(NotReady, match=r'pip install "jupyter-mlgov\[sbom\]"'):
        check_bom(as_bytes(BASE))
