"""Models and what they share, as one SVG: shared nodes on the left, models on the right, a line where one rests on the other."""

from __future__ import annotations

from jupyter_mlgov.monitoring.portfolio.concentration import Dependencies
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.markup import Html, el

_NODES, _MODELS = 12, 40
_ROW, _WIDTH, _LEFT, _RIGHT = 20, 860, 330, 530


def graph_svg(graph: Dependencies) -> tuple[Html, str]:
    """The drawing of the most shared nodes, and a sentence for what it leaves out."""
    nodes = graph.nodes[:_NODES]
    every = list(dict.fromkeys(model for node in nodes for model in node.feeds))
    models = every[:_MODELS]
    height = _ROW * max(len(nodes), len(models), 1) + 8
    left = {node.id: _place(place, len(nodes), height) for place, node in enumerate(nodes)}
    right = {model: _place(place, len(models), height) for place, model in enumerate(models)}
    lines = [
        el(
            "line",
            x1=_LEFT,
            x2=_RIGHT,
            y1=left[node.id],
            y2=right[model],
            stroke="currentColor",
            stroke_opacity=0.6 if node.flags else 0.25,
            class_="mg-fail" if node.flags else "mg-mute",
        )
        for node in nodes
        for model in node.feeds
        if model in right
    ]
    names = [_word(f"{node.kind} {node.id} ({len(node.feeds)})", _LEFT - 6, left[node.id], "end") for node in nodes]
    names += [_word(model, _RIGHT + 6, right[model], "start") for model in models]
    drawn = el("svg", *lines, *names, viewBox=f"0 0 {_WIDTH} {height}", width="100%", aria_label="What models share")
    left_out = [f"{len(graph.nodes) - len(nodes)} nodes"] if len(graph.nodes) > len(nodes) else []
    left_out += [f"{len(every) - len(models)} models"] if len(every) > len(models) else []
    return drawn, f"Not drawn: {' and '.join(left_out)}; the table names them." if left_out else ""


def _place(place: int, of: int, height: int) -> float:
    return round(height * (place + 0.5) / max(of, 1), 1)


def _word(text: str, x: int, y: float, anchor: str) -> Html:
    return el("text", _short(text), x=x, y=y + 4, text_anchor=anchor, class_="pf-word")


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= 44 else f"{shown[:43]}…"
