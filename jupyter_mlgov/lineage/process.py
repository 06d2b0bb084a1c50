"""Which process a session lives in, told so that another process can see whether it is still there."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path


def this_process() -> dict[str, object]:
    """Host, boot, number and start of this process. Texts are empty where the system does not tell."""
    return {"host": platform.node(), "boot": _boot(), "pid": os.getpid(), "start": _start(os.getpid()) or ""}


def is_dead(process: Mapping[str, object]) -> bool:
    """True when the process described by this_process() is certainly gone; False when it lives or nobody can tell (another host)."""
    pid, boot, start = process.get("pid"), process.get("boot"), process.get("start")
    if process.get("host") != platform.node() or not isinstance(pid, int) or pid <= 0:
        return False
    if boot and _boot() and boot != _boot():
        return True
    if start:
        return _start(pid) != start
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _start(pid: int) -> str:
    """Clock ticks since boot at which `pid` began (proc(5), stat, field 22), against reused numbers. A zombie has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""
