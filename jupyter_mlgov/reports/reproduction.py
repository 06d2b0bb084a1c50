"""What `mlgov reproduce` says: the grade, what parted first and why, and every artefact that is not identical."""

from __future__ import annotations

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.pipelines.reproduce import Artefact, Grade
from jupyter_mlgov.pipelines.reproduction import Reproduction
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.terminal import pad, paint, wrap

_LOOK = {
    Grade.IDENTICAL: Verdict.PASS,
    Grade.WITHIN: Verdict.PASS,
    Grade.SAME: Verdict.WARN,
    Grade.UNKNOWN: Verdict.INCONCLUSIVE,
    Grade.DIVERGENT: Verdict.FAIL,
}
_MOST = 20
_ROOM = 18


def reproduction_text(done: Reproduction, *, colour: bool = False, width: int = 100) -> str:
    """The grade in one line, the reason, then the artefacts that are not identical."""
    width = max(40, width)
    look = _LOOK[done.grade]
    name = f"{done.model} version {done.version}" if done.version else f"{done.notebook}, its last session"
    counted = ", ".join(f"{number} {grade}" for grade, number in done.counts.items())
    lines = [paint(f"{look.mark} {done.grade.value}", look.value, colour) + f"  {visible(name)}" + (f"  ({counted})" if counted else "")]
    lines += wrap(visible(done.why), width, first="  ") if done.why else []
    for cause in done.causes[1:4]:
        lines += wrap(f"It may also be that {visible(cause.sentence)}.", width, first="  ")
    parted = [one for one in done.artefacts if one.grade is not Grade.IDENTICAL]
    for one in parted[:_MOST]:
        lines += wrap(_line(done, one), width, first="  ", rest=" " * (_ROOM + 6))
    lines += [f"  and {len(parted) - _MOST} more; `--format json` has all"] if len(parted) > _MOST else []
    for note in (*done.limits[1:], *done.notes):
        lines += wrap(visible(note), width, first="  ! ")
    if done.replayed:
        steps = ", ".join(visible(step) for step in done.replayed)
        lines += wrap(f"Only {steps} ran again, upon kept values: no evidence for a gate.", width, first="  ! ")
    if done.out_of_order:
        cells = ", ".join(visible(done.where(cell)) for cell in done.out_of_order[:10])
        lines += wrap(f"The recorded cells did not run from top to bottom: {cells}.", width, first="  ! ")
    return "\n".join(lines)


def _line(done: Reproduction, one: Artefact) -> str:
    step = f" ({one.step})" if one.step else ""
    side = "took in" if one.side == "in" else "made"
    said = f"{done.where(one.cell)}{step} {side} the {one.kind} {one.name}: {one.why}"
    return f"{_LOOK[one.grade].mark} {pad(one.grade.value, _ROOM)}  {visible(said)}"
