"""How long a judgement takes: `us-fair-lending`, `sr-26-2` and `gdpr` on the demo's subject, cold and when nothing changed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Figure, command


def judgements() -> list[Figure]:
    """Whole processes, `mlgov validate` from start to end; the peer of the second is the first."""
    mlgov = [sys.executable, "-m", "jupyter_mlgov.cli"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        command([*mlgov, "demo", "--workspace", str(folder)])()
        team = folder / "mlgov.toml"
        team.write_text(team.read_text("utf-8").replace('"sr-26-2"]', '"sr-26-2", "gdpr"]').replace("tier = 1", "tier = 2"), "utf-8")
        ask = [sys.executable, "-c", f"import subprocess; subprocess.run({[*mlgov, 'validate', '--workspace', str(folder)]!r})"]
        cold = command(ask)()
        warm = min(command(ask)() for _ in range(3))
    return [
        Figure(name="three packs on the demo, all measured again", ours=cold, peer=0.0, unit="s", asked="< 10 s", holds=cold < 10),
        Figure(
            name="three packs on the demo, nothing changed / measured again", ours=warm, peer=cold, unit="s", asked="< 1 s", holds=warm < 1
        ),
    ]
