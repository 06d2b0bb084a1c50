"""Checkpoints are C2SP's: the published note verifies, ours parse back, and what is no note is refused in a sentence."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.audit.notes import Checkpoint, PublicKey, parse_checkpoint, parse_key, parse_note, sign_note
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.signing import Ed25519Verifier, load_key, make_key

# oracles.md 5.5, "signed note": Go's golang.org/x/mod/sumdb/note example.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
VERIFIER = Ed25519Verifier()


def test_the_published_note_verifies_under_its_key_and_not_when_changed() -> None:
    """oracles.md 5.5, "signed note"."""
    key = parse_key(NEUMANN)
    assert (key.name, key.id, str(key)) == ("PeterNeumann", "c74f20a3", NEUMANN)
    note = parse_note(NOTE)
    assert str(note) == NOTE
    assert note.signed_by(key, VERIFIER)
    assert not parse_note(NOTE.replace("answer", "answers")).signed_by(key, VERIFIER)
    assert not note.signed_by(PublicKey(name="PeterNeumann", material=b"\x01" * 32), VERIFIER)


def test_the_published_checkpoint_is_read() -> None:
    """oracles.md 5.5, "checkpoint parse"."""
    point = parse_checkpoint("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
    assert (point.origin, point.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(point.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert point.body.startswith("example.com/behind-the-sofa\n20852163\n")


def test_what_a_new_key_signs_is_read_back_and_holds(tmp_path: Path) -> None:
    signer = make_key(tmp_path / "keys", "mlgov.log/test")
    body = Checkpoint(origin="mlgov.log/test", size=7, root=b"\x07" * 32).body
    note = parse_note(str(sign_note(body, signer)))
    assert parse_checkpoint(note.text).size == 7
    assert note.signed_by(parse_key(str(signer.key)), VERIFIER)


def test_a_private_key_is_made_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    signer = make_key(tmp_path / "keys", "log")
    path = tmp_path / "keys" / f"{signer.key.id}.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = load_key(tmp_path / "keys", signer.key)
    assert again is not None
    assert again.sign(b"x") == signer.sign(b"x")
    assert load_key(tmp_path / "keys", PublicKey(name="log", material=b"\x02" * 32)) is None


def test_a_key_others_could_read_or_that_is_another_one_is_refused(tmp_path: Path) -> None:
    signer = make_key(tmp_path, "log")
    path = tmp_path / f"{signer.key.id}.pem"
    path.chmod(0o644)
    with pytest.raises(StorageProblem, match="can be read by others"):
        load_key(tmp_path, signer.key)
    path.unlink()
    other = make_key(tmp_path, "log")
    (tmp_path / f"{other.key.id}.pem").rename(path)
    with pytest.raises(StorageProblem, match="does not hold key"):
        load_key(tmp_path, signer.key)
    path.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n")
    path.chmod(0o600)
    with pytest.raises(StorageProblem, match="does not hold key"):
        load_key(tmp_path, signer.key)


def test_a_link_in_the_place_of_a_key_is_not_followed(tmp_path: Path) -> None:
    signer = make_key(tmp_path / "a", "log")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"{signer.key.id}.pem").symlink_to(tmp_path / "a" / f"{signer.key.id}.pem")
    with pytest.raises(StorageProblem):
        load_key(tmp_path / "b", signer.key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "text\n\n",
        "text\n\nno dash AAAA\n",
        "text\n\n— name AAAA",
        "text\n\n— name ####\n",
        "text\n\n— name with space AAAAAAAA\n",
        "te\x00xt\n\n— name AAAAAAAA\n",
        "x" * 1_000_001,
        "text\n\n— name AAAA\n",
    ],
)
def test_what_is_no_note_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"no signed note|no checkpoint"):
        parse_note(text)


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n-1\nAAAA\n", "a\n01\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n", "\n1\n" + "A" * 43 + "=\n", "a\n1e3\n\n"]
)
def test_what_is_no_checkpoint_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="no checkpoint"):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+c74f20a3+AAAA", NEUMANN.replace("c74f20a3", "c74f20a4"), NEUMANN + "x", "x y+c74f20a3+AAAA"]
)
def test_what_is_no_key_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="key"):
        parse_key(text)


@given(st.text(max_size=300))
def test_any_text_is_a_note_or_a_sentence_never_a_traceback(text: str) -> None:
    for read in (parse_note, parse_checkpoint, parse_key):
        with suppress(BadInput):
            read(text)
