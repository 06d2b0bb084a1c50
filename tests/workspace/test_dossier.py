"""A version's facts are those of its own session and report; people's words are never overwritten; the shell writes files."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import docx as python_docx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.offline import check, pae
from jupyter_mlgov.cli.report import FORMATS
from jupyter_mlgov.cli.report import report as command
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.cyclonedx import check_bom
from jupyter_mlgov.integrations.signing import Ed25519Verifier
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.reports.dossier.assemble import dossier
from jupyter_mlgov.reports.dossier.text import text
from jupyter_mlgov.testing import cell_run, digest, session
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.dossier import gather, parse_name
from jupyter_mlgov.workspace.handing import AUDIT, FILES, MANIFEST
from jupyter_mlgov.workspace.trail import keys

NOTEBOOK = "n.ipynb"
TEAM = """
[model]
name = "credit"
use = "credit"
jurisdiction = "US"
[subject]
outcome = "approve"
favourable = 1
protected = ["white"]
[policy]
packs = ["us-fair-lending"]
also = ["env.pin"]
"""


def train(workspace: Workspace, number: int, *, auc: float) -> None:
    """One session that makes a model, and MLflow's answer that it is version `number`."""
    table = pa.table({"approve": [1, 1, 0, 1] * 25, "white": [0, 1] * 50})
    pq.write_table(table, workspace.root / "scored.parquet")
    stored = workspace.objects.put_file(workspace.root / "scored.parquet")
    scored = ObjectRef(name="scored", kind="table", fingerprint=fingerprint(table), stored=stored)
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="m", root=digest(f"model {number}")))
    fact = replace(session(notebook=NOTEBOOK), id=f"s{number}")
    base = cell_run("train", notebook=NOTEBOOK, outputs=(model, scored), metrics={"auc": auc}, parameters={"seed": number})
    run = replace(base, session=fact.id, id=f"r{number}")
    workspace.record(
        Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(fact)),
        Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)),
        Draft(
            action="projection.delivered",
            subject="credit",
            payload={"key": f"run:{fact.id}:x", "kind": "run", "target": "mlflow", "model": "credit", "version": str(number)},
        ),
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("dossier")
    (root / "mlgov.toml").write_text(TEAM, "utf-8")
    made = Workspace.create(root, Settings(actor="ann", anchors="none"))
    train(made, 1, auc=0.71)
    made.validate(NOTEBOOK)
    made.answer("DOC.development", {"purpose": "Lend to people at branches.", "limits": "Never tried on firms."}, NOTEBOOK)
    train(made, 2, auc=0.82)
    return made


def test_each_version_tells_its_own_session_and_report(workspace: Workspace) -> None:
    one, two, newest = (gather(workspace, name) for name in ("credit@1", "credit@v2", "credit"))
    assert (one.digest, two.digest) == (digest("model 1"), digest("model 2"))
    assert (one.lineage.metrics, two.lineage.metrics) == ({"auc": 0.71}, {"auc": 0.82})
    assert one.report is not None
    assert one.report.subject.model == digest("model 1")
    assert two.report is None, "nobody judged version 2, and the report on version 1 is not its"
    assert (newest.version, one.latest, two.latest) == ("2", False, True)
    assert "not the newest version" in text(dossier(one, "engineer"))
    assert "no report on this version" in text(dossier(two, "engineer"))


def test_words_stay_with_the_model_they_are_about_and_no_answer_overwrites_another(workspace: Workspace) -> None:
    assert "Written about an earlier model" in text(dossier(gather(workspace, "credit@2"), kind="development"))
    assert "Written about an earlier model" not in text(dossier(gather(workspace, "credit@1"), kind="development"))
    before = len(gather(workspace, "credit").forms)
    workspace.answer("DOC.development", {"purpose": "Lend to people, also by telephone."}, NOTEBOOK)
    workspace.answer("DOC.development", {"purpose": "Lend to people, also online."}, NOTEBOOK)
    found = gather(workspace, "credit")
    assert [form.answers["purpose"] for form in found.forms if "purpose" in form.answers][-3:] == [
        "Lend to people at branches.",
        "Lend to people, also by telephone.",
        "Lend to people, also online.",
    ]
    assert len(found.forms) == before + 2
    lines = text(dossier(found, kind="development"))
    assert "Lend to people, also online." in lines
    assert "telephone" not in lines
    asked = workspace.questions("DOC.development", NOTEBOOK)
    assert asked.answered is not None
    assert asked.answered.answers["purpose"] == "Lend to people, also online."
    assert "limits" not in asked.answered.answers, "what was said of version 1 is no answer about version 2"


