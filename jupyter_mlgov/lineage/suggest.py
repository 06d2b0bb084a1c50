"""A step tag for each untagged cell, proposed from what it reads, calls and makes. Where two kinds fit, it says so and does not choose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jupyter_mlgov.lineage.acts import CellEffects, Effect
from jupyter_mlgov.lineage.effects import effects
from jupyter_mlgov.lineage.kale import kale_cell
from jupyter_mlgov.lineage.tags import step_of

_LEARNERS = re.compile(
    r"(Classifier|Regressor|Regression|RegressionCV|Ridge|Lasso|ElasticNet|SV[CR]|NB|KMeans|DBSCAN|Forest|Booster|Perceptron|Sequential|Pipeline|"
    r"SearchCV|OLS|Logit|GLM|Prophet|Trainer|Module|Net|Model)$"
)
_PREPARING = re.compile(r"(Scaler|Encoder|Imputer|Vectorizer|Transformer|Discretizer|Binarizer|Normalizer|PCA|Features|SMOTE|Tokenizer)$")
_CALLS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "register",
        re.compile(r"^(log_model|register_model|save_model|create_model_version|set_registered_model_alias|push_to_hub|save_pretrained)$"),
    ),
    (
        "evaluate",
        re.compile(
            r"(_score|_error|_loss|_curve)$|^(confusion_matrix|classification_report|score|evaluate|cross_validate|cross_val_predict|auc|"
            r"predict|predict_proba|roc_auc|log_loss)$"
        ),
    ),
    (
        "data",
        re.compile(
            r"^(read_\w+|fetch_\w+|load_(?!model|state)\w+|open_dataset|scan_\w+|loadtxt|genfromtxt|from_csv|urlretrieve|sql|download)$"
        ),
    ),
    (
        "features",
        re.compile(
            r"^(get_dummies|train_test_split|fillna|dropna|merge|join|fit_transform|transform|map|replace|astype|cut|qcut|drop_duplicates|"
            r"groupby|pivot|pivot_table|melt|assign|drop|rename|apply|fit_resample|to_datetime|concat|with_columns|resample|clip)$"
        ),
    ),
)
_PLOTS = re.compile(
    r"^(plot|hist|scatter|bar|barplot|boxplot|heatmap|pairplot|show|figure|subplots|imshow|savefig|countplot|histplot|lineplot|pie|to_html)$"
)
_WEIGHT = ("register", "train", "evaluate", "data", "features")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A proposed step for one cell. `kind` is empty where the cell seems to be no step; `others`: kinds that would fit as well."""

    cell: str
    place: int
    kind: str
    why: str
    others: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        return bool(self.kind) and not self.others


def suggest(cells: Sequence[tuple[str, str, tuple[str, ...]]]) -> tuple[Suggestion, ...]:
    """Suggestions for the cells (id, source, tags) that are no steps yet, in order; `place` counts from 1."""
    origins: dict[str, str] = {}
    found = []
    for place, (cell, source, tags) in enumerate(cells, 1):
        read = effects(source)
        _learn(read, origins)
        if step_of(tags, f"cell {cell or place}") is None:
            kind, why, others = _judged(read, tags, origins)
            found.append(Suggestion(cell=cell, place=place, kind=kind, why=why, others=others))
    return tuple(found)


def _learn(cell: CellEffects, origins: dict[str, str]) -> None:
    """Which call or import made each name: `model` -> `LogisticRegression`."""
    for effect in cell.statements:
        for bind in effect.binds:
            if bind.module:
                origins[bind.name] = bind.module.rpartition(".")[2]
            elif bind.origin is not None:
                origins[bind.name] = bind.origin.path[-1] if bind.origin.path else origins.get(bind.origin.base, bind.origin.base)


