"""`python -m tests.monitoring.golden`: write the shipped rules again, to be read before they are committed."""

from pathlib import Path

from jupyter_mlgov.monitoring import rules

folder = Path(rules.__file__).parent
(folder / "prometheus" / "mlgov.rules.yml").write_text(rules.text(), "utf-8")
