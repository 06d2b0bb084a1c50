"""Which names a cell reads, writes and changes, case by case and held against Python itself."""

from __future__ import annotations

import builtins
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.lineage.dataflow import names
from jupyter_mlgov.lineage.flows import Definitions

CASES = [
    # source, reads, writes, mutates (builtins left out of reads)
    ("x = 1\ny = x + z", "z", "x y", ""),
    ("x += 1", "x", "x", "x"),
    ("x: int = a\nz: str", "a", "x", ""),
    ("a, (b, *c) = d", "d", "a b c", ""),
    ("df['a'] = df.b", "df", "", "df"),
    ("df.x.y = 1", "df", "", "df"),
    ("del df['a'], q", "df q", "q", "df"),
    ("import a.b\nfrom c import d as e", "", "a e", ""),
    ("from a import *", "", "*", ""),
    ("print(n := 10)\nn", "", "n", ""),
    ("[i for i in xs if (n := i)]", "xs", "n", ""),
    ("[x for x in x]", "x", "", ""),
    ("{k: v for k, v in d.items() for w in v}", "d", "", ""),
    ("[y for x in a for y in x]", "a", "", ""),
    ("for i in r:\n    t = i\nt", "r t", "i t", ""),
    ("if c:\n    a = 1\nelse:\n    a = 2\na", "c", "a", ""),
    ("if c:\n    a = 1\na", "c a", "a", ""),
    ("while w:\n    a = 1\na", "w a", "a", ""),
    ("with f(p) as (g, h):\n    d = g", "f p", "g h d", ""),
    ("try:\n    a = risky()\nexcept E as e:\n    b = e\nelse:\n    c = 1\nfinally:\n    d = 2\na", "risky E a", "a e b c d", ""),
    ("match v:\n    case {'k': b, **r}: pass\n    case [c, *d]: pass\n    case P(x=q) as w: pass", "v P", "b r c d q w", ""),
    ("def f(a, *b, c=k, **d) -> R:\n    e = a + g\n    return e", "k R", "f", ""),
    ("def f():\n    return h()\ndef h():\n    return 1", "", "f h", ""),
    ("def f():\n    def inner():\n        return y + z\n    y = 1\n    return inner", "", "f", ""),
    ("def f():\n    global k\n    k = 1", "", "f k", ""),
    ("def f():\n    y = []\n    y.append(q)\n    w.append(2)", "", "f", ""),
    ("def f():\n    w.append(q)\nf()", "q w", "f", "w"),
    ("def f():\n    return g()\ndef g():\n    return z\nx = f()", "z", "f g x", ""),
    ("class A:\n    def f(self):\n        return z", "", "A", ""),
    ("class A:\n    def f(self):\n        return z\nA().f()", "z", "A", ""),
    ("g = lambda x, y=d: x + z", "d z", "g", ""),
    ("@dec(arg)\nclass A(B, metaclass=M):\n    x = y\n    z = x\n    def f(self):\n        return x", "dec arg B M y x", "A", ""),
    ("async def f():\n    async with a as b:\n        async for c in b:\n            await c(d)", "", "f", ""),
    ("await job\nasync for x in xs:\n    pass", "job xs", "x", ""),
    ("f'{a!r:{w}}'", "a w", "", ""),
    ("xs.append(1)\nxs", "xs", "", "xs"),
    ("df.drop(columns='a', inplace=True)", "df", "", "df"),
    ("df.drop(columns='a', inplace=False)", "df", "", ""),
    ("df.a.fillna(0, inplace=True)", "df", "", "df"),
    ("df.head()", "df", "", ""),
    ("df.head()\nx = 1", "df", "x", ""),
    ("model.predict(x)\ny = 1", "model x", "y", ""),
    ("model.frobnicate(x)\ny = 1", "model x", "y", "model"),
    ("model.frobnicate(x)", "model x", "", ""),
    ("model.fit(x, y)", "model x y", "", "model"),
    ("last = xs.pop()", "xs", "last", "xs"),
    ("m = model.fit(x, y)", "model x y", "m", "model"),
    ("%time x\n%time u = v0\n!ls {y}\nz = %who\nw = !ls\nv = 1", "x v0 y", "u z w v", ""),
    ("get_ipython().run_cell_magic('time', '', 'x = f(y)\\n%who\\n')", "f y", "x", ""),
    ("get_ipython().run_cell_magic('bash', '', 'x = f(y)')", "", "", ""),
    ("%%time\nx = f(y)", "f y", "x", ""),
    ("%%capture out\nx = f(y)", "f y", "out x", ""),
    ("get_ipython().run_line_magic('time', 'x')\ny = 1", "x", "y", ""),
    ("%%bash\nls $x", "", "", ""),
    ("", "", "", ""),
    ("# only a comment", "", "", ""),
]


