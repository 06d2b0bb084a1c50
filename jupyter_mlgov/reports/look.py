"""How our HTML looks: five verdict colours for light and dark with at least 4.5:1, the rest from the host's --jp-* variables."""

from __future__ import annotations

from jupyter_mlgov.reports.markup import Html, el

# role -> colour. tests/reports/test_look.py measures each against both grounds.
LIGHT = {
    "ink": "#1b1f24", "soft": "#57606a", "line": "#d8dee4", "bg": "#ffffff", "well": "#f6f8fa", "link": "#0b57d0",
    "fail": "#b3261e", "warn": "#8a5300", "pass": "#1a6b3c", "unknown": "#6639ba", "mute": "#5f6871",
}  # fmt: skip
DARK = {
    "ink": "#e6edf3", "soft": "#a5afb9", "line": "#30363d", "bg": "#0d1117", "well": "#161b22", "link": "#7cb0ff",
    "fail": "#ff8a80", "warn": "#e3b341", "pass": "#6bd08f", "unknown": "#c9a7ff", "mute": "#98a2ac",
}  # fmt: skip
# What the host's theme may decide: paper and lines. Text colours stay ours, so that contrast is ours to answer for.
_HOST = {"line": "--jp-border-color2", "bg": "--jp-layout-color1", "ink": "--jp-content-font-color1"}

# A verdict's colour role.
TONES = {"pass": "pass", "warn": "warn", "fail": "fail", "error": "fail", "inconclusive": "unknown", "not_applicable": "mute"}

