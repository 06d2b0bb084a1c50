"""What an estimator reads: its columns, their kinds, where gaps are let in, and the classes it knows."""

from __future__ import annotations

from typing import Any

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.rollout.serving.inputs import Column, Kind


def names_of(model: Any) -> tuple[str, ...]:
    """The columns it was fitted on, in order; x0, x1 … where it only knows how many. Raises NotReady."""
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return tuple(str(name) for name in names)
    count = getattr(model, "n_features_in_", None)
    if not isinstance(count, int):
        raise NotReady("The model does not say which columns it reads.", next="Fit it on a data frame, and register it again.")
    return tuple(f"x{place}" for place in range(count))


def place_of(model: Any, favourable: str) -> int | None:
    """Which of its classes is the favourable one; None for a regressor. Raises NotReady."""
    if not hasattr(model, "predict_proba"):
        return None
    classes = [_text(one) for one in model.classes_]
    if _text(favourable) not in classes:
        raise NotReady(
            f"The model knows the classes {', '.join(classes[:6])}, and {favourable!r} is none of them.",
            next="Mend `favourable` under [subject] in mlgov.toml.",
        )
    return classes.index(_text(favourable))


def _text(value: object) -> str:
    """1, 1.0, True and "1" are one class."""
    text = str(value).strip().lower()
    text = {"true": "1", "false": "0"}.get(text, text)
    return text.removesuffix(".0")


def column_of(name: str, model: Any, sample: Any) -> Column:
    """One column: its kind as the sample has it, whether a gap is let in, and the only values it takes."""
    kind: Kind = "any" if sample is not None and name in sample.column_names else "number"
    if kind == "any":
        import pyarrow as pa

        type_ = sample.schema.field(name).type
        type_ = type_.value_type if pa.types.is_dictionary(type_) else type_
        if pa.types.is_boolean(type_):
            kind = "flag"
        elif pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            kind = "number"
        elif pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
            kind = "text"
    return Column(name=name, kind=kind, missing=_takes_gaps(model, name), known=_categories(model, name))


def _takes_gaps(model: Any, name: str) -> bool:
    """Whether NaN is let in under this name, as the first estimator that reads it says itself."""
    from sklearn.utils import get_tags

    for part in _readers(model, name):
        try:
            return bool(get_tags(part).input_tags.allow_nan)
        except Exception:  # noqa: BLE001 # an estimator without tags has promised nothing
            return False
    return False


def _categories(model: Any, name: str) -> tuple[str, ...]:
    """The only values that an encoder takes here, where it raises at any other."""
    for part, names in _encoders(model):
        if name in names and getattr(part, "handle_unknown", "") == "error":
            known = part.categories_[names.index(name)]
            return tuple(str(value) for value in known if isinstance(value, str))
    return ()


def steps_of(model: Any) -> list[Any]:
    """The steps of a pipeline, without those that do nothing; any other model is its own step."""
    steps = getattr(model, "steps", None)
    return [part for _, part in steps if part is not None and part != "passthrough"] if steps else [model]


def _readers(model: Any, name: str) -> list[Any]:
    """The estimators that see column `name` first."""
    first = steps_of(model)[0]
    if hasattr(first, "transformers_"):
        return [steps_of(part)[0] for _, part, columns in first.transformers_ if name in _listed(columns, first) and hasattr(part, "fit")]
    return [first]


def _encoders(model: Any) -> list[tuple[Any, list[str]]]:
    first = steps_of(model)[0]
    if hasattr(first, "transformers_"):
        pairs = [(part, _listed(columns, first)) for _, part, columns in first.transformers_ if hasattr(part, "fit")]
    else:
        pairs = [(first, list(names_of(model)))] if hasattr(first, "n_features_in_") else []
    return [(one, names) for part, names in pairs for one in steps_of(part) if hasattr(one, "categories_")]


def _listed(columns: Any, first: Any) -> list[str]:
    names = [str(name) for name in getattr(first, "feature_names_in_", ())]
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return names[columns]
    found = []
    for place, one in enumerate(columns):
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, bool) or type(one).__name__ == "bool":
            found += [names[place]] if one else []
        elif 0 <= int(one) < len(names):
            found.append(names[int(one)])
    return found
