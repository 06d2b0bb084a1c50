"""What a cell takes from outside: connections, programs, variables, the clock, chance, and files that Python's `open` never sees."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.lineage import ambient, inplace
from jupyter_mlgov.lineage.chance import drawn
from jupyter_mlgov.lineage.facts import CellRun, Surroundings
from jupyter_mlgov.lineage.fold import read_run
from tests.lineage.test_recorder import Bench


def test_a_connection_is_host_and_port(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run = bench.run(f"import socket\nsocket.create_connection(('127.0.0.1', {port})).close()")
    assert run.surroundings.connections == (f"127.0.0.1:{port}",)
    assert bench.runs() == (run,), "it comes back from the trail as it was"
    assert bench.run("x = 1").surroundings == Surroundings()


@pytest.mark.parametrize(
    ("address", "told"),
    [(("::1", 80, 0, 0), "[::1]:80"), ((b"h", 1), "h:1"), ("/run/x.sock", "unix:/run/x.sock"), (b"/run/y", "unix:/run/y"), (7, "")],
)
def test_addresses(address: object, told: str) -> None:
    assert ambient.address(address) == told


def test_a_program_is_its_name_and_never_its_arguments(bench: Bench) -> None:
    run = bench.run(
        "import subprocess, os, sys\n"
        "subprocess.run([sys.executable, '-c', 'pass', '--password=hunter2'])\n"
        "subprocess.run('TOKEN=hunter2 true --key hunter2 | cat', shell=True)\n"
        "os.system('/bin/true hunter2')\n"
        "os.waitpid(os.posix_spawn('/bin/echo', ['echo', ''], {}), 0)"
    )
    assert run.surroundings.programs == (Path(sys.executable).name, "true", "echo")
    assert "hunter2" not in str(plain(run)) and "hunter2" not in str(bench.entries())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ls -l", "ls"),
        ("A=1 B='x y' /usr/bin/env python", "env"),
        ("(cd /tmp && ls)", "cd"),
        ("'unclosed", "'unclosed"),
        ("", ""),
        ("X=1", ""),
        ("# nothing", ""),
    ],
)
def test_the_first_command_of_a_shell_line(line: str, name: str) -> None:
    assert ambient.first_command(line) == name


def test_the_programs_of_shell_lines_are_read_from_the_transformed_text() -> None:
    code = (
        "get_ipython().system('curl -H \\'Auth: hunter2\\' http://x')\n"
        "a = get_ipython().getoutput('ls -l')\n"
        "get_ipython().run_cell_magic('bash', '', 'echo')"
    )
    assert ambient.shell_programs(code) == ["curl", "ls", "bash"]


def test_variables_are_named_and_never_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLGOV_TEST_SECRET", "hunter2")
    run = bench.run("import os\na = os.environ['MLGOV_TEST_SECRET']\nb = os.getenv('NOT_SET_ANYWHERE')\nc = 'ALSO_NOT' in os.environ")
    assert run.surroundings.variables == ("MLGOV_TEST_SECRET", "NOT_SET_ANYWHERE", "ALSO_NOT")
    assert "hunter2" not in str(bench.entries())
    assert bench.run("d = dict(os.environ)").surroundings.variables == ("*",)


def test_environ_behaves_as_before_and_is_given_back(bench: Bench) -> None:
    kind = type(os.environ)
    before = dict(kind.__dict__)
    bench.run("import os\nos.environ['MLGOV_X'] = '1'")
    assert os.environ["MLGOV_X"] == "1" and "MLGOV_X" in list(os.environ) and type(os.environ) is kind
    with pytest.raises(KeyError, match="NOT_SET_ANYWHERE"):
        os.environ["NOT_SET_ANYWHERE"]
    with pytest.raises(TypeError):
        os.environ[3]  # type: ignore[index]  # a wrong key is refused as before
    assert os.environ.pop("MLGOV_X") == "1"
    bench.recorder.close()
    assert {name: kind.__dict__[name] for name in ("__getitem__", "__iter__")} == {
        name: before[name] for name in ("__getitem__", "__iter__")
    }


CLOCK_CELLS = {
    "import time\nt = time.time()": ("time.time",),
    "import time as uhr\nt = uhr.time_ns()": ("time.time_ns",),
    "from datetime import datetime as dt\nt = dt.now()": ("datetime.datetime.now",),
    "import datetime\nt = datetime.date.today()": ("datetime.date.today",),
    "import pandas as pd\nt = pd.Timestamp.now()\nu = pd.to_datetime('today')": ("pandas.Timestamp.now", "pandas.to_datetime"),
    "import time\ndef later():\n    return time.time()": ("time.time",),
    "import time\ntime.sleep(0)\ntime = 3": (),
    "now = 3\ntimeout = now": (),
}


@pytest.mark.parametrize("source", CLOCK_CELLS)
def test_the_clock_is_seen(bench: Bench, source: str) -> None:
    assert bench.run(source).surroundings.clocks == CLOCK_CELLS[source]


def test_names_of_earlier_cells_are_resolved(bench: Bench) -> None:
    bench.run(
        "import numpy as zahl, datetime as d\nfrom numpy.random import default_rng as made, RandomState\nfrom datetime import datetime"
    )
    run = bench.run(
        "a = made()\nb = made(7)\nc = RandomState(seed=3)\ne = zahl.random.default_rng(None)\nf = datetime.now()\ng = d.datetime.today()"
    )
    assert run.surroundings.unseeded == ("numpy.random.default_rng",)
    assert run.surroundings.clocks == ("datetime.datetime.now", "datetime.datetime.today")


def test_chance_without_a_seed_is_a_fact_and_a_seed_silences_it(bench: Bench) -> None:
    import numpy as np

    state, legacy = random.getstate(), np.random.get_state()
    try:
        bench.run("import random, uuid, os\nimport numpy as np\nfrom sklearn.utils import shuffle")
        assert bench.run("a = random.random()").surroundings.unseeded == ("random",)
        assert bench.run("b = shuffle([1, 2, 3])").surroundings.unseeded == ("numpy.random",), "drawn by a library, random_state=None"
        assert bench.run("c = shuffle([1, 2, 3], random_state=1)").surroundings.unseeded == ()
        assert bench.run("d = uuid.uuid4(), os.urandom(2)").surroundings.unseeded == ("uuid.uuid4", "os.urandom")
        bench.run("np.random.seed()")
        assert bench.run("e = np.random.rand()").surroundings.unseeded == ("numpy.random",), "seed() without a number seeds nothing"
        bench.run("np.random.seed(1)")
        assert bench.run("e = np.random.rand()").surroundings.unseeded == ()
        assert bench.run("f = random.random()").surroundings.unseeded == ("random",)
        assert bench.run("random.seed(4)\ng = random.random()").surroundings.unseeded == ()
    finally:
        random.setstate(state)
        np.random.set_state(legacy)


def test_text_that_is_no_python_asks_for_nothing() -> None:
    assert drawn("time = = random", {}).clocks == ()


def test_names_whose_class_lies_are_not_asked() -> None:
    class Lies:
        @property
        def __class__(self) -> type:  # type: ignore[override]  # that is the point
            raise RuntimeError

        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    assert drawn("random.random.random()\nrandom()", {"random": Lies()}).unseeded == ()


READERS = {
    "import pyarrow.parquet as pq\nt = pq.read_table('in.parquet')": (["in.parquet"], []),
    "import pyarrow.parquet as pq\nt = pq.ParquetFile('in.parquet').read()": (["in.parquet"], []),
    "import pyarrow.dataset as ds\nt = ds.dataset('parts').to_table()": (["parts/a.parquet", "parts/b.parquet"], []),
    "import pyarrow.csv as csv\nt = csv.read_csv('in.csv')": (["in.csv"], []),
    "import pandas as pd\nt = pd.read_parquet('in.parquet')\nt.to_parquet('out.parquet')": (["in.parquet"], ["out.parquet"]),
    "import polars as pl\nt = pl.read_parquet(P('in.parquet'))\nt.write_csv('out.csv')": (["in.parquet"], ["out.csv"]),
    "import polars as pl\nt = pl.scan_parquet('parts/*.parquet').collect()": (["parts/a.parquet", "parts/b.parquet"], []),
    "import polars as pl\npl.scan_csv('in.csv').sink_parquet('out.parquet')": (["in.csv"], ["out.parquet"]),
    "import duckdb\nt = duckdb.read_csv('in.csv').fetchall()": (["in.csv"], []),
    "import duckdb\nt = duckdb.connect().read_parquet('in.parquet').fetchall()": (["in.parquet"], []),
    "import duckdb\nduckdb.sql(\"copy (select * from 'in.parquet') to 'out.parquet'\")": (["in.parquet"], ["out.parquet"]),
    "import duckdb\nt = duckdb.connect().execute(\"select * from read_csv('in.csv')\").fetchall()": (["in.csv"], []),
    "import sqlite3\nwith sqlite3.connect('in.db') as c: rows = c.execute('select * from t').fetchall()\nc.close()": (["in.db"], []),
    "import pyarrow as pa, pyarrow.parquet as pq\npq.write_table(pa.table({'a': [1]}), where='out.parquet')": ([], ["out.parquet"]),
    "import pyarrow as pa, pyarrow.dataset as ds\nds.write_dataset(pa.table({'a': [1]}), 'made', format='parquet')": (
        [],
        ["made/part-0.parquet"],
    ),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files older than any cell."""
    import sqlite3

    import pandas as pd

    folder = tmp_path_factory.mktemp("data")
    (folder / "parts").mkdir()
    frame = pd.DataFrame({"a": [1, 2]})
    for name in ("in.parquet", "parts/a.parquet", "parts/b.parquet"):
        frame.to_parquet(folder / name)
    frame.to_csv(folder / "in.csv", index=False)
    with sqlite3.connect(folder / "in.db") as link:
        link.execute("create table t (a)")
    link.close()
    return folder


