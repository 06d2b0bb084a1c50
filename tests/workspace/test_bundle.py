"""A bundle is proven offline by us and by the file inside it; any change to any file of it is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlgov.audit import offline
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.notes import parse_key
from jupyter_mlgov.audit.statements import PAYLOAD_TYPE
from jupyter_mlgov.cli.trail import audit
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.testing import digest
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.trail import bundle, checkpoint, keys, rotate, sign_decision

HOSTILE = "<script>alert(1)</script>'; DROP TABLE log; --\x1b[31m"


def tell_a_story(workspace: Workspace, model: str = "credit") -> Digest:
    """A model's life in entries, without running one: what the bundle reads is the log."""
    stored = workspace.objects.put(b"rows of a table")
    report = {"subject": {"name": HOSTILE}, "results": []}
    workspace.record(
        Draft(action="session.started", subject="nb.ipynb"),
        Draft(action="cell.finished", subject="nb.ipynb", payload={"cell_id": "a", "outputs": [{"name": "scored", "stored": stored}]}),
        Draft(action="cell.finished", subject="other.ipynb", payload={"cell_id": "secret"}),
        Draft(action="validation.done", subject=model, payload={"notebook": "nb.ipynb", "digest": digest("report"), "report": report}),
        Draft(action="review.given", subject=model, payload={"notebook": "nb.ipynb", "comment": HOSTILE, "verdict": "approve"}),
    )
    decision = Draft(
        action="promotion.decided", subject=model, payload={"model": model, "version": "3", "stage": "staging", "notebook": "nb.ipynb"}
    )
    (entry,) = workspace.journal.append([decision], actor=workspace.actor())
    assert sign_decision(workspace, entry, digest("model")) == ""
    return stored


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.create(tmp_path_factory.mktemp("bundle") / "space", Settings(actor="ana@example.org", anchors="none"))
    tell_a_story(made)
    checkpoint(made)
    rotate(made)
    made.record(*(Draft(action="cell.finished", subject="other.ipynb", payload={"cell_id": str(at)}) for at in range(300)))
    return made