_RULES = """
.mg{color:var(--mg-ink);background:var(--mg-bg);
font:13px/1.45 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",sans-serif);
max-width:900px;border:1px solid var(--mg-line);border-radius:6px;text-align:left;container-type:inline-size;
overflow-wrap:anywhere;box-sizing:border-box}
.mg *{box-sizing:border-box}
.mg h2,.mg h3,.mg p,.mg ul,.mg ol,.mg dl,.mg dd{margin:0;padding:0;font-size:13px;line-height:1.45}
.mg ul,.mg ol{list-style:none}
.mg a{color:var(--mg-link);text-decoration:underline;text-underline-offset:2px}
.mg code{font:12px/1.45 var(--jp-code-font-family,ui-monospace,"SF Mono",Menlo,Consolas,monospace);color:inherit;background:none;
padding:0}
.mg .mg-head{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;padding:10px 14px;
border-bottom:1px solid var(--mg-line)}
.mg .mg-head h2{font-size:15px;font-weight:650;color:var(--mg-ink)}
.mg .mg-state{font-weight:650}.mg .mg-meta{margin-left:auto;color:var(--mg-soft);font-size:12px}
.mg .mg-tally{display:flex;flex-wrap:wrap;gap:2px 14px;padding:8px 14px;border-bottom:1px solid var(--mg-line);
background:var(--mg-well);font-size:12px}
.mg .mg-tally .mg-far{margin-left:auto;color:var(--mg-soft)}
.mg .mg-k{font-weight:650}
.mg .mg-fail{color:var(--mg-fail)}.mg .mg-warn{color:var(--mg-warn)}.mg .mg-pass{color:var(--mg-pass)}
.mg .mg-unknown{color:var(--mg-unknown)}.mg .mg-mute{color:var(--mg-mute)}.mg .mg-soft{color:var(--mg-soft)}
.mg .mg-band{padding:8px 14px;border-bottom:1px solid var(--mg-line)}
.mg .mg-band.mg-dash{border-left:3px dashed var(--mg-unknown);padding-left:11px}
.mg details{border-bottom:1px solid var(--mg-line)}
.mg details details{border-bottom:0;border-top:1px solid var(--mg-line)}
.mg summary{list-style:none;cursor:pointer;display:grid;grid-template-columns:16px 62px minmax(0,1fr) fit-content(30%);gap:0 8px;
padding:8px 14px;align-items:baseline}
.mg summary::-webkit-details-marker{display:none}
.mg summary:hover{background:var(--mg-well)}
.mg summary:focus-visible,.mg a:focus-visible{outline:2px solid var(--mg-link);outline-offset:-2px}
.mg .mg-turn{color:var(--mg-soft);font-size:12px;text-align:right}
.mg .mg-turn::after{content:" ▸"}.mg details[open]>summary .mg-turn::after{content:" ▾"}
.mg .mg-sev{color:var(--mg-soft);font-size:12px}
.mg .mg-title{font-weight:650}
.mg .mg-body{padding:2px 14px 12px 108px}
.mg .mg-body>*+*{margin-top:8px}
.mg .mg-say{max-width:84ch}
.mg .mg-find+.mg-find{border-top:1px solid var(--mg-line);padding-top:8px}
.mg .mg-find>*+*{margin-top:4px}
.mg .mg-fix{border-left:3px solid var(--mg-link);padding:1px 0 1px 9px;max-width:84ch}
.mg .mg-src{color:var(--mg-soft);font-size:12px}
.mg .mg-facts{display:grid;grid-template-columns:fit-content(32%) minmax(0,1fr);gap:1px 12px;font-size:12px}
.mg .mg-facts dt{color:var(--mg-soft)}
.mg .mg-list>li+li{margin-top:6px}
.mg .mg-why{display:grid;grid-template-columns:18px 16px minmax(0,1fr);gap:0 6px}
.mg .mg-why>.mg-next{grid-column:3;color:var(--mg-soft)}
.mg .mg-next b{font-weight:650;color:var(--mg-ink)}
.mg table{border-collapse:collapse;border:0;margin:0;font-size:12px;width:100%;table-layout:auto;color:var(--mg-ink)}
.mg .mg-plot{max-width:640px}.mg .mg-drawn{max-width:84ch}
.mg tr,.mg tbody tr:nth-child(even),.mg tbody tr:hover{background:none;border:0}
.mg th,.mg td{padding:0 10px 0 0;text-align:left;vertical-align:middle;border:0;font-weight:400;max-width:none;background:none}
.mg .mg-plot td.mg-lane{width:60%;min-width:110px;padding:0 10px}
.mg .mg-plot .mg-rate span{white-space:nowrap}.mg .mg-plot th{min-width:60px}
.mg .mg-num{font-variant-numeric:tabular-nums}
.mg .mg-limit-label{color:var(--mg-soft);font-size:12px;line-height:1.3}
.mg .mg-limit-label div{padding-bottom:2px}.mg .mg-to{text-align:right}.mg .mg-small{font-size:12px;max-width:100ch}
.mg .mg-wide{overflow-x:auto}
.mg svg{display:block;max-width:none;overflow:visible}
.mg .mg-rail{stroke:var(--mg-line);stroke-width:1}.mg .mg-tick{stroke:var(--mg-mute);stroke-width:1}
.mg .mg-limit{stroke:var(--mg-soft);stroke-width:1.5;stroke-dasharray:3 3}
.mg .mg-span{stroke:currentColor;stroke-width:2}.mg .mg-point{fill:currentColor}
.mg .mg-axis text{font:11px var(--jp-ui-font-family,system-ui,sans-serif);fill:var(--mg-soft)}
.mg .mg-foot{padding:10px 14px;color:var(--mg-soft);font-size:12px;background:var(--mg-well);border-radius:0 0 6px 6px}
.mg .mg-foot>*+*{margin-top:4px}
@container (max-width:560px){.mg summary{grid-template-columns:16px minmax(0,1fr) fit-content(30%)}.mg summary .mg-sev{grid-column:2;
grid-row:2}
.mg .mg-body{padding-left:38px}.mg .mg-meta,.mg .mg-tally .mg-far{margin-left:0;width:100%}
.mg .mg-plot tr{display:grid;
grid-template-columns:minmax(0,1fr) minmax(0,11em)}.mg .mg-plot th{grid-column:1/-1}.mg .mg-plot td:empty{display:none}
.mg .mg-plot td.mg-lane{width:auto;min-width:0;padding:0 8px 0 0}
.mg .mg-plot th,.mg .mg-plot .mg-rate{padding:0}
.mg .mg-plot .mg-rate span{display:block;white-space:normal}.mg .mg-even{display:none}}
@media print{.mg{max-width:none;border:0}.mg details::details-content{content-visibility:visible;block-size:auto}
.mg .mg-turn::after{content:""}
.mg summary,.mg .mg-find,.mg .mg-list>li{break-inside:avoid}}
"""
_PAGE_RULES = "html{background:var(--page)}body{margin:0;padding:16px;background:var(--page)}main{max-width:900px;margin:0 auto}"
_PAGE_RULES += ":root{color-scheme:light dark;--page:#ffffff}@media (prefers-color-scheme:dark){:root{--page:#010409}}"
_PAGE_RULES += "@media print{:root{--page:#ffffff}body{padding:0}}@page{margin:16mm}"


def style() -> Html:
    """The scoped <style> that goes with every fragment; all of its rules begin with `.mg` or `body … .mg`."""
    return el("style", Html(_css()))


def page_style() -> Html:
    """What a whole page adds: ground, margins, paper."""
    return el("style", Html(_PAGE_RULES))


def tone(verdict: str) -> str:
    """The class that colours a verdict; unknown words look unknown."""
    return f"mg-{TONES.get(verdict, 'unknown')}"


def _css() -> str:
    # JupyterLab and nbconvert say their theme on <body>, VS Code too; only where nobody says does the reader's system decide.
    unsaid = "body:not([data-jp-theme-light]):not([data-vscode-theme-kind]) .mg"
    dark_host = 'body[data-jp-theme-light="false"] .mg,body[data-vscode-theme-kind*="dark"] .mg'
    return (
        f".mg{{{_palette(LIGHT)}}}{dark_host}{{{_palette(DARK)}}}@media (prefers-color-scheme:dark){{{unsaid}{{{_palette(DARK)}}}}}"
        f"@media print{{{unsaid}{{{_palette(LIGHT)}}}}}{_RULES}"
    ).replace("\n", "")


def _palette(colours: dict[str, str]) -> str:
    return "".join(f"--mg-{role}:{f'var({_HOST[role]},{value})' if role in _HOST else value};" for role, value in colours.items())
