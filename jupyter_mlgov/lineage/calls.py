"""Which method calls change the object they are called on, and which only look at it."""

from __future__ import annotations

# A bare call of these says "show me" or "write it down"; the object stays as it is.
READ_ONLY = frozenset(
    """
    boxplot close copy corr count critical debug decision_function describe display dump error exception exists flush format get
    get_params groupby head hist info items join keys lower max mean memory_usage min mkdir nunique plot predict predict_proba
    print_summary render result sample save savefig score show start std stop strip submit sum summary tail to_csv to_excel to_feather
    to_html to_json to_markdown to_numpy to_parquet to_pickle to_sql to_string transform unlink upper value_counts values var wait
    warning write write_csv write_parquet writelines
    """.split()  # noqa: SIM905  # a list of a hundred strings is harder to read
)

# These change the object they are called on, wherever the call stands.
CHANGING = frozenset(
    """
    add add_column append appendleft clear discard extend extendleft fill fit fit_predict fit_transform insert itemset load_state_dict
    partial_fit pop popitem popleft put remove reverse set_params setdefault setflags shuffle sort update
    """.split()  # noqa: SIM905  # as above
)

# Magics that run the Python they are given in the notebook.
PYTHON_LINES = frozenset({"time", "timeit", "prun", "memit"})
PYTHON_CELLS = frozenset({"time", "timeit", "prun", "capture", "memit", "mlgov"})
