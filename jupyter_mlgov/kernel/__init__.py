"""Where a kernel meets us: `load` hangs the recorder into IPython, `unload` takes it out. Nothing heavy is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlgov.kernel.hooks import KernelSession

_SESSIONS: WeakKeyDictionary[InteractiveShell, KernelSession] = WeakKeyDictionary()


def load(shell: InteractiveShell) -> KernelSession:
    """Record the cells of `shell` from its next one on, and register the magics. A second call changes nothing."""
    from jupyter_mlgov.kernel.hooks import KernelSession
    from jupyter_mlgov.kernel.magics import register

    if shell in _SESSIONS:
        return _SESSIONS[shell]
    session = KernelSession(shell)
    register(shell, session)
    session.attach()
    _SESSIONS[shell] = session
    return session


def unload(shell: InteractiveShell) -> None:
    """Stop recording, end the session in the trail, and take the magics away."""
    session = _SESSIONS.pop(shell, None)
    if session is None:
        return
    session.detach()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("mlgov", None)
