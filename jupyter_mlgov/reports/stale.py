"""Which cells to run again, as text and as data for `--format json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.staleness import HiddenState, Rerun, RerunPlan
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.terminal import paint, wrap


def stale_text(plan: RerunPlan, indices: Sequence[int], *, colour: bool = False, width: int = 88) -> str:
    """One line a cell with its reason; what runs only to bring an object back is told apart.

    `indices`: numbers of the code cells in the file.
    """
    lines = []
    if not plan.cells:
        lines += [paint("✓ Nothing to run again: every cell would give what it gave.", "pass", colour)]
    else:
        count = len(plan.cells)
        lines += [paint(f"Run {count} cell{'s' if count > 1 else ''} again, in this order:", "bold", colour)]
    for one in plan.cells:
        sign = "·" if one.because == "restore" else "↻"
        lines += wrap(visible(f"{_place(one, indices)} {one.why}", limit=300), max(40, width), first=f"  {sign} ", rest="      ")
    if plan.restore:
        lines += wrap(
            "· would give what it gave, and runs first because a later cell changed in place or overwrote what it made.", max(40, width)
        )
    if plan.lingering:
        names = ", ".join(plan.lingering[:12]) + (f" and {len(plan.lingering) - 12} more" if len(plan.lingering) > 12 else "")
        told = f"Live on in the kernel, and no cell makes them any more: {names}. A restart drops them."
        lines += wrap(visible(told, limit=400), max(40, width), first="! ", rest="  ")
    for said in plan.unknown:
        lines += wrap(visible(f"Counted as touching everything: {said}", limit=300), max(40, width), first="? ", rest="  ")
    return "\n".join(lines)


def stale_json(plan: RerunPlan, indices: Sequence[int]) -> dict[str, object]:
    """`rerun` from top to bottom; of these `changed` may give something else, `restore` only bring objects back."""

    def told(one: Rerun) -> dict[str, object]:
        return {"cell": one.cell, "index": indices[one.place - 1], "because": str(one.because), "why": one.why}

    return {
        "fresh": plan.is_fresh,
        "rerun": [told(one) for one in plan.cells],
        "changed": [one.cell for one in plan.changed],
        "restore": [one.cell for one in plan.restore],
        "lingering": list(plan.lingering),
        "unknown": list(plan.unknown),
    }


def hidden_text(found: HiddenState, numbers: Mapping[str, int], *, colour: bool = False, width: int = 88) -> str:
    """The verdict on a recorded session, the exact cells to run again with their reasons, and names that live on."""
    width = max(40, width)
    said = _HEADS[found.verdict] if found.recorded else "Nothing was recorded of this notebook, so nothing can be said."
    lines = [paint(line, found.verdict, colour) for line in wrap(said, width, first=f"{found.verdict.mark} ", rest="  ")]
    for one in found.rerun:
        lines += wrap(visible(f"[{numbers.get(one.cell, one.place)}] {one.why}", limit=400), width, first="  ↻ ", rest="      ")
    for name, cell in found.lingering[:20]:
        lines += wrap(visible(f"`{name}` lives on; cell {cell}, which made it, is gone", limit=300), width, first="  ! ", rest="      ")
    for title, cells in (("never ran", found.never), ("ran before a cell above it", found.disorder)):
        if cells:
            lines += wrap(f"{title}: {', '.join(f'[{numbers[cell]}]' if cell in numbers else visible(cell) for cell in cells)}", width)
    return "\n".join(lines)


def hidden_json(found: HiddenState, numbers: Mapping[str, int]) -> dict[str, object]:
    """The same as data; `verdict` is `pass`, `fail` or `inconclusive`."""
    return {
        "verdict": str(found.verdict),
        "rerun": [
            {"cell": one.cell, "index": numbers.get(one.cell, one.place), "because": str(one.because), "why": one.why}
            for one in found.rerun
        ],
        "never": list(found.never),
        "lingering": [{"name": name, "cell": cell} for name, cell in found.lingering],
        "disorder": list(found.disorder),
    }


_HEADS = {
    Verdict.PASS: "No hidden state: what the kernel holds is what a run from the top gives.",
    Verdict.FAIL: "Hidden state: the kernel holds what a run from the top would not give.",
    Verdict.INCONCLUSIVE: "Some cells never ran, so this is no run of the whole notebook.",
}


def _place(one: Rerun, indices: Sequence[int]) -> str:
    return f"[{indices[one.place - 1]}]"