def test_a_dossier_names_who_wrote_the_notebook_that_its_own_was_exported_from(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text(TEAM, "utf-8")
    made = Workspace.create(tmp_path, Settings(actor="scheduler", anchors="none"))
    train(made, 1, auc=0.71)
    Workspace(tmp_path, Settings(actor="zoe")).record(
        Draft(action="export.written", subject="draft.ipynb", payload={"files": [NOTEBOOK]}),
    )
    assert sorted(actor.id for actor in gather(made, "credit@1").authors) == ["scheduler", "zoe"]


@pytest.mark.parametrize(
    ("name", "said"), [("credit@9", 'No version of credit "9"'), ("kredit", 'No model "kredit"'), ("credit@", "names no version")]
)
def test_a_wrong_name_is_a_sentence(workspace: Workspace, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        gather(workspace, name)


def test_names_are_split_at_the_last_at_sign() -> None:
    assert parse_name("a@b@3") == ("a@b", "3")
    assert parse_name("a") == ("a", "")


def invoke(workspace: Workspace, *words: str) -> str:
    done = CliRunner().invoke(command, [*words, "--workspace", str(workspace.root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_shell_writes_each_form(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Model development document — credit@1" in invoke(workspace, "credit@1")
    invoke(workspace, "credit@1", "--for", "validator", "--format", "pdf")
    assert (tmp_path / "credit-1-validator.pdf").read_bytes().startswith(b"%PDF-")
    invoke(workspace, "credit@1", "--for", "regulator", "--format", "docx", "-o", "r.docx")
    assert python_docx.Document(io.BytesIO((tmp_path / "r.docx").read_bytes())).core_properties.title == "Compliance dossier"
    invoke(workspace, "credit@1", "--document", "matrix", "--format", "csv", "-o", "m.csv")
    assert (tmp_path / "m.csv").read_bytes().startswith(b'"regulation",')
    assert invoke(workspace, "credit@1", "--document", "matrix-back", "--format", "csv").startswith('"url",')
    assert '"mlgov-dossier-1"' in invoke(workspace, "credit@1", "--document", "dpia", "--format", "json")
    assert "<!doctype html>" in invoke(workspace, "credit@1", "--for", "customer", "--format", "html")


def test_words_that_do_not_go_together_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match=r"The matrix is not written as pdf\. Expected --format html, csv, json"):
        invoke(workspace, "credit@1", "--document", "matrix", "--format", "pdf")
    for words in (["--for", "regulator"], ["--format", "pdf"]):
        done = CliRunner().invoke(command, [*words, "--workspace", str(workspace.root)])
        assert done.exit_code == 2
        assert re.search("name MODEL", done.output)


def test_the_regulators_bundle_holds_every_form_and_its_manifest_is_signed(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    invoke(workspace, "credit@1", "--for", "regulator", "--format", "zip", "-o", str(path))
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {*FILES, "README.txt", AUDIT, MANIFEST} - set(files) == {"decision.dsse.json"}
    assert b"decision.dsse.json (No decision about credit@1 was signed." in files["README.txt"]
    envelope = json.loads(files.pop(MANIFEST))
    payload = base64.b64decode(envelope["payload"])
    (life,) = keys(workspace)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    assert Ed25519Verifier().holds(life.key, pae(envelope["payloadType"], payload), signature)
    named = {one["name"]: one["digest"]["sha256"] for one in json.loads(payload)["subject"]}
    assert named == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    inner = tmp_path / AUDIT
    inner.write_bytes(files[AUDIT])
    found = check(inner)
    assert not found.broken
    assert check_bom(files["bom.cdx.json"]) == "1.6"
    assert json.loads(files["report.sarif"])["version"] == "2.1.0"


def test_the_shell_writes_what_changed_and_checks_a_bom(workspace: Workspace, tmp_path: Path) -> None:
    lines = invoke(workspace, "credit@2", "--since", "1")
    assert "Change log — credit@1 → credit@2" in lines
    assert re.search(r"Name: auc · Before: 0.7100 · Now: 0.8200", lines)
    with pytest.raises(UsageError, match="is the version asked about"):
        invoke(workspace, "credit@1", "--since", "credit@1")
    with pytest.raises(UsageError, match="A change log is a document of its own"):
        invoke(workspace, "credit@2", "--since", "1", "--format", "csv")
    path = tmp_path / "bom.json"
    invoke(workspace, "credit@1", "--format", "cyclonedx", "-o", str(path))
    assert "is a valid CycloneDX 1.6 BOM" in invoke(workspace, "--check-bom", str(path))
    path.write_text("{}", "utf-8")
    with pytest.raises(BadInput, match="no valid CycloneDX BOM"):
        invoke(workspace, "--check-bom", str(path))


def test_without_a_report_or_a_decision_there_is_no_sarif_and_no_statement(workspace: Workspace) -> None:
    for style in ("sarif", "intoto"):
        with pytest.raises(NotReady):
            invoke(workspace, "credit@2", "--format", style)
    assert "No report on this version" in invoke(workspace, "credit@2", "--format", "md")


READERS = ("regulator", "validator", "engineer", "customer")
# Forms that a workspace without a signed decision cannot give, and the one that is the regulator's alone.
REFUSED = {"intoto": "No decision about credit@1 was signed."}


@pytest.mark.parametrize("style", FORMATS)
def test_each_reader_gets_each_form_or_a_sentence_why_not(workspace: Workspace, tmp_path: Path, style: str) -> None:
    for reader in READERS:
        path = tmp_path / f"{reader}.{style}"
        words = ["credit@1", "--for", reader, "--format", style, "-w", str(workspace.root), "-o", str(path)]
        done = CliRunner().invoke(command, words)
        if style == "zip" and reader != "regulator":
            assert done.exit_code == 2
            assert "The bundle is the regulator's" in done.output
        elif style in REFUSED:
            assert isinstance(done.exception, NotReady)
            assert done.exception.what == REFUSED[style]
            assert done.exception.next
            assert not path.exists()
        else:
            assert done.exit_code == 0, (reader, done.output, done.exception)
            assert path.stat().st_size > 300


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["credit@1", "--for", "regulators"], "'regulators' is not one of"),
        (["credit@1", "--format", "pfd"], "'pfd' is not one of"),
        (["credit@1", "--document", "annex4"], 'No document "annex4"'),
        (["credit@1", "--document", "matrix", "--format", "pdf"], "The matrix is not written as pdf."),
        (["credit@1", "--document", "dpia", "--format", "csv"], "The dpia is not written as csv."),
        (["credit@7"], 'No version of credit "7"'),
        (["creidt@1"], 'No model "creidt"'),
        (["credit@"], '"credit@" names no version.'),
        (["@1"], '"@1" names no version.'),
        (["credit@2", "--since", "2"], "credit@2 is the version asked about."),
        (["credit@2", "--since", "1", "--format", "csv"], "A change log is a document of its own."),
        (["--for", "validator"], "name MODEL or MODEL@VERSION"),
        (["--format", "pdf"], "The last report of a notebook is not written as pdf"),
        (["../../etc/passwd@1"], 'No model "../../etc/passwd"'),
        (["<script>alert(1)</script>"], "No model"),
        (["credit@1", "-o", "/nowhere/at/all.txt"], "cannot be written"),
    ],
)
def test_what_is_typed_wrong_is_answered_by_a_sentence(workspace: Workspace, words: list[str], said: str) -> None:
    done = CliRunner().invoke(command, [*words, "-w", str(workspace.root)])
    assert done.exit_code != 0
    told = done.output if isinstance(done.exception, SystemExit) else str(getattr(done.exception, "what", done.exception))
    assert said in told
    assert "Traceback" not in done.output
    assert isinstance(done.exception, (SystemExit, MlgovError))
