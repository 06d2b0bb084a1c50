"""What is known of libraries without importing them: what draws random numbers, touches files, sets options or changes what it is given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Their results are tables or arrays, which methods copy rather than change.
DATA_ROOTS = frozenset({"pandas", "numpy", "polars", "cudf", "cupy", "dask", "pyarrow", "geopandas", "modin", "xarray"})
# Their functions look at what they are given and leave it alone, but for those in CHANGING_FUNCTIONS.
LOOKING_ROOTS = DATA_ROOTS | frozenset(
    """
    sklearn scipy statsmodels matplotlib seaborn plotly altair bokeh math cmath statistics json os sys re time datetime itertools
    functools collections operator string random pathlib glob shutil pickle joblib warnings logging copy csv io typing dataclasses
    enum decimal fractions uuid hashlib platform inspect textwrap IPython ipywidgets tqdm xgboost lightgbm catboost shap imblearn
    nltk spacy wordcloud PIL cv2 skimage networkx folium requests urllib bs4 sqlite3 sqlalchemy duckdb mlflow optuna torch
    torchvision tensorflow keras transformers datasets gensim prophet lifelines yellowbrick missingno eli5 umap hdbscan fairlearn
    evidently pydantic numba builtins pprint tabulate yfinance zipfile tarfile gzip tempfile subprocess traceback gc abc
    contextlib calendar locale struct bisect heapq types
    """.split()  # noqa: SIM905  # a list of strings is harder to read
)
# Functions that change what they are given first.
CHANGING_FUNCTIONS = frozenset(
    """
    shuffle heappush heappop heapify heapreplace heappushpop insort insort_left insort_right fill_diagonal put copyto place
    putmask setattr delattr next put_along_axis setitem delitem iadd iconcat setflags register_buffer at clip_grad_norm_ constant_
    normal_ uniform_ xavier_uniform_
    """.split()  # noqa: SIM905  # as above
)
SHARING_METHODS = frozenset(
    [
        "values",
        "to_numpy",
        "T",
        "iloc",
        "loc",
        "at",
        "iat",
        "reshape",
        "ravel",
        "view",
        "squeeze",
        "transpose",
        "swapaxes",
        "get",
        "array",
        "asarray",
        "asanyarray",
        "atleast_1d",
        "atleast_2d",
    ]
)
SHARING_FUNCTIONS = SHARING_METHODS | {"DataFrame", "Series", "from_numpy", "frombuffer", "broadcast_to", "Table", "Index"}
ITERATORS = frozenset({"map", "filter", "zip", "iter", "enumerate", "reversed", "open"})
# Results that look into their table whenever they are asked.
LOOKING_IN = frozenset({"groupby", "rolling", "expanding", "ewm", "resample"})
ARRAY_ROOTS = frozenset({"numpy", "cupy"})
# Functions that keep what they are given in what they make.
KEEPING = frozenset({"make_pipeline", "make_union", "make_column_transformer", "make_scorer", "clone_with"})
GENERATORS = frozenset({"default_rng", "RandomState", "Random", "Generator", "PCG64", "SeedSequence", "SystemRandom"})

_SEEDING = frozenset({"seed", "manual_seed", "manual_seed_all", "set_seed", "seed_everything", "set_random_seed", "setstate", "set_state"})
_DRAWING = frozenset(
    """
    sample shuffle train_test_split fit fit_transform fit_predict fit_resample cross_val_score cross_validate cross_val_predict
    permutation_importance learning_curve validation_curve resample make_classification make_regression make_blobs make_moons
    randint randn rand random choice choices permutation permuted normal uniform standard_normal random_sample integers gauss
    betavariate expovariate binomial poisson exponential beta gamma multivariate_normal lognormal randrange triangular rand_like
    randn_like randperm multinomial bernoulli rvs bootstrap train optimize
    """.split()  # noqa: SIM905  # as above
)
_FITTING = frozenset({"fit", "fit_transform", "fit_predict", "train", "fit_resample", "sample"})
_FIXED = tuple(
    """
    Scaler Encoder Imputer Binarizer Normalizer Vectorizer NB Regression Ridge Lasso Transformer KNeighborsClassifier
    KNeighborsRegressor PolynomialFeatures Discretizer OLS Logit GLM
    """.split()  # noqa: SIM905  # as above
)
_OPTIONS = frozenset(
    """
    set_option reset_option set_printoptions set_theme set_style set_context set_palette set use filterwarnings simplefilter
    seterr set_default_dtype set_default_device set_loglevel basicConfig rc rcdefaults set_matplotlib_formats set_config setlocale
    chdir insert disable enable_eager_execution option_context set_default_tensor_type config set_float_precision register
    init_notebook_mode addHandler removeHandler
    """.split()  # noqa: SIM905  # as above
)
# These do so whatever becomes of their value.
_SETTINGS = frozenset({"seterr", "set_option", "set_printoptions", "filterwarnings", "simplefilter", "setLevel", "setlocale", "setcontext"})
_READERS = frozenset(
    """
    open load loads_file loadtxt genfromtxt imread read_text read_bytes load_model fromfile listdir glob rglob exists is_file
    iterdir walk load_dataset scan_csv scan_parquet load_workbook connect getsize stat isfile
    """.split()  # noqa: SIM905  # as above
)
_WRITERS = frozenset(
    """
    savefig save savez savez_compressed savetxt dump write_text write_bytes save_model write_csv write_parquet imsave imwrite
    to_csv to_parquet to_excel to_json to_pickle to_feather to_hdf to_sql to_html to_file write writelines writerow writerows
    ExcelWriter ParquetWriter save_pretrained write_image write_html extractall urlretrieve
    """.split()  # noqa: SIM905  # as above
)
_FILE_MODULES = frozenset({"os", "shutil", "subprocess"})
_FILE_ACTS = frozenset(
    """
    makedirs mkdir remove rename unlink replace rmtree copy copy2 copyfile copytree move rmdir run call Popen check_call
    check_output system chdir
    """.split()  # noqa: SIM905  # as above
)
_OPENING = frozenset({"open", "ZipFile", "TarFile", "GzipFile", "File", "HDFStore", "memmap"})
_WRITE_MODES = frozenset(["w", "wb", "wt", "a", "ab", "at", "x", "xb", "xt", "w+", "r+", "a+", "w+b", "r+b", "rb+", "wb+"])
# Ask a database: without a result for who calls them, or with one.
EXECUTING = frozenset({"execute", "executemany", "executescript", "sql", "query", "run_query"})
_QUERY = re.compile(r"\s*(select|with|show|describe|explain|from|values|summarize|pragma\s+\w+\s*(\(|$))", re.IGNORECASE)
# Calls whose texts name variables of the notebook.
_NAMING = EXECUTING | frozenset(
    "eval from_query sqldf read_sql read_sql_query ols logit glm dmatrices dmatrix from_formula".split()  # noqa: SIM905  # as above
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_GIVEN = re.compile(r"@([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """Paths that a call reads or writes; `*` is a path that the source does not tell."""

    mode: Literal["read", "write"]
    paths: frozenset[str]
    whole: bool = False


def seeds(last: str) -> bool:
    """Does a call of this name set the seed of a generator that all share?"""
    return last in _SEEDING


def draws(last: str, words: Iterable[str], origin: str) -> bool:
    """May this call take numbers from a generator that the whole notebook shares? `origin` made the object it is a method of."""
    if last not in _DRAWING or {"random_state", "seed", "rng", "random_seed", "generator"} & set(words):
        return False
    return not (last in _FITTING and (origin == "seeded" or origin.endswith(_FIXED)))


def sets_options(root: str, last: str, *, dropped: bool) -> bool:
    """Does this call change how a library shows or does things from now on? `dropped`: nobody takes its value."""
    return root in LOOKING_ROOTS and (last in _SETTINGS or (dropped and last in _OPTIONS))


def file_use(root: str, last: str, texts: tuple[str, ...], known: Iterable[str]) -> FileUse | None:
    """Which files a call named `last` touches. `known`: texts that the names among its arguments hold."""
    if root in _FILE_MODULES and last in _FILE_ACTS:
        return FileUse(mode="write", paths=frozenset({*_paths([*texts, *known]), "*"}))
    if last in _OPENING and _WRITE_MODES & set(texts):
        paths = _paths([*texts, *known]) or frozenset({"*"})
        return FileUse(mode="write", paths=paths, whole=not {"a", "ab", "at", "a+", "r+"} & set(texts))
    if last in _WRITERS:
        return FileUse(mode="write", paths=_paths([*texts, *known]) or frozenset({"*"}), whole=last not in ("write", "to_sql"))
    if last in _READERS or last in _OPENING or last.startswith("read_"):
        return FileUse(mode="read", paths=_paths([*texts, *known]) or frozenset({"*"}))
    return None


def _paths(texts: Iterable[str]) -> frozenset[str]:
    """The paths among texts; a pattern may be any."""
    named = [text for text in texts if len(text) > 2 and ("." in text or "/" in text) and "\n" not in text]
    return frozenset("*" if any(sign in text for sign in "*?[") else posixpath.normpath(text.replace("\\", "/")) for text in named)


def is_query(texts: Iterable[str]) -> bool:
    """Do these SQL texts only ask? Where there is none, nobody knows."""
    texts = tuple(texts)
    return bool(texts) and bool(_QUERY.match(texts[0]))


def named_in(last: str, kind: str, texts: Iterable[str]) -> set[str]:
    """Names of variables in the texts of a call: `duckdb.sql("from df")`, `df.query("a > @limit")`, `pd.eval("x + 1")`."""
    if last not in _NAMING:
        return set()
    pattern = _GIVEN if kind in ("data", "array") else _WORD
    return {name for text in texts for name in pattern.findall(text)}
