"""The stored model as something that gives scores: opened by skops, which runs no pickle, and only for types of known libraries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.pipelines.formats import TRUSTED
from jupyter_mlgov.validation.subjects import Missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """The model in the skops file at `path`. It opens at each call, so that it can be handed to another process.

    What is opened are the bytes that were held against `digest`, not the file a second time: it may have changed since.
    """

    path: Path
    digest: Digest
    favourable: str

    def __call__(self, table: object) -> NDArray[np.float64]:
        """One score a row of a pyarrow table or pandas frame, higher meaning favourable. Raises Missing where it cannot say so."""
        content = self.path.read_bytes()
        if Digest.of_bytes(content) != self.digest:
            raise StorageProblem(f"Object {self.digest.short} was changed.", next="See `mlgov audit verify`, then look who changed it.")
        model = opened(content)
        frame: Any = table
        frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
        names = getattr(model, "feature_names_in_", None)
        if names is not None:
            absent = [str(name) for name in names if name not in frame.columns]
            if absent:
                raise Missing(f"The table has no {', '.join(absent[:5])}, which the model reads.", next="Keep the features in that table.")
            frame = frame[list(names)]
        return _scores(model, frame, self.favourable)


def opened(content: bytes) -> Any:  # an estimator of some library; they share no type
    """The estimator in the bytes of a skops file. Raises Missing where they hold types that nobody vouches for."""
    from skops.io import get_untrusted_types, loads

    asked = get_untrusted_types(data=content)
    foreign = sorted(name for name in asked if name.partition(".")[0] not in TRUSTED)
    if foreign:
        raise Missing(f"The model holds types that nobody vouches for: {', '.join(foreign[:5])}.", next="Use types of known libraries.")
    return loads(content, trusted=asked)


def _scores(model: Any, frame: Any, favourable: str) -> NDArray[np.float64]:
    import numpy as np

    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(frame), dtype=np.float64)
    classes = [_text(one) for one in model.classes_]
    if _text(favourable) not in classes:
        raise Missing(
            f"The model knows the classes {', '.join(classes[:6])}, and {favourable!r} is none of them.", next="Mend `favourable`."
        )
    scores: NDArray[np.float64] = np.asarray(model.predict_proba(frame))[:, classes.index(_text(favourable))]
    return scores


def _text(value: object) -> str:
    """1, 1.0, True and "1" are one class."""
    text = str(value).strip().lower()
    text = {"true": "1", "false": "0"}.get(text, text)
    return text[:-2] if text.endswith(".0") else text
