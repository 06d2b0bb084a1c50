"""What many models rest on: data by content, models behind models, and the shared nodes that teams name; with concentration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.monitoring.portfolio.reading import items, table, text
from jupyter_mlgov.monitoring.portfolio.store import Edges

MOST_TIER1 = 5
MOST_SHARE = 0.25
LEAST = 3  # models below which a share says nothing
HHI_LIMIT = 0.18
SOURCES = {
    "hhi": (
        "Herfindahl-Hirschman index: the sum of squared shares of links, between 1/n and 1. Above 0.18 a market is called highly "
        "concentrated (US DOJ/FTC Merger Guidelines 2023, guideline 1: 1,800 points; from memory, to be checked); here a yardstick, "
        "no rule of a supervisor."
    ),
    "tier1": "5 or more models of tier 1 on one node: house, as gov.aggregate",
    "share": "more than 25 % of at least 3 models on one node: house",
}
Kind = Literal["data", "code", "model", "declared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something shared. `feeds` are the models that rest on it; `share` of all models that rest on anything; `flags` say why it stands out.

    `names` are all names under which the same content was read.
    """

    id: str
    kind: Kind
    names: tuple[str, ...]
    feeds: tuple[str, ...]
    tier1: int
    share: float
    fallback: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The graph: every node with two models or more, and every model behind a model; `alone` counts the other nodes.

    `hhi` is None where nothing is linked: no data. `models` counts the models that rest on anything, `unknown` those of which nobody knows.
    """

    nodes: tuple[Node, ...]
    alone: int
    links: int
    models: int
    unknown: int
    hhi: float | None
    concentrated: bool


def dependencies(models: Iterable[Edges]) -> Dependencies:
    """The graph of all models. The same content under two names is one node; a name whose content changed stays the same node."""
    known = tuple(sorted(models, key=lambda one: one.model))
    names = {one.model for one in known}
    tiers = {one.model: one.tier for one in known}
    made = {one.model_digest: one.model for one in known if one.model_digest}
    feeds: dict[tuple[Kind, str], set[str]] = {}
    same = _Same()
    fallbacks: dict[tuple[Kind, str], str] = {}
    for one in known:
        for kind, name, digest in _read(one, made):
            same.join(f"{kind} {name}", f"{kind} #{digest}" if digest else "")
            feeds.setdefault((kind, name), set()).add(one.model)
        for kind, name, models_, fallback in _named(one, names):
            feeds.setdefault((kind, name), set()).update(models_)
            fallbacks[kind, name] = fallback or fallbacks.get((kind, name), "")
    return _graph(feeds, fallbacks, same, tiers)


def _read(one: Edges, made: dict[str, str]) -> Iterator[tuple[Kind, str, str]]:
    """What the lineage says: files and tables read, and files that are another model."""
    for name, digest in one.data.items():
        other = made.get(digest, "")
        if other and other != one.model:
            yield "model", other, ""
        else:
            yield "code" if name.endswith(".py") else "data", name, digest


def _named(one: Edges, names: set[str]) -> Iterator[tuple[Kind, str, set[str], str]]:
    """What a team file names under [dependencies]: only models that are known count as resting on it."""
    for name, body in one.dependencies.items():
        said = table(body)
        models = {text(model) for model in items(said.get("feeds"))} & names
        models |= set() if models - {one.model} or str(name) == one.model else {one.model}
        kind: Kind = "model" if name in names or said.get("kind") == "model" else "declared"
        yield kind, str(name), models - {str(name)}, text(said.get("fallback"))


class _Same:
    """Names that were seen with the same content (union-find)."""

    def __init__(self) -> None:
        self._up: dict[str, str] = {}

    def find(self, name: str) -> str:
        while (up := self._up.setdefault(name, name)) != name:
            self._up[name] = self._up.setdefault(up, up)
            name = up
        return name

    def join(self, one: str, other: str) -> None:
        first, second = self.find(one), self.find(other) if other else ""
        if second and first != second:
            self._up[max(first, second)] = min(first, second)


def _graph(
    feeds: dict[tuple[Kind, str], set[str]], fallbacks: dict[tuple[Kind, str], str], same: _Same, tiers: dict[str, int]
) -> Dependencies:
    groups: dict[str, list[tuple[Kind, str]]] = {}
    for kind, name in sorted(feeds):
        groups.setdefault(same.find(f"{kind} {name}"), []).append((kind, name))
    resting = set().union(*feeds.values()) if feeds else set()
    nodes = []
    for members in groups.values():
        models = set().union(*(feeds[one] for one in members))
        fallback = next((fallbacks[one] for one in members if fallbacks.get(one)), "")
        nodes.append(_node(members, models, fallback, tiers, len(resting)))
    links = sum(len(node.feeds) for node in nodes)
    hhi = sum((len(node.feeds) / links) ** 2 for node in nodes) if links else None
    shown = [node for node in nodes if len(node.feeds) > 1 or node.kind == "model"]
    shown.sort(key=lambda node: (not node.flags, -len(node.feeds), node.id))
    return Dependencies(
        nodes=tuple(shown),
        alone=len(nodes) - len(shown),
        links=links,
        models=len(resting),
        unknown=len(tiers) - len(resting & set(tiers)),
        hhi=None if hhi is None else round(hhi, 4),
        concentrated=hhi is not None and hhi > HHI_LIMIT and len(resting) >= LEAST,
    )


def _node(members: Sequence[tuple[Kind, str]], models: set[str], fallback: str, tiers: dict[str, int], resting: int) -> Node:
    tier1 = sum(tiers.get(model) == 1 for model in models)
    share = len(models) / resting if resting else 0.0
    flags = [f"{tier1} models of tier 1 rest on it"] if tier1 >= MOST_TIER1 else []
    flags += [f"{share:.0%} of {resting} models rest on it"] if share > MOST_SHARE and len(models) >= LEAST else []
    flags += ["no fallback is named"] if flags and not fallback else []
    return Node(
        id=members[0][1],
        kind=members[0][0],
        names=tuple(sorted({name for _, name in members})),
        feeds=tuple(sorted(models)),
        tier1=tier1,
        share=round(share, 4),
        fallback=fallback,
        flags=tuple(flags),
    )