@pytest.mark.parametrize(("source", "reads", "writes", "mutates"), CASES)
def test_names_of(source: str, reads: str, writes: str, mutates: str) -> None:
    flow = names(source)
    assert flow.problem == ""
    assert {name for name in flow.reads if not hasattr(builtins, name)} == set(reads.split())
    assert (set(flow.writes), set(flow.mutates)) == (set(writes.split()), set(mutates.split()))


def test_imports_are_told_apart_from_other_writes() -> None:
    flow = names("import numpy as np\nfrom a import b\nx = 1")
    assert (flow.imports, flow.writes) == (("np", "b"), ("np", "b", "x"))


@pytest.mark.parametrize("source", ["b = = 2", "def f(:", "x = '", "\0", "if True:", "é é"])
def test_what_is_no_python_says_so(source: str) -> None:
    flow = names(source)
    assert flow.problem and not flow.reads and not flow.writes


@given(st.text(max_size=200))
def test_no_source_at_all_raises(source: str) -> None:
    names(source)


def test_what_a_function_uses_counts_in_the_cell_that_calls_it() -> None:
    session = Definitions()
    cells = ["def f():\n    return g() + K", "def g():\n    log.append(1)\n    return L", "K = 1", "x = f()", "f = 1", "x = f"]
    flows = [session.flow(names(cell)) for cell in cells]
    assert set(flows[0].reads) == set(flows[1].reads) == set()
    assert (set(flows[3].reads), flows[3].mutates) == ({"f", "g", "K", "L", "log"}, ("log",))
    assert flows[5].reads == ("f",)


def test_functions_that_use_each_other_end() -> None:
    session = Definitions()
    session.flow(names("def f():\n    return g()"))
    session.flow(names("def g():\n    return f() + z"))
    assert set(session.flow(names("f()")).reads) == {"f", "g", "z"}


def test_comments_and_layout_keep_the_meaning_and_a_constant_changes_it() -> None:
    assert names("x = f( 1 )  # one").meaning == names("x = f(1)").meaning != names("x = f(2)").meaning
    assert names("x").meaning != names("x;").meaning
    assert names("%time y\n!ls").meaning == names("get_ipython().run_line_magic('time', 'y')\nget_ipython().system('ls')\n").meaning


STATEMENTS = st.sampled_from(
    [
        "{a} = {b}",
        "{a} = {b} + {c}",
        "{a} += {b}",
        "if {b}:\n    {a} = {c}",
        "for {a} in [{b}]:\n    {c} = {a}",
        "def {a}(): return {b}",
        "{a} = [{b} for {b} in [{c}]]",
        "del {a}",
        "import os as {a}",
        "{a} = (lambda: {b})()",
    ]
)
LETTERS = st.sampled_from("pqrs")


@settings(max_examples=300)
@given(st.lists(st.tuples(STATEMENTS, LETTERS, LETTERS, LETTERS), min_size=1, max_size=6))
def test_every_name_that_python_looks_up_or_binds_in_the_notebook_is_told(parts: list[tuple[str, str, str, str]]) -> None:
    """Law: run the cell in a namespace that notes what it is asked for. Nothing it asks for or binds may be missing."""
    source = "\n".join(text.format(a=a, b=b, c=c) for text, a, b, c in parts)

    class Noted(dict[str, object]):
        def __missing__(self, name: str) -> object:
            if name in "pqrs":
                asked.add(name)
                return 1
            raise KeyError(name)

        def __setitem__(self, name: str, value: object) -> None:
            bound.add(name)
            super().__setitem__(name, value)

    asked: set[str] = set()
    bound: set[str] = set()
    flow = names(source)
    with contextlib.suppress(TypeError, NameError, KeyError):  # half of a random program is enough
        exec(source, {"__builtins__": builtins, "p": 1, "q": 1, "r": 1, "s": 1}, Noted())
    assert asked <= set(flow.reads)
    assert bound <= set(flow.writes)
