"""`mlgov-report`: a notebook as one HTML file for readers, with the reports drawn, code folded, and nothing that asks the network."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from nbconvert.exporters.exporter import Exporter

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.integrations.nbconvert.safe import image, safe_html
from jupyter_mlgov.reports.bundle import MIME
from jupyter_mlgov.reports.html import CSP
from jupyter_mlgov.reports.look import page_style, style
from jupyter_mlgov.reports.markup import Html, el, join, say
from jupyter_mlgov.reports.read import read_report

_STYLE = """
main{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1b1f24;overflow-wrap:anywhere}
main h1{font-size:24px}main h2{font-size:19px}main h3{font-size:16px}
main img{max-width:100%}
.nb-code{margin:10px 0;border-left:3px solid #d8dee4;padding-left:10px}
.nb-code summary{cursor:pointer;color:#57606a;font-size:13px}
.nb pre{white-space:pre-wrap;font:12.5px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace;margin:6px 0}
.nb-out{margin:8px 0 14px;overflow-x:auto}
.nb-out table{border-collapse:collapse;font-size:13px}
.nb-out td,.nb-out th{padding:2px 10px;border-bottom:1px solid #d8dee4;text-align:right}
.nb-err{border-left:3px solid #b3261e;padding-left:10px}
.nb-note{color:#57606a;font-size:13px}
@media (prefers-color-scheme:dark){main{color:#e6edf3}.nb-code summary,.nb-note{color:#a5afb9}
.nb-code,.nb-out td,.nb-out th{border-color:#30363d}main a{color:#7cb0ff}}
"""
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_PROOF = "A report's digest shows that it is whole. Who made it, and what a gate answered, stands in the trail: `mlgov audit verify`."


class ReportExporter(Exporter):  # type: ignore[misc]  # nbconvert ships no types for us to see
    """One self-contained page. Reports are drawn from their JSON, and only where their digest is that of their content."""

    export_from_notebook = "Governance report"
    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[str, Any]:
        """The page, and nbconvert's resources."""
        whole, resources = super().from_notebook_node(nb, resources, **kw)
        name = str((resources.get("metadata") or {}).get("name") or "Notebook")
        cells = [part for number, cell in enumerate(whole.cells, 1) for part in _cell(cell, number)]
        return _page(name, cells), resources


def _page(name: str, cells: list[Html]) -> str:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=f"{CSP}; img-src data:"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", name),
        page_style(),
        style(),
        el("style", Html(_STYLE)),
    )
    foot = el("p", say(_PROOF), class_="nb-note")
    body = el("body", el("main", *cells, foot, class_="nb"))
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def _cell(cell: Mapping[str, Any], number: int) -> Iterator[Html]:
    source = str(cell.get("source", ""))
    if cell["cell_type"] == "markdown":
        yield el("section", _markdown(source, cell.get("attachments") or {}))
    elif cell["cell_type"] == "code":
        if source.strip():
            yield _code(cell, source, number)
        for output in cell.get("outputs", ()):
            drawn = _output(output)
            if drawn:
                yield el("div", drawn, class_="nb-out nb-err" if output.get("output_type") == "error" else "nb-out")
    elif source.strip():
        yield el("div", Html(f"<pre>{say(source, limit=len(source) + 1)}</pre>"))


def _code(cell: Mapping[str, Any], source: str, number: int) -> Html:
    tags = [tag for tag in cell.get("metadata", {}).get("tags", ()) if str(tag).startswith("mlgov:")]
    lines = source.count("\n") + 1
    title = f"Cell {number}{' · ' + str(tags[0]).partition(':')[2] if tags else ''} · {lines} line{'s' if lines > 1 else ''} of code"
    return el("details", el("summary", title), _pre(source), class_="nb-code")


def _pre(text: str) -> Html:
    """Foreign text line by line; what a terminal would colour is left plain."""
    lines = _ANSI.sub("", text).split("\n")
    return Html("<pre>" + "\n".join(say(line, limit=100_000) for line in lines) + "</pre>")


def _markdown(source: str, attachments: Mapping[str, Mapping[str, str]]) -> Html:
    from nbconvert.filters.markdown import markdown2html

    for name, kinds in attachments.items():
        for kind, content in kinds.items():
            source = source.replace(f"attachment:{name}", f"data:{kind};base64,{content}")
    return safe_html(str(markdown2html(source)))


def _output(output: Mapping[str, Any]) -> Html:
    kind = output.get("output_type")
    if kind == "stream":
        return _pre(str(output.get("text", "")))
    if kind == "error":
        return _pre("\n".join(str(line) for line in output.get("traceback", ())) or f"{output.get('ename')}: {output.get('evalue')}")
    return _rich(cast("Mapping[str, Any]", output.get("data", {})))


def _rich(data: Mapping[str, Any]) -> Html:
    """The richest form that is safe here: a verified report, a picture, cleaned HTML, Markdown, text."""
    if MIME in data:
        return _report(data[MIME])
    for kind in _IMAGES:
        if kind in data:
            content = data[kind]
            text = content if isinstance(content, str) else "".join(content)
            encoded = base64.b64encode(text.encode("utf-8")).decode("ascii") if kind == "image/svg+xml" else text
            return image(kind, encoded, str(data.get("text/plain", "")))
    if "text/html" in data and not any(str(name).startswith("application/vnd.mlgov") for name in data):
        return safe_html(str(data["text/html"]))
    if "text/markdown" in data:
        return _markdown(str(data["text/markdown"]), {})
    return _pre(str(data["text/plain"])) if "text/plain" in data else Html()


def _report(content: object) -> Html:
    from jupyter_mlgov.reports.html import fragment

    try:
        if not isinstance(content, Mapping):
            raise TypeError("not an object")
        return Html(fragment(read_report(_plain(content))))
    except MlgovError as error:
        why = error.what
    except TypeError:
        why = "This report is refused: it is not a JSON object."
    return join(el("p", el("strong", "A report stood here and is not drawn. "), say(why), class_="nb-note"))


def _plain(value: Mapping[str, Any]) -> dict[str, object]:
    """nbformat's dictionaries as plain ones."""
    import json

    found: dict[str, object] = json.loads(json.dumps(value))
    return found
