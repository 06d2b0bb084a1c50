"""`python -m tests.monitoring.golden`: write the shipped rules and dashboards again, to be read before they are committed."""

from pathlib import Path

from jupyter_mlgov.integrations.grafana import files
from jupyter_mlgov.monitoring import rules

folder = Path(rules.__file__).parent
(folder / "prometheus" / "mlgov.rules.yml").write_text(rules.text(), "utf-8")
for name, text in files().items():
    (folder / "grafana" / name).write_text(text, "utf-8")