def _judged(cell: CellEffects, tags: Iterable[str], origins: dict[str, str]) -> tuple[str, str, tuple[str, ...]]:
    kale = kale_cell(tags)
    if kale is not None and kale.role:
        return "", f"Kale calls it `{kale.role}`", ()
    if cell.problem:
        return "", f"it cannot be read as Python: {cell.problem}", ()
    quiet = _no_step(cell)
    if quiet:
        return "", quiet, ()
    told: dict[str, list[str]] = {}
    for kind, why in _signs(cell, origins):
        told.setdefault(kind, []).append(why)
    return _chosen(told)


def _chosen(told: dict[str, list[str]]) -> tuple[str, str, tuple[str, ...]]:
    strong = [kind for kind in _WEIGHT if kind in told]
    if not strong:
        return ("report", _and(told["report"]), ()) if "report" in told else ("", "nothing in it tells what it is for", ())
    if "train" in strong or "data" in strong:
        strong = [kind for kind in strong if kind != "features"] or strong  # every cell reshapes a little
    if "train" in strong and "evaluate" in strong and all("predict" in why for why in told["evaluate"]):
        strong.remove("evaluate")
    kind = strong[0]
    why = f"it {_and(told[kind])}"
    if len(strong) > 1:
        why += f"; but it also {'; and '.join(_and(told[other]) for other in strong[1:])}"
    return kind, why, tuple(strong[1:])


def _no_step(cell: CellEffects) -> str:
    if not cell.statements:
        return "it does nothing"
    if all(effect.binds and all(bind.module for bind in effect.binds) for effect in cell.statements):
        return "it only imports"
    if all(effect.defines or (effect.binds and all(bind.module for bind in effect.binds)) for effect in cell.statements):
        return "it only defines functions; tag the cell that calls them"
    plain = all(effect.simple and effect.binds and not effect.calls and not effect.reads for effect in cell.statements)
    return "it only sets constants; `parameters` is papermill's tag for such a cell" if plain else ""


def _signs(cell: CellEffects, origins: dict[str, str]) -> Iterator[tuple[str, str]]:
    for effect in cell.statements:
        for call in effect.calls:
            last = call.path[-1] if call.path else origins.get(call.base, call.base)
            made_by = origins.get(call.base, "")
            yield from _of_call(last, call.base, made_by, bool(call.path))
        if effect.stores and not effect.calls:
            yield "features", f"makes the column {_code(effect.stores[0][1])} of {_code(effect.stores[0][0])}"
        yield from _of_magic(effect)


def _of_call(last: str, base: str, made_by: str, is_method: bool) -> Iterator[tuple[str, str]]:  # a fact of the call, not a mode
    if last in ("fit", "train", "fit_predict", "partial_fit") and is_method:
        if _PREPARING.search(made_by):
            yield "features", f"fits the {_code(made_by)}"
        else:
            yield "train", f"fits {_code(base)}{f', a {_code(made_by)}' if _LEARNERS.search(made_by) else ''}"
        return
    if last == "dump" and made_by in ("joblib", "pickle", "dump"):
        yield "register", f"writes an object down with {_code(made_by)}"
        return
    for kind, pattern in _CALLS:
        if pattern.search(last) and not (kind == "features" and not is_method and last in ("map", "apply")):
            yield kind, f"calls {_code(last)}"
            return
    if _PLOTS.search(last) or (last in ("print", "display") and not is_method):
        yield "report", f"calls {_code(last)}"


def _of_magic(effect: Effect) -> Iterator[tuple[str, str]]:
    if any(
        call.path[-1:] in (("run_line_magic",), ("run_cell_magic",)) and call.texts[:1] in (("sql",), ("bigquery",))
        for call in effect.calls
    ):
        yield "data", "asks a database"


def _and(whys: list[str]) -> str:
    unique = list(dict.fromkeys(whys))
    return ", ".join(unique[:2]) + (" and more" if len(unique) > 2 else "")


def _code(name: str) -> str:
    return f"`{name}`" if name else "something"
