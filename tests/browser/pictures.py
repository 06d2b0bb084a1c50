"""`make pictures`: the pictures of README and docs, taken by the browser tests themselves, made small, and put into docs/images."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
LIMIT = 150_000
TESTS = (
    "tests/browser/test_journey.py::test_five_minutes_from_a_clean_folder_to_a_model_in_staging_and_a_trail_that_knows_a_changed_byte",
    "tests/browser/test_credit.py::test_the_credit_notebook_goes_the_whole_way",
    "tests/browser/test_models.py",
)
SECTIONS = ("steps", "checks", "why", "review", "trail")
# picture -> the screenshots that stand in it side by side
PICTURES: dict[str, tuple[str, ...]] = {
    "lab": ("journey-why",),
    "panel": tuple(f"portrait-light-{name}" for name in SECTIONS),
    "panel-dark": tuple(f"portrait-dark-{name}" for name in SECTIONS),
    "review": ("journey-review",),
    "approve": ("journey-approve",),
    "export": ("journey-export",),
    "report": ("credit-report",),
    "report-dark": ("credit-report-dark",),
    "models": ("models",),
    "models-dark": ("models-dark",),
}


def main() -> int:
    """Take, join, make small, say how large. 1 where a test failed or a picture stays too large."""
    kept = os.environ.get("MLGOV_PICTURES_FROM", "")
    with tempfile.TemporaryDirectory() as name:
        shots = Path(kept or name)
        if not kept:
            environment = {**os.environ, "MLGOV_SCREENSHOTS": str(shots)}
            subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT, env=environment, check=True)
        large = [made.name for made in (picture(shots, *item) for item in PICTURES.items()) if made.stat().st_size > LIMIT]
    if large:
        sys.stderr.write(f"Larger than {LIMIT:,} bytes: {', '.join(large)}\n")
    return 1 if large else 0


def picture(shots: Path, name: str, parts: tuple[str, ...]) -> Path:
    """The screenshots `parts` side by side in a palette of as many colours as fit the limit."""
    found = [Image.open(shots / f"{part}.png").convert("RGB") for part in parts]
    whole = joined(found)
    path = IMAGES / f"{name}.png"
    for colours in (128, 64, 32, 16):
        whole.quantize(colors=colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LIMIT:
            break
    sys.stdout.write(f"{path.relative_to(ROOT)}  {whole.width} x {whole.height}  {path.stat().st_size // 1000} kB\n")
    return path


def joined(parts: list[Image.Image], gap: int = 12) -> Image.Image:
    """Side by side, the tops in a line, on the ground of the first one's last corner."""
    if len(parts) == 1:
        return parts[0]
    size = (sum(part.width for part in parts) + gap * (len(parts) - 1), max(part.height for part in parts))
    whole = Image.new("RGB", size, "#808080")
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width + gap
    return whole


if __name__ == "__main__":
    raise SystemExit(main())
