"""Each anchor keeps a checkpoint and gives it back: MLflow, a webhook, and an RFC 3161 authority made here with openssl."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jupyter_mlgov.audit.anchors import Occasion, Receipt
from jupyter_mlgov.core.errors import BadInput, MlgovError, SystemUnreachable
from jupyter_mlgov.integrations.anchors import GitAnchor, TimestampAnchor, WebhookAnchor
from jupyter_mlgov.integrations.mlflow.anchor import MlflowAnchor
from jupyter_mlgov.reports.clean import visible

NOTE = "mlgov.log/test\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— mlgov.log/test AAAAAAAA\n"
OCCASION = Occasion(model="credit", version="1", stage="staging")


# MLflow


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    from jupyter_mlgov.integrations.mlflow.connection import connected

    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    with connected(uri) as client:
        client.create_registered_model("credit")
        client.create_model_version("credit", source="mlflow-artifacts:/x", run_id=None)
    return uri


def test_mlflow_keeps_the_note_on_the_version_and_a_changed_tag_is_denied(registry: str) -> None:
    from jupyter_mlgov.integrations.mlflow.connection import connected

    anchor = MlflowAnchor(registry, shared=False)
    answer = anchor.leave(NOTE, OCCASION)
    assert answer == {"model": "credit", "version": "1", "tag": "mlgov.checkpoint.staging"}
    receipt = Receipt(anchor="mlflow", note=NOTE, answer=answer)
    told = anchor.testify([receipt])
    assert (told.cannot, told.denied) == ("", ())
    assert [witness.note for witness in told.witnesses] == [NOTE]
    with connected(registry) as client:
        client.set_model_version_tag("credit", "1", "mlgov.checkpoint.staging", "forged")
    assert anchor.testify([receipt]).denied == ("1 of 1 tags that were set are gone or changed.",)


def test_mlflow_takes_no_checkpoint_that_belongs_to_no_version_and_says_when_it_cannot_be_asked(registry: str) -> None:
    with pytest.raises(MlgovError, match="belongs to none"):
        MlflowAnchor(registry, shared=False).leave(NOTE, Occasion())
    assert MlflowAnchor("http://127.0.0.1:9", shared=True).testify([]).cannot


# Webhook


class Hook(BaseHTTPRequestHandler):
    heard: list[dict[str, object]] = []  # noqa: RUF012 one server, one list

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).heard.append(body)
        self.send_response({"/ok": 204, "/no": 500, "/away": 302}[self.path])
        self.send_header("Location", "/ok")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hook() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_told_and_says_that_it_cannot_be_read_back(hook: str) -> None:
    anchor = WebhookAnchor(f"{hook}/ok")
    assert anchor.leave(NOTE, OCCASION) == {"status": "204"}
    assert Hook.heard[-1] == {"checkpoint": NOTE, "model": "credit", "version": "1", "stage": "staging"}
    assert "cannot be read back" in anchor.testify([]).cannot


@pytest.mark.parametrize("path", ["no", "away"])
def test_a_webhook_that_refuses_or_points_elsewhere_is_a_sentence(hook: str, path: str) -> None:
    before = len(Hook.heard)
    with pytest.raises(SystemUnreachable, match="did not take it"):
        WebhookAnchor(f"{hook}/{path}").leave(NOTE, OCCASION)
    assert len(Hook.heard) == before + 1


def test_the_name_of_a_webhook_holds_no_secret() -> None:
    assert WebhookAnchor("https://user:pw@hooks.example.org/T000/B000/s3cret").name == "webhook hooks.example.org"


# git


def git(root: Path, *words: str, text: str = "") -> str:
    name = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *name, *words], cwd=root, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace").strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "first")
    return tmp_path


FOLDERS = [
    "--delete",
    "-d",
    "a\nb",
    "x..lock",
    "~^:?*[ @{",
    "\u202egnp.exe",
    "a\x1b[2Jb",
    "refs",
    "mlgov",
    "...",
    "Kredit für 'alle' $(id)",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_workspace_in_a_folder_of_any_name_leaves_its_checkpoint_in_git_and_reads_it_back(repository: Path, folder: str) -> None:
    root = repository / folder
    root.mkdir()
    anchor = GitAnchor(root)
    answer = anchor.leave(NOTE, OCCASION)
    assert re.fullmatch(r"mlgov/[A-Za-z0-9_-]+/7-[0-9a-f]{12}", answer["tag"])
    told = anchor.testify([Receipt(anchor="git", note=NOTE, answer=answer)])
    assert (told.cannot, told.denied) == ("", ())
    assert [witness.note for witness in told.witnesses] == [NOTE]
    assert GitAnchor(repository).testify([]).witnesses == (), "another folder's tags are another workspace's"


HOSTILE = [
    NOTE.replace("\n7\n", "\n--delete\n"),
    NOTE.replace("\n7\n", "\n../../heads/main\n"),
    NOTE.replace("\n7\n", "\n7 HEAD\n"),
    NOTE.replace("test", "te\x1b[2Jst"),
    NOTE.replace("test", "te\0st"),
    "--force\n" + NOTE.replace("\n\n", "\n"),
    "",
    "-",
]


@pytest.mark.parametrize("note", HOSTILE)
def test_what_is_no_signed_checkpoint_becomes_no_tag(repository: Path, note: str) -> None:
    with pytest.raises(BadInput):
        GitAnchor(repository).leave(note, OCCASION)
    assert git(repository, "for-each-ref", "refs/tags") == ""


OTHERS = [
    "# a comment\n- a list\n\n\n  trailing   \n",
    "\x1b[2J\x07 \u202e bell",
    "tree 0\0tagger x\n",
    "--exec=id\n",
    "x" * 2_000_000,
    NOTE + NOTE,
]


def test_tags_that_strangers_put_there_are_witnesses_that_say_nothing_and_cannot_move_a_terminals_cursor(repository: Path) -> None:
    """Written as objects, since `git tag` itself would refuse some of them."""
    anchor = GitAnchor(repository)
    answer = anchor.leave(NOTE, OCCASION)
    prefix = answer["tag"].rpartition("/")[0]
    commit = git(repository, "rev-parse", "HEAD")
    for name, text in zip(("7-000000000000", "--exec", "\u202egnp", "-", "\x85x", "ﬁ"), OTHERS, strict=True):
        body = f"object {commit}\ntype commit\ntag {name}\ntagger x <x@x> 1 +0000\n\n{text}"
        made = git(repository, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", text=body)
        git(repository, "update-ref", f"refs/tags/{prefix}/{name}", made)
    told = anchor.testify([Receipt(anchor="git", note=NOTE, answer=answer)])
    assert (told.cannot, told.denied) == ("", ())
    assert [witness.note for witness in told.witnesses if witness.where == f"git tag {answer['tag']}"] == [NOTE]
    assert len(told.witnesses) == 1 + len(OTHERS)
    assert [visible(witness.where) for witness in told.witnesses] == [witness.where for witness in told.witnesses]


def test_a_tag_in_the_way_of_ours_is_a_sentence_and_settings_of_the_repository_change_no_byte(repository: Path) -> None:
    for key, value in (("tag.gpgSign", "true"), ("core.commentChar", "m"), ("i18n.logOutputEncoding", "latin1"), ("color.ui", "always")):
        git(repository, "config", key, value)
    anchor = GitAnchor(repository)
    answer = anchor.leave(NOTE, OCCASION)
    assert [witness.note for witness in anchor.testify([Receipt(anchor="git", note=NOTE, answer=answer)]).witnesses] == [NOTE]
    git(repository, "update-ref", "-d", f"refs/tags/{answer['tag']}")
    git(repository, "update-ref", "refs/tags/mlgov", "HEAD")
    with pytest.raises(SystemUnreachable, match="git made no tag"):
        anchor.leave(NOTE, OCCASION)


# RFC 3161


class Authority:
    """A time-stamping authority: a root, a signing certificate, and `openssl ts`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tsa.cnf").write_text(
            "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\n"
            "signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha512\naccuracy = secs:1\n"
            "ordering = yes\ntsa_name = yes\n"
            "[ext]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n"
            "[ca]\nbasicConstraints = critical,CA:true\nkeyUsage = critical,keyCertSign\n[req]\ndistinguished_name = dn\n[dn]\n"
        )
        (folder / "serial").write_text("01\n")
        new = ("req", "-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf")
        self.run(*new, "-x509", "-extensions", "ca", "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem")
        self.run(*new, "-subj", "/CN=tsa", "-keyout", "tsa.key", "-out", "tsa.csr")
        signed = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "ext")
        self.run("x509", "-req", "-in", "tsa.csr", *signed, "-out", "tsa.pem", "-days", "30")

    def run(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def answer(self, url: str, request: bytes) -> bytes:
        assert url.startswith("https://tsa.example.org")
        (self.folder / "request").write_bytes(request)
        self.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request", "-out", "answer")
        return (self.folder / "answer").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


URL = "https://tsa.example.org/stamp"


def test_a_time_stamp_is_checked_against_the_roots_without_a_network(authority: Authority) -> None:
    anchor = TimestampAnchor(URL, authority.folder / "root.pem", send=authority.answer)
    answer = anchor.leave(NOTE, OCCASION)
    assert answer["time"].startswith("20")
    later = TimestampAnchor(URL, authority.folder / "root.pem")
    told = later.testify([Receipt(anchor=anchor.name, note=NOTE, answer=answer)])
    assert [witness.note for witness in told.witnesses] == [NOTE]
    assert (told.cannot, told.denied) == ("", ())


def test_a_time_stamp_of_another_note_or_authority_is_denied(authority: Authority, tmp_path: Path) -> None:
    answer = TimestampAnchor(URL, None, send=authority.answer).leave(NOTE, OCCASION)
    other = NOTE.replace("\n7\n", "\n8\n")
    told = TimestampAnchor(URL, authority.folder / "root.pem").testify([Receipt(anchor="x", note=other, answer=answer)])
    assert "does not hold" in told.denied[0]
    stranger = Authority(tmp_path)
    told = TimestampAnchor(URL, stranger.folder / "root.pem").testify([Receipt(anchor="x", note=NOTE, answer=answer)])
    assert "does not hold" in told.denied[0]


def test_without_roots_a_stamp_is_not_called_good_and_nonsense_is_refused(authority: Authority) -> None:
    bare = TimestampAnchor(URL, None, send=authority.answer)
    told = bare.testify([Receipt(anchor="x", note=NOTE, answer={"token": "AAAA"})])
    assert told.witnesses == ()
    assert "MLGOV_TSA_ROOTS" in told.cannot
    with pytest.raises(SystemUnreachable, match="no time stamp"):
        TimestampAnchor(URL, None, send=lambda _url, _body: b"<html>").leave(NOTE, OCCASION)
