"""Who plays which part: the composition root, and what needs several rooms at once."""

from jupyter_mlgov.workspace.composition import Workspace

__all__ = ["Workspace"]
