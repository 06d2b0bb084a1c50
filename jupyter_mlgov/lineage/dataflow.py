"""Which names a cell reads, writes and changes, read from its source without running it."""

from __future__ import annotations

import ast
from dataclasses import replace
from hashlib import sha256

from jupyter_mlgov.lineage.flows import Dataflow
from jupyter_mlgov.lineage.magics import parse
from jupyter_mlgov.lineage.spelled import plainly
from jupyter_mlgov.lineage.walk import Walk


def names(source: str) -> Dataflow:
    """The dataflow of Python `source`, with magics (`%`, `%%`, `!`) as they are written or as IPython turned them into calls.

    What a function uses of the notebook is a read of this cell where the cell uses the function; else it stands in `functions`.
    """
    try:
        walk, tree = Walk(), parse(source)
        walk.cell(plainly(parse(source)))
        meaning = sha256((ast.dump(tree) + ";" * source.rstrip().endswith(";")).encode("utf-8", "surrogatepass")).hexdigest()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        return Dataflow(problem=f"The source cannot be read as Python: {reason}{line}.")
    return replace(walk.flow(), meaning=meaning)
