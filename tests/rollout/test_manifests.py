"""Manifests: strict against real CRDs and core schemas, equal to the golden files, read by kubectl and promtool, typos refused."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.cli.canary import canary
from jupyter_mlgov.cli.serve import serve
from jupyter_mlgov.core.errors import BadInput, MlgovError, UsageError
from jupyter_mlgov.core.team import parse_team
from jupyter_mlgov.rollout.manifests.argo import buckets
from jupyter_mlgov.rollout.manifests.release import Release, place_of
from jupyter_mlgov.rollout.manifests.tree import HEADER, TARGETS, documents, files
from tests.rollout.releases import IMAGE, hostile, looking, release

Document = dict[str, Any]
GOLDEN = Path(__file__).parent / "golden"
CORE = ("v1", "policy/v1", "networking.k8s.io/v1")


@pytest.fixture(scope="module")
def faults(custom_faults: Callable[[Document], list[str]]) -> Callable[[Document], list[str]]:
    """The strict check: shared CRD schemas for custom resources, kubernetes-validate for the core kinds and every pod."""
    import kubernetes_validate

    def found(document: Document) -> list[str]:
        core = document["apiVersion"] in CORE
        told = []
        inside = [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one"}, "spec": job} for job in jobs(document)]
        for one in [document] if core else [*pods(document), *inside]:
            try:
                kubernetes_validate.validate(one, "1.33", strict=True)
            except kubernetes_validate.ValidationError as error:
                told.append(f"{list(error.path)}: {error.message}")
        return told if core else [*told, *custom_faults(document)]

    return found


def pods(document: Document) -> list[Document]:
    """Every pod inside a custom resource, as a Pod of its own."""
    inside = [document["spec"]["template"]["spec"]] if document["kind"] == "Rollout" else []
    inside += [job["template"]["spec"] for job in jobs(document)]
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": one} for one in inside]


def jobs(document: Document) -> list[Document]:
    """The spec of every Job that an analysis starts."""
    metrics = document["spec"].get("metrics", []) if document["kind"] == "AnalysisTemplate" else []
    return [metric["provider"]["job"]["spec"] for metric in metrics if "job" in metric["provider"]]


def made(one: Release, target: str) -> dict[str, Document]:
    """As read back from the YAML that is written."""
    found = documents(one, target, storage="s3://models/credit", before="6")
    tree = files(one, target, found, ("staging", "production"))
    return {path.stem: yaml.safe_load(text) for path, text in tree.items() if path.parent.name == "base" and path.stem != "kustomization"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("make", [release, hostile, looking])
def test_every_document_holds_with_nothing_pruned(
    faults: Callable[[Document], list[str]], make: Callable[[], Release], target: str
) -> None:
    found = made(make(), target)
    assert {name: told for name, one in found.items() if (told := faults(one))} == {}
    kinds = [one["kind"] for one in found.values()]
    assert {"argo": "Rollout", "kserve": "InferenceService", "seldon": "Experiment"}[target] in kinds
    if target == "argo":
        assert {"VirtualService", "DestinationRule", "ServiceMonitor", "PrometheusRule", "NetworkPolicy", "PodDisruptionBudget"} <= {*kinds}
        assert kinds.count("AnalysisTemplate") == (1 if make is release else 2), "guards, and a look where anything answers it"


@pytest.mark.parametrize(
    ("name", "where", "wrong"),
    [
        ("rollout", ("spec", "strategy", "canary", "maxSurgee"), 1),
        ("rollout", ("spec", "template", "spec", "containers", 0, "imagePullPolice"), "Always"),
        ("rollout", ("spec", "strategy", "canary", "steps", 5, "setCanaryScale", "weigth"), 5),
        ("virtualservice", ("spec", "http", 0, "route", 0, "destination", "hots"), "x"),
        ("destinationrule", ("spec", "trafficPolicy", "tls", "mod"), "ISTIO_MUTUAL"),
        ("analysis-guards", ("spec", "metrics", 0, "succesCondition"), "true"),
        ("servicemonitor", ("spec", "endpoints", 0, "intervall"), "15s"),
        ("prometheusrule", ("spec", "groups", 0, "rules", 0, "fro"), "2m"),
        ("networkpolicy", ("spec", "ingres"), []),
        ("poddisruptionbudget", ("spec", "maxUnavailabel"), 1),
    ],
)
def test_a_planted_typo_is_refused(faults: Callable[[Document], list[str]], name: str, where: tuple[Any, ...], wrong: object) -> None:
    document = copy.deepcopy(made(release(), "argo")[name])
    assert faults(document) == []
    place = document
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = wrong
    assert faults(document) != []


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_written_is_the_golden_file(target: str) -> None:
    """A change here is a change of what runs in production: read the difference, then write the file again."""
    one = release()
    found = documents(one, target, storage="s3://models/credit", before="6")
    text = "".join(f"--- # {path}\n{body}" for path, body in files(one, target, found, ("staging", "production")).items())
    golden = GOLDEN / f"{target}.yaml"
    assert text == golden.read_text("utf-8"), f"`python -m tests.rollout.golden` writes {golden.name} again"


def test_pods_run_as_nobody_on_a_pinned_image_with_a_read_only_root_and_secrets_by_reference(
    faults: Callable[[Document], list[str]],
) -> None:
    found = made(release(), "argo")
    every = [pod["spec"] for one in found.values() for pod in pods(one)]
    assert len(every) == 1
    for pod in every:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["image"] == IMAGE
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            told = {one["name"]: one for one in container["env"]}
            assert "secretKeyRef" in told["MLGOV_DATABASE_URL"]["valueFrom"]
            assert "value" not in told["MLGOV_DATABASE_URL"]


@pytest.mark.parametrize(("target", "name"), [("argo", "rollout"), ("kserve", "inferenceservice")])
@pytest.mark.parametrize("make", [release, hostile])
def test_what_a_pod_runs_is_understood_by_the_shell_of_this_version(make: Callable[[], Release], target: str, name: str) -> None:
    """A word that `mlgov` does not know would keep every pod from starting, and nobody would see it before a cluster did."""
    one = make()
    spec = made(one, target)[name]["spec"]
    container = (spec["template"]["spec"] if target == "argo" else spec["predictor"])["containers"][0]
    verb, *more = container["command"]
    assert (verb, more) == ("mlgov", ["serve"])
    told = serve.make_context("serve", [word.replace("$$", "$") for word in container["args"]]).params
    assert (told["models"], told["host"], told["port"]) == ((f"{one.model}@{one.stage}:{one.version}",), "0.0.0.0", 8080)
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"/scratch", f"{container['workingDir']}/.mlgov"}, "the record can be read and written, and nothing else"


def test_a_job_looks_by_a_command_that_the_shell_of_this_version_understands() -> None:
    """Argo knows two ends of a Job: what completes goes on, what fails aborts; so 3 (not yet) is never the end of a look that waits."""
    one = looking()
    found = made(one, "argo")
    (job,) = jobs(found["analysis-look"])
    container = job["template"]["spec"]["containers"][0]
    assert container["command"] == ["mlgov", "canary", "look"]
    words = [word.replace("{{args.share}}", "5").replace("$$", "$") for word in container["args"]]
    told = canary.commands["look"].make_context("look", words).params
    assert {name: told[name] for name in ("model", "rollout", "share", "every")} == {
        "model": one.model,
        "rollout": one.version,
        "share": 5.0,
        "every": 10.0,
    }
    assert job["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"] == [1]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert container["image"] == IMAGE
    served = found["service"]["spec"]["selector"]
    assert not served.items() <= job["template"]["metadata"]["labels"].items(), "nobody's request goes to a Job"
    assert found["networkpolicy-look"]["spec"]["podSelector"]["matchLabels"].items() <= job["template"]["metadata"]["labels"].items()
    steps = found["rollout"]["spec"]["strategy"]["canary"]["steps"]
    assert [step["analysis"]["args"][0]["value"] for step in steps if "analysis" in step] == ["0", "1", "5", "25", "50"]


def test_a_job_never_looks_where_approvals_end_and_no_look_could_go_on() -> None:
    steps = made(release(share=20, place={"look": "job"}), "argo")["rollout"]["spec"]["strategy"]["canary"]["steps"]
    assert [step["analysis"]["args"][0]["value"] for step in steps if "analysis" in step] == ["0", "1", "5"]
    assert steps[-2:] == [{"pause": {}}, {"pause": {}}]


def test_pods_say_which_header_splits_them_only_where_one_does() -> None:
    args = {
        split: made(release(place={"split": split}), "argo")["rollout"]["spec"]["template"]["spec"]["containers"][0]["args"]
        for split in ("entity", "request")
    }
    assert "--bucket=x-mlgov-bucket" in args["entity"]
    assert not any("bucket" in word for word in args["request"])


def test_without_an_address_a_person_goes_on_from_each_share() -> None:
    steps = made(release(), "argo")["rollout"]["spec"]["strategy"]["canary"]["steps"]
    for number, step in enumerate(steps):
        if "setHeaderRoute" in step:
            assert [next(iter(one)) for one in steps[number + 1 : number + 3]] == ["pause", "pause"]
            assert steps[number + 2] == {"pause": {}}


def test_a_hostile_name_stays_a_word(faults: Callable[[Document], list[str]]) -> None:
    one = hostile()
    found = made(one, "argo")
    container = found["rollout"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][-2:] == ["--", f"{one.model}@production:{one.version}".replace("$", "$$")]
    annotations = found["rollout"]["metadata"]["annotations"]
    assert json.loads(annotations["jupyter-mlgov.org/model"]) == one.model
    web = found["analysis-look"]["spec"]["metrics"][0]["provider"]["web"]["jsonBody"]
    assert "{{" not in web["model"] + web["version"]
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", one["metadata"]["name"]) for one in found.values())


@given(st.integers(1, 99))
def test_the_expression_of_a_share_takes_exactly_its_numbers(share: int) -> None:
    taken = [number for number in range(100) if re.match(buckets(share), f"{number:02d}")]
    assert taken == list(range(share))
    assert not any(re.match(buckets(share), text) for text in ("", "0", "1", "100", "000", "-1", "0x", " 00", "00 "))


def test_a_guard_never_takes_silence_for_health() -> None:
    """Conditions are expr-lang; here read as Python, which says the same of these words."""
    for metric in made(release(), "argo")["analysis-guards"]["spec"]["metrics"]:
        for result, success, failure in (([], False, False), ([float("nan")], False, False), ([0.0], True, False), ([9.0], False, True)):
            assert (_holds(metric["successCondition"], result), _holds(metric["failureCondition"], result)) == (success, failure)


def _holds(condition: str, result: list[float]) -> bool:
    text = condition.replace("&&", "and").replace("!isNaN", "not isNaN")
    return bool(eval(text, {"len": len, "isNaN": lambda number: number != number}, {"result": result}))


def test_promtool_reads_the_rules_and_every_query(tmp_path: Path) -> None:
    found = made(release(), "argo")
    queries = [
        one["provider"]["prometheus"]["query"].replace("{{args.hash}}", "abc") for one in found["analysis-guards"]["spec"]["metrics"]
    ]
    groups = [
        *found["prometheusrule"]["spec"]["groups"],
        {"name": "q", "rules": [{"record": f"a:q{number}", "expr": one} for number, one in enumerate(queries)]},
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 rules found" in done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_kubectl_builds_each_overlay(tmp_path: Path, target: str) -> None:
    one = release()
    found = documents(one, target, storage="s3://models/credit", before="6")
    for path, text in files(one, target, found, ("staging", "production")).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    built = {stage: _kustomize(tmp_path / one.name / target / "overlays" / stage) for stage in ("staging", "production")}
    assert {stage: len(objects) for stage, objects in built.items()} == dict.fromkeys(built, len(found))
    assert {one["metadata"]["namespace"] for one in built["production"]} == {"models"}
    assert {one["metadata"]["namespace"] for one in built["staging"]} == {"models-staging"}
    if target == "argo":
        replicas = {stage: next(one for one in objects if one["kind"] == "Rollout")["spec"]["replicas"] for stage, objects in built.items()}
        assert replicas == {"staging": 1, "production": 2}


def _kustomize(folder: Path) -> list[Document]:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", UsageError, "Which image"),
        ('image = "credit:latest"', UsageError, "not pinned by a digest"),
        ('imaeg = "x"', UsageError, 'Did you mean "image"'),
        ("replicas = 0", BadInput, "replicas in"),
        ("replicas = true", BadInput, "replicas in"),
        ("[canary]\nsteps = [5, 1, 100]", BadInput, "steps in [canary]"),
        ("[canary]\nhours = -1", BadInput, "hours in [canary]"),
        ("steps = [1, 100]", UsageError, "key in [rollout]"),
        ('record = "../other"', BadInput, "folder inside the claim"),
        ('namespace = "Bad Name"', BadInput, "DNS label"),
        ('prometheus = "javascript:alert(1)"', BadInput, "prometheus in"),
        ('split = "both"', BadInput, "entity or request"),
        ('header = "X: y"', BadInput, "header"),
        ('look = "javascript:alert(1)"', BadInput, "look in"),
        ("every = 0", BadInput, "every in"),
        (f'image = "{IMAGE}"\nlook = "job"', UsageError, "Without [canary.primary]"),
        (f'image = "{IMAGE}"\nlook = "job"\nsplit = "request"', UsageError, "request by request"),
    ],
)
def test_a_wrong_table_is_a_sentence(text: str, kind: type[MlgovError], said: str) -> None:
    with pytest.raises(kind) as error:
        place_of(parse_team(f"[rollout]\n{text}\n"))
    assert said in str(error.value)


def test_an_approval_for_a_part_of_the_traffic_ends_in_a_pause_at_that_part() -> None:
    one = release(share=20)
    assert one.shares == (1, 5, 20)
    steps = made(one, "argo")["rollout"]["spec"]["strategy"]["canary"]["steps"]
    assert steps[-1] == {"pause": {}}
    weights = [step["setCanaryScale"]["weight"] for step in steps if "weight" in step.get("setCanaryScale", {})]
    assert weights == [1, 5, 20]


ODD = ("Kreditwürdigkeit_Ω_v2", "信用评分", "x" * 200, "_", "9lives", "-dash-", "a.b/c@d e", "CREDIT__risk--", "مدل", "null", "0x1F", "💥")


@pytest.mark.parametrize("target", TARGETS)
def test_every_odd_name_is_a_set_of_objects_that_kubectl_builds(
    faults: Callable[[Document], list[str]], tmp_path: Path, target: str
) -> None:
    """One kubectl for all of them: a kustomization of every base."""
    bases, names = [], set()
    for number, model in enumerate(ODD):
        one = release(model=model, place={"look": "job"} if number % 2 else {})
        names.add(one.name)
        for path, text in files(one, target, documents(one, target, storage="s3://m", before="6"), ("production",)).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, "utf-8")
        bases.append(f"{one.name}/{target}/overlays/production")
        for document in made(one, target).values():
            assert faults(document) == [], model
            assert json.loads(document["metadata"]["annotations"]["jupyter-mlgov.org/model"]) == model
    assert len(names) == len(ODD), "two models never share the name of their objects"
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": bases}), "utf-8")
    built = _kustomize(tmp_path)
    told = {one["metadata"]["name"] for one in built}
    assert all(any(name == one or one.startswith(f"{name}-") for one in told) for name in names)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", one) for one in told)
    assert all(
        re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", label) for one in built for label in one["metadata"]["labels"].values()
    )


def test_seldon_says_what_it_rests_on() -> None:
    one = release()
    tree = files(one, "seldon", documents(one, "seldon", storage="s3://m"), ("production",))
    text = next(body for path, body in tree.items() if path.name == "model.yaml")
    assert text.startswith(HEADER)
    assert "being wound up" in text
