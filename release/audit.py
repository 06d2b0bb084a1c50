"""`make check`: may we use and ship with what we depend on, and does a list of known faults name any of it?"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from closure import OURS, closure
from packaging.specifiers import SpecifierSet

LIST = Path(__file__).with_name("audit.toml")


def licence(metadata: Mapping[str, str]) -> list[str]:
    """What a distribution says of its licence: the SPDX expression, else its classifiers, else the first line of the License field."""
    if metadata.get("License-Expression"):
        return [metadata["License-Expression"]]
    classifiers = [value for key, value in metadata.items() if key == "Classifier" and value.startswith("License :: ")]
    said = [value.rpartition(" :: ")[2] for value in classifiers] or (metadata.get("License") or "").splitlines()[:1]
    return [word.strip() for word in said if word.strip()]


def allowed(said: list[str], rules: Mapping[str, Any]) -> bool:
    """Whether all that is said is on the list. Of `A OR B` one is enough, of `A AND B` (and of several classifiers) each counts."""
    return bool(said) and all(_expression(rules["words"].get(word, word), set(rules["allowed"])) for word in said)


def _expression(text: str, names: set[str]) -> bool:
    """An SPDX expression over allowed names, with AND, OR, WITH and brackets (SPDX 2.3, Annex D)."""
    words = re.findall(r"[()]|[^\s()]+", text)
    place = 0

    def either() -> bool:
        nonlocal place
        good = both()
        while place < len(words) and words[place] == "OR":
            place += 1
            good = both() or good
        return good

    def both() -> bool:
        nonlocal place
        good = one()
        while place < len(words) and words[place] in ("AND", "WITH"):
            place += 1
            good = one() and good
        return good

    def one() -> bool:
        nonlocal place
        if place >= len(words):
            return False
        word = words[place]
        place += 1
        if word != "(":
            return word in names
        good = either()
        place += 1
        return good

    return either() and place >= len(words)


def problems(rules: Mapping[str, Any], installed: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    """A sentence for each distribution (name -> version, metadata) that may not stay as it is, and for each exception without a use."""
    for name, (version, metadata) in installed.items():
        said = licence(metadata)
        if name not in rules["licences"]["known"] and not allowed(said, rules["licences"]):
            told = "; ".join(said) or "no licence it names"
            yield f"{name} {version} is under {told}, which release/audit.toml does not allow. Replace it, or say there why it may stay."
        for fault in rules["faults"]["known"]:
            if fault["package"] == name and SpecifierSet(fault["affected"]).contains(version, prereleases=True):
                told = f"{fault['id']}: {fault['what']} (versions {fault['affected']})"
                yield f"{name} {version} has a known fault, {told}. Raise it in pyproject.toml, then `make constraints`."
    for name in sorted(rules["licences"]["known"].keys() - installed.keys()):
        yield f"release/audit.toml makes an exception for {name}, which nothing asks for any more. Take it out."


def here() -> dict[str, tuple[str, Mapping[str, str]]]:
    """What ours brings into this environment."""
    found = {name: importlib.metadata.distribution(name) for name in closure() if name != OURS}
    return {name: (one.version, one.metadata) for name, one in found.items()}  # type: ignore[misc]  # a message is a mapping


def main() -> int:
    """0 where nothing is wrong; what was looked at, and how old the list of faults is, is said each time."""
    rules = tomllib.loads(LIST.read_text("utf-8"))
    installed = here()
    found = list(problems(rules, installed))
    faults = rules["faults"]
    sys.stdout.write("".join(f"✕ {sentence}\n" for sentence in found))
    sys.stdout.write(
        f"{'✕' if found else '✓'} {len(installed)} distributions: licences by metadata; {len(faults['known'])} known faults of "
        f"{faults['dated']} ({faults['from']}). Younger faults are not known here.\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
