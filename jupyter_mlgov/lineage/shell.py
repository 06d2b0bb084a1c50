"""What a shell line does to files, as far as its words tell: conservative for every program that is not known."""

from __future__ import annotations

import posixpath
import re
import shlex

from jupyter_mlgov.lineage.libraries import FileUse

ANY = frozenset({"*"})
_PARTS = re.compile(r"\|\||&&|[|;&\n]")
_REDIRECTED = re.compile(r"[\d&]?(>>?)\s*(&?[^\s;|&]+)")
# Neither read nor write files of the notebook.
_DEAF = frozenset(
    """
    apt apt-get conda date df echo env export free hostname id lscpu mamba nproc nvidia-smi pip pip3 printf pwd set sleep uname
    uptime uv which whoami
    """.split()  # noqa: SIM905  # a list of strings is harder to read
)
# Read the files they name, and write none.
_READING = frozenset(
    """
    awk basename cat cmp column comm cut diff du file find grep head jq less ls md5sum more nl sed sha256sum sort stat tail tree
    uniq wc zcat
    """.split()  # noqa: SIM905  # as above
)
_FETCHING = frozenset({"curl", "gdown", "kaggle", "wget"})


def shell_uses(text: str) -> list[FileUse]:
    """Which files the commands of a shell line or cell read and write; `*` is one that the words do not tell."""
    found = [
        FileUse(mode="write", paths=_named([target[2]]), whole=target[1] == ">")
        for target in _REDIRECTED.finditer(text)
        if target[2] not in ("/dev/null", "&1", "&2")
    ]
    for part in _PARTS.split(_REDIRECTED.sub(" ", text)):
        found += _command(part)
    return found


def _command(part: str) -> list[FileUse]:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        words = part.split()
    while words and "=" in words[0].partition("/")[0]:
        words = words[1:]
    if not words:
        return []
    name, rest = posixpath.basename(words[0]), words[1:]
    read, wrote = FileUse(mode="read", paths=ANY), FileUse(mode="write", paths=ANY)
    if name in _DEAF or (name.startswith("python") and (rest[:2] == ["-m", "pip"] or rest[:1] in (["--version"], ["-V"]))):
        return []
    if name == "tee":
        return [FileUse(mode="write", paths=_named([word for word in rest if word[:1] != "-"]), whole="-a" not in rest)]
    if name in _FETCHING or name == "cd":
        return [wrote]
    if name in _READING and not (name == "sed" and any(word.startswith("-i") for word in rest)):
        return [FileUse(mode="read", paths=_named([word for word in rest if word[:1] != "-" and ("." in word or "/" in word)]))]
    return [read, wrote]


def sets_variables(text: str) -> bool:
    """Does the line set variables of the kernel's environment (`%env A=b`, which stands here as `export`)?"""
    return text.startswith("export ")


def _named(words: list[str]) -> frozenset[str]:
    if not words or any(sign in word for word in words for sign in "{}$*?[]~"):
        return ANY
    return frozenset(posixpath.normpath(word.strip("'\"")) for word in words)