@pytest.mark.parametrize("source", READERS)
def test_readers_and_writers_of_native_code_are_seen_in_a_cell_without_a_tag(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    import shutil

    shutil.copytree(data, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    bench = Bench(tmp_path / "w")
    run = bench.run(source)
    bench.recorder.close()
    read, written = READERS[source]
    assert (sorted(ref.path for ref in run.files_read), sorted(ref.path for ref in run.files_written)) == (read, written)
    assert all(ref.digest for ref in (*run.files_read, *run.files_written))
    assert run.gaps == ()


def test_duckdb_still_finds_the_tables_of_its_caller(bench: Bench) -> None:
    """It looks for names among the variables of the calling frame, which a wrapper around `sql` would hide."""
    run = bench.run(
        "import duckdb, pandas as pd\nframe = pd.DataFrame({'a': [1, 2]})\ntotal = duckdb.sql('select sum(a) from frame').fetchone()[0]"
    )
    assert run.error == "" and bench.names["total"] == 3


def test_a_library_imported_in_a_fresh_process_is_wrapped_as_it_loads(tmp_path: Path, data: Path) -> None:
    import subprocess

    program = f"""
import sys
from pathlib import Path
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace
workspace = Workspace.create(Path.cwd())
recorder = workspace.recorder("a.ipynb", "ipython")
assert "polars" not in sys.modules
recorder.begin(source="", cell_id="c", namespace={{}})
import polars as pl, pyarrow.parquet as pq
assert pl.read_parquet({str(data / "in.parquet")!r}).height == pq.read_table({str(data / "in.parquet")!r}).num_rows == 2
run = recorder.end(outcome=Outcome.OK, namespace={{}})
assert [ref.path for ref in run.files_read] == [{str(data / "in.parquet")!r}], run
recorder.close()
"""
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", program], cwd=tmp_path, check=True, timeout=120)


def test_a_remote_path_is_a_fact_without_its_credentials(bench: Bench) -> None:
    url = "nosuch://user:hunter2@host/bucket/x.parquet?sig=hunter2"
    run = bench.run(f"import pyarrow.parquet as pq\ntry: pq.read_table({url!r})\nexcept Exception: pass")
    assert run.surroundings.remote == ("nosuch://host/bucket/x.parquet",)
    assert "hunter2" not in str(bench.entries())


def test_a_change_inside_a_call_is_seen_by_content(bench: Bench) -> None:
    bench.run(
        "import numpy as np\nitems, table, grid = [1], {'a': 1}, np.zeros(4)\ndef add():\n    items.append(2); table['a'] = 2; grid[0] = 1"
    )
    run = bench.run("add()")
    assert set(run.changed) == {"items", "table", "grid"} and set(run.changed) <= set(run.writes)
    assert bench.run("len(items)").changed == ()
    assert bench.runs()[1] == run


def test_a_change_by_another_name_is_a_change_of_every_name(bench: Bench) -> None:
    bench.run("import numpy as np\na = np.arange(3)\nb = a\nview = a[1:]\nother = np.arange(3)")
    run = bench.run("b[2] = 9")
    assert set(run.changed) == {"a", "b", "view"}
    run = bench.run("a = a + 1")
    assert run.changed == () and run.writes == ("a",), "a new object under an old name changes no other name"


def test_values_that_bite_are_not_looked_into() -> None:
    class Bites(list):  # type: ignore[type-arg]  # of anything
        def __len__(self) -> int:
            raise RuntimeError

        def __iter__(self) -> Iterator[object]:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]  # unhashable

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

    circle: list[object] = []
    circle.append(circle)
    found = inplace.marks({"bites": Bites(), "circle": circle, "endless": iter(int, 1), "kind": Bites})
    assert set(found) == {"circle"}


def test_old_entries_without_surroundings_are_read() -> None:
    from jupyter_mlgov.lineage.seen import run_payload
    from jupyter_mlgov.testing import cell_run

    run: CellRun = cell_run(surroundings=Surroundings(clocks=("time.time",)), changed=("x",))
    payload = dict(run_payload(run))
    assert read_run(payload) == run
    assert canonical_json(payload)
    del payload["surroundings"], payload["changed"]
    assert read_run(payload).surroundings == Surroundings()


def test_a_cell_of_long_chained_names_is_read_once() -> None:
    """Not once for each way to cut the names: the recorder must not hang where Python takes a microsecond."""
    from jupyter_mlgov.lineage.chance import Generators

    Generators().begin("a" + (" =" + "b" * 30) * 12 + "()")


def test_what_an_installed_package_says_of_itself_is_no_data_of_the_model(bench: Bench, tmp_path: Path) -> None:
    """importlib.metadata reads it when a library looks for its plug-ins, also where a package lies on PYTHONPATH."""
    place = tmp_path / "packs" / "pack-1.dist-info"
    place.mkdir(parents=True)
    (place / "entry_points.txt").write_text("[x]\n")
    rules = tmp_path / "checkout" / "validators" / "mlgov_validators" / "policies"
    rules.mkdir(parents=True)
    (rules / "gdpr.toml").write_text("id = 1\n")
    (tmp_path / "packs" / "rates.csv").write_text("a\n1\n")
    names = ("packs/pack-1.dist-info/entry_points.txt", "packs/rates.csv", "checkout/validators/mlgov_validators/policies/gdpr.toml")
    run = bench.run(f"text = [P(name).read_text() for name in {names}]")
    assert [Path(ref.path).name for ref in run.files_read] == ["rates.csv"]
