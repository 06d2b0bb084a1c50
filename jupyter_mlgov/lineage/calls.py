"""Which method calls change the object they are called on, and which only look at it."""

from __future__ import annotations

# A bare call of these says "show me" or "write it down"; the object stays as it is.
READ_ONLY = frozenset(
    """
    boxplot close copy corr count critical debug decision_function describe display dump error exception exists flush format get
    get_params groupby head hist info items join keys lower max mean memory_usage min mkdir nunique plot predict predict_proba
    print_summary render result sample save savefig score show start std stop strip submit sum summary tail to_csv to_excel
    to_feather to_html to_json to_markdown to_numpy to_parquet to_pickle to_sql to_string transform unlink upper value_counts
    values var wait warning write write_csv write_parquet writelines
    """.split()  # noqa: SIM905  # a list of a hundred strings is harder to read
)

# Of these, what changes the axes it is called on, and leaves a table alone.
DRAWING = frozenset({"plot", "hist", "boxplot"})

# These change the object they are called on, wherever the call stands.
CHANGING = frozenset(
    """
    add add_column append appendleft clear discard extend extendleft fill fit fit_predict fit_transform insert itemset
    load_state_dict partial_fit pop popitem popleft put remove reverse set_params setdefault setflags shuffle sort update
    """.split()  # noqa: SIM905  # as above
)

# Built-in functions whose result shares nothing with what they are given.
PURE_BUILTINS = frozenset(
    """
    abs all any ascii bin bool bytes callable chr complex dir divmod float format hasattr hash hex id input int isinstance
    issubclass len oct open ord pow print range repr round str sum type display
    """.split()  # noqa: SIM905  # as above
)

# Methods whose result shares no memory with their object: copies, figures, texts, and the tables that pandas and polars make anew.
FRESH_METHODS = frozenset(
    """
    abs agg aggregate any all apply applymap argmax argmin argsort assign astype clip combine_first copy corr count cov cummax
    cummin cumsum deepcopy describe diff dot drop drop_duplicates dropna duplicated encode endswith eq evaluate explode fillna
    find format ge get_dummies gt head idxmax idxmin index info interpolate isin isna isnull join kurt le lower lstrip lt
    map max mean median melt memory_usage merge min mode mul ne nlargest notna notnull nsmallest nunique pct_change pivot
    pivot_table predict predict_log_proba predict_proba prod quantile query rank read read_text readline readlines rename replace
    reset_index round rsplit rstrip sample score select_dtypes set_index shift size skew sort_index sort_values
    split stack startswith std strftime strip sub sum tail to_csv to_datetime to_dict to_json to_list to_numeric to_parquet
    to_string tolist transform unique unstack upper value_counts var where with_columns write write_text zscore concat read_csv
    read_parquet read_excel read_json read_sql
    """.split()  # noqa: SIM905  # as above
)