@pytest.fixture(scope="module")
def packed(space: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "credit.mlgov.zip"
    path.write_bytes(bundle(space, "credit"))
    return path


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(tmp_path: Path, files: dict[str, bytes]) -> Path:
    path = tmp_path / "changed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_bundle_holds_the_models_story_and_is_proven(packed: Path) -> None:
    files = contents(packed)
    assert {"README.txt", "verify.py", "checkpoint.txt", "entries.jsonl", "consistency.json", "manifest.dsse.json"} < set(files)
    findings = offline.check(packed)
    assert (findings.exit_code, findings.broken, findings.unproven) == (0, [], [])
    assert "1 decision: each statement says what its entry says, and is signed." in findings.proven
    assert "1 report: as the log names it." in findings.proven
    assert "The log only grew from 1 earlier checkpoint to this one." in findings.proven
    subjects = [json.loads(line)["subject"] for line in files["entries.jsonl"].splitlines()]
    assert subjects.count("other.ipynb") == 1  # the last entry under the checkpoint, whose time says when it was signed
    assert HOSTILE.encode() not in b"".join(name.encode() for name in files)


def test_the_file_inside_proves_it_with_the_standard_library_and_says_what_it_then_cannot(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(contents(packed)["verify.py"])
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(packed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    assert "no signature was verified" in done.stdout
    assert "! Not all of it could be verified." in done.stdout
    command.remove("-S")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "\x1b" not in done.stdout


def test_the_program_of_the_bundle_imports_only_the_standard_library_and_cryptography() -> None:
    import ast

    tree = ast.parse(Path(offline.__file__).read_text("utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} - set(sys.stdlib_module_names) == {"cryptography"}


def test_any_byte_changed_in_any_file_names_that_file(packed: Path, tmp_path: Path) -> None:
    files = contents(packed)
    for name, content in files.items():
        place = len(content) // 2
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        findings = offline.check(repacked(tmp_path, {**files, name: changed}))
        assert findings.exit_code == 1, name
        if name != offline.MANIFEST:
            assert f"{name} was changed." in findings.broken, (name, findings.broken)


def test_a_file_added_or_taken_away_is_named(packed: Path, tmp_path: Path) -> None:
    files = contents(packed)
    findings = offline.check(repacked(tmp_path, {**files, "extra.txt": b"x"}))
    assert "extra.txt is not in the manifest: it was added." in findings.broken
    for name in files:
        findings = offline.check(repacked(tmp_path, {one: content for one, content in files.items() if one != name}))
        assert any(f"{name} is missing" in line for line in findings.broken), (name, findings.broken)


def forged(files: dict[str, bytes], change: Callable[[dict[str, bytes]], None], tmp_path: Path) -> offline.Findings:
    """Change files, then put the right digests into the manifest, as a forger without the key can."""
    import base64

    from jupyter_mlgov.core.canonical import canonical_json

    files = dict(files)
    change(files)
    envelope = json.loads(files[offline.MANIFEST])
    manifest = json.loads(base64.b64decode(envelope["payload"]))
    manifest["subject"] = [
        {"name": name, "digest": {"sha256": Digest.of_bytes(content).hex}} for name, content in files.items() if name != offline.MANIFEST
    ]
    envelope["payload"] = base64.b64encode(canonical_json(manifest)).decode()
    files[offline.MANIFEST] = json.dumps(envelope).encode()
    return offline.check(repacked(tmp_path, files))


def drop_entry(files: dict[str, bytes]) -> None:
    files["entries.jsonl"] = files["entries.jsonl"].split(b"\n", 1)[1]


def change_entry(files: dict[str, bytes]) -> None:
    files["entries.jsonl"] = files["entries.jsonl"].replace(b'"approve\\', b'"refused\\').replace(b"approve", b"refused")


def change_report(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("reports/"))
    files[name] = b"{}"


def change_statement(files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.startswith("statements/"))
    files[name] = files[name].replace(b'"sig":"', b'"sig":"AAAA')


@pytest.mark.parametrize("change", [drop_entry, change_entry, change_report, change_statement])
def test_a_forger_who_mends_the_manifest_is_still_found(packed: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    findings = forged(contents(packed), change, tmp_path)
    assert findings.exit_code == 1
    assert "The manifest is not signed by a key of this log: it is forged or damaged." in findings.broken


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "a/../../b", "a\\b", "C:evil", ".hidden", "a//b", "a/./b", "nul\x01"])
def test_names_that_lead_out_of_the_bundle_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    findings = offline.check(repacked(tmp_path, {**contents(packed), name: b"x"}))
    assert findings.exit_code == 1
    assert any("could lead out" in line for line in findings.broken)


def test_links_and_doubled_names_are_refused(packed: Path, tmp_path: Path) -> None:
    path = repacked(tmp_path, contents(packed))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert "or a link" in offline.check(path).broken[0]
    path = repacked(tmp_path, contents(packed))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint.txt", "x")
    assert "holds a name twice" in offline.check(path).broken[0]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 50])
def test_what_is_no_bundle_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert offline.check(path).exit_code == 1


def test_the_same_story_gives_the_same_bytes(space: Workspace) -> None:
    from jupyter_mlgov.audit.bundle import Story, concerning, pack
    from jupyter_mlgov.audit.tiles import Tree
    from jupyter_mlgov.workspace.trail import signer

    note, size = checkpoint(space)
    story = Story(model="credit", note=note, entries=concerning(space.journal.entries(), "credit", size), objects={})
    assert pack(story, Tree(space.ledger), signer(space)) == pack(story, Tree(space.ledger), signer(space))


def test_a_trusted_key_and_a_kept_checkpoint_are_held_against_it(space: Workspace, packed: Path) -> None:
    old, new = (str(life.key) for life in keys(space))
    assert offline.check(packed, keys=[new]).exit_code == 0
    assert "The checkpoint is not signed by a key of this log: it is forged or damaged." in offline.check(packed, keys=[old]).broken
    stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert "None of the keys you trust is a key of this bundle." in offline.check(packed, keys=[stranger]).broken
    (first, *_) = [str(entry.payload["note"]) for entry in space.journal.entries(actions=("checkpoint.signed",))]
    findings = offline.check(packed, checkpoints=[("kept.txt", first)])
    assert any("only grew from kept.txt" in line for line in findings.proven)
    other = first.replace(first.split("\n")[2], "A" * 43 + "=")
    assert any("it was rewritten" in line for line in offline.check(packed, checkpoints=[("kept.txt", other)]).broken)


def test_the_statement_of_a_decision_verifies_with_securesystemslib(space: Workspace) -> None:
    """DSSE and in-toto by a library that is not ours."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    (entry,) = space.journal.entries(actions=("statement.signed",))
    envelope = Envelope.from_dict(json.loads(json.dumps(entry.payload["envelope"])))
    (life, _) = keys(space)
    key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(life.key.material), keyid=life.key.id)
    assert envelope.verify([key], 1)
    assert envelope.pae() == offline.pae(PAYLOAD_TYPE, envelope.payload)
    content = json.loads(envelope.payload)
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    assert content["subject"][0] == {"name": "credit@3", "digest": {"sha256": digest("model").hex}}


def test_the_published_encoding_of_dsse() -> None:
    """oracles.md 5.5, "DSSE PAE"."""
    assert offline.pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_shell_packs_and_proves_it(space: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "credit.zip"
    run = CliRunner().invoke(audit, ["bundle", "credit", "-w", str(space.root), "-o", str(out)], catch_exceptions=False)
    assert run.exit_code == 0
    assert "Anybody can check it" in run.output
    assert CliRunner().invoke(audit, ["verify", str(out)], catch_exceptions=False).exit_code == 0
    (_, new) = keys(space)
    answer = CliRunner().invoke(audit, ["verify", str(out), "--format", "json", "--key", str(new.key)], catch_exceptions=False)
    assert json.loads(answer.output)["ok"] is True
    with pytest.raises(UsageError, match='Did you mean "credit"'):
        bundle(space, "credlt")
    lean = tmp_path / "lean.zip"
    CliRunner().invoke(audit, ["bundle", "credit", "-w", str(space.root), "-o", str(lean), "--without-objects"], catch_exceptions=False)
    answer = CliRunner().invoke(audit, ["verify", str(lean)])
    assert answer.exit_code == 3
    assert "Left out on purpose: object" in answer.output
    assert parse_key(str(new.key)) == new.key


def test_an_object_that_was_changed_is_left_out_and_said(tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "space", Settings(actor="ana@example.org", anchors="none"))
    stored = tell_a_story(made)
    path = made.objects.path(stored)
    path.chmod(0o644)
    path.write_bytes(b"forged rows")
    out = tmp_path / "x.zip"
    out.write_bytes(bundle(made, "credit"))
    findings = offline.check(out)
    assert findings.exit_code == 3
    assert any(f"object {stored.hex} (" in line for line in findings.unproven)
    shutil.rmtree(tmp_path / "space")


@pytest.mark.parametrize("model", ["../../etc/passwd", HOSTILE, "credit risk / é"])
def test_a_hostile_model_name_never_becomes_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    made = Workspace.create(tmp_path / "space", Settings(actor="ana@example.org", anchors="none"))
    tell_a_story(made, model)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run = CliRunner().invoke(audit, ["bundle", model, "-w", str(made.root)], catch_exceptions=False)
    assert run.exit_code == 0
    (out,) = (tmp_path / "here").iterdir()
    assert offline.check(out).exit_code == 0
