"""The exporters through nbconvert's own door: one page that asks for nothing, and a script that makes the same model."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbconvert.utils.exceptions import ConversionException

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.integrations.nbconvert.safe import safe_html
from jupyter_mlgov.reports.bundle import bundle
from jupyter_mlgov.testing import report, result

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
FAR = "https://elsewhere.invalid/x"
HOSTILE = (
    f"<img src='{FAR}.png' onerror='document.title=1'><script>document.title='owned'</script><iframe src='{FAR}'></iframe>"
    f"<meta http-equiv='refresh' content='0;url={FAR}'><link rel='stylesheet' href='{FAR}.css'><style>@import '{FAR}.css';</style>"
    f"<div class='mg' style='position:fixed;background:url({FAR})'>MAY GO</div><svg onload='fetch(\"{FAR}\")'></svg><b>kept</b>"
    f"<a href='javascript:alert(1)'>a</a><form action='{FAR}'><input autofocus></form><object data='{FAR}'></object>"
)


def notebook(*cells: Any, metadata: object = PYTHON) -> Any:
    return nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)


def code(source: str, *outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    cell.metadata["tags"] = list(tags)
    return cell


def shown(data: dict[str, Any]) -> Any:
    return nbformat.v4.new_output("display_data", data=data)


def exported(to: str, nb: Any, **options: Any) -> str:
    text, _ = get_exporter(to)(**options).from_notebook_node(nb, resources={"metadata": {"name": "my <loans>"}})
    return str(text)


def reported() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(bundle(report(result(verdict=Verdict.FAIL)))))
    return found


def test_the_page_draws_the_report_folds_code_and_asks_the_network_for_nothing(browser: Any, tmp_path: Path) -> None:
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='{FAR}'/><script>alert(1)</script></svg>"
    page = exported(
        "mlgov-report",
        notebook(
            nbformat.v4.new_markdown_cell(f"# Title\n\n![x]({FAR}.png)\n\n{HOSTILE}"),
            code("x = 1\ny = '<b>'", shown({"text/html": HOSTILE}), tags=("mlgov:train",)),
            code("%mlgov validate", shown(reported())),
            code(
                "plot",
                shown({"image/png": PIXEL}),
                shown({"image/svg+xml": drawing}),
                nbformat.v4.new_output("stream", text="a\x1b[31m<i>b"),
            ),
            code("bad", nbformat.v4.new_output("error", ename="ValueError", evalue="<u>", traceback=["\x1b[31mValueError\x1b[0m: <u>"])),
        ),
    )
    path = tmp_path / "page ü.html"
    path.write_text(page, "utf-8")
    tab = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: said.append("dialog"))
    tab.goto(path.as_uri())
    tab.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == []
    assert tab.title() == "my <loans>"
    assert tab.locator(".mg").count() == 1, "only the verified report is drawn as one"
    assert tab.locator(".mg .mg-fail").count() > 0
    assert tab.locator("details.nb-code").count() == 4
    assert tab.locator("details.nb-code[open]").count() == 0
    assert tab.locator("details.nb-code summary").first.inner_text() == "Cell 2 · train · 2 lines of code"
    assert tab.evaluate("[...document.images].every(one => one.src.startsWith('data:') || !one.src)")
    assert "MAY GO" in page, "what the output said is still read, as plain text"
    assert tab.evaluate("document.querySelectorAll('script, iframe, form, object, link, svg:not(.mg svg)').length") == 0
    tab.close()


def test_a_report_that_was_changed_is_not_drawn() -> None:
    data = reported()
    data["application/vnd.mlgov.report+json"]["results"][0]["verdict"] = "pass"
    page = exported("mlgov-report", notebook(code("%mlgov validate", shown(data))))
    assert "A report stood here and is not drawn." in page
    assert 'class="mg"' not in page


def test_a_notebook_without_reports_is_a_page_too() -> None:
    page = exported("mlgov-report", notebook(nbformat.v4.new_markdown_cell("hej $x^2$"), code("1 + 1"), nbformat.v4.new_raw_cell("<raw>")))
    assert "hej" in page
    assert "&lt;raw&gt;" in page


@pytest.mark.parametrize("word", ["javascript", "onerror", "onload", FAR, "style=", "class=", "<form", "<meta", "refresh"])
def test_no_part_of_hostile_html_stays_active(word: str) -> None:
    assert word not in safe_html(HOSTILE)
    assert "<b>kept</b>" in safe_html(HOSTILE)


def test_a_picture_in_markdown_stays_only_as_data() -> None:
    assert f'src="data:image/png;base64,{PIXEL}"' in safe_html(f"<img src='data:image/png;base64,{PIXEL}'>")
    assert "src" not in safe_html(f"<img src='data:text/html;base64,{base64.b64encode(b'x').decode()}'>")


MODEL = (
    code("%load_ext jupyter_mlgov\nimport matplotlib"),
    code("depth: int = 3\ncolour = 'red'", tags=("parameters",)),
    code("import numpy as np\nrng = np.random.default_rng(7)\nx = rng.normal(size=(60, 2))", tags=("mlgov:data",)),
    code("print(colour)\n%mlgov status"),
    code("def label(table):\n    return (table[:, 0] > 0).astype(int)"),
    code(
        "from sklearn.tree import DecisionTreeClassifier\nmodel = DecisionTreeClassifier(max_depth=depth).fit(x, label(x))",
        tags=("mlgov:train",),
    ),
    code("!echo hello"),
    code("score = model.score(x, label(x))", tags=("mlgov:evaluate",)),
)
PRINT = "\nfrom jupyter_mlgov.lineage.fingerprint import measured\nprint(measured(model).root)\n"


def printed(source: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", source], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_the_script_has_what_the_model_rests_on_and_makes_the_same_model(tmp_path: Path) -> None:
    script = exported("mlgov-script", notebook(*MODEL))
    for absent in ("colour)", "!echo", "%mlgov", "%load_ext", "score =", "matplotlib"):
        assert absent not in script
    assert "cells 2, 3, 5, 6." in script
    whole = "\n".join(cell.source for cell in MODEL if not cell.source.startswith(("!", "%"))).replace("%mlgov status", "")
    assert printed(script + PRINT, tmp_path) == printed(whole + PRINT, tmp_path)
    assert printed(script.replace("depth: int = 3", "depth: int = 1") + PRINT, tmp_path) != printed(whole + PRINT, tmp_path)


def test_a_variable_can_be_named_and_an_unknown_one_is_answered() -> None:
    from traitlets.config import Config

    named = exported("mlgov-script", notebook(*MODEL), config=Config({"ScriptExporter": {"model": "score"}}))
    assert "score = model.score" in named
    with pytest.raises(ConversionException, match='Did you mean "model"'):
        exported("mlgov-script", notebook(*MODEL), config=Config({"ScriptExporter": {"model": "modl"}}))


@pytest.mark.parametrize(
    ("nb", "sentence"),
    [
        (notebook(code("x = 1")), "no train step"),
        (notebook(code("x = !ls"), code("model = len(x)", tags=("mlgov:train",))), "only IPython runs"),
        (
            notebook(code("x <- 1"), metadata={"language_info": {"name": "R"}, "kernelspec": {"name": "ir", "display_name": "R"}}),
            "written in R",
        ),
    ],
)
def test_what_has_no_script_is_refused_with_a_sentence(nb: Any, sentence: str) -> None:
    with pytest.raises(ConversionException, match=sentence):
        exported("mlgov-script", nb)


def test_jupyter_nbconvert_itself_finds_both(tmp_path: Path) -> None:
    path = tmp_path / "my loans ü.ipynb"
    nbformat.write(notebook(*MODEL), path)
    for to, suffix in (("mlgov-report", ".html"), ("mlgov-script", ".py")):
        done = subprocess.run(
            [sys.executable, "-m", "nbconvert", "--to", to, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert path.with_suffix(suffix).stat().st_size > 100
