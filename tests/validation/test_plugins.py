"""A foreign package is found by its entry points; a broken one is one `error`; an id offered twice stops everything, naming both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.sdk import Check, Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Broken, TwiceInstalled, installed_policies, installed_validators, policy_ids

MODULE = '''
from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator

@validator("acme.rows", title="Enough rows", needs=("scored",), source="acme handbook", fix="Collect more.")
def rows(subject: Subject, *, least: int = 2):
    """Are there enough rows?"""
    n = int(subject.table.count().execute())
    return Finding(message=f"{n} rows", verdict=Verdict.PASS if n >= least else Verdict.FAIL, measured=float(n), n=n)

def pack():
    return """
[policy]
id = "acme"
version = "1"
title = "Acme"
framework = "ACME"
[[control]]
id = "ACME.1"
cite = "handbook"
url = ""
verified = "P"
obligation = "Have rows."
automation = "auto"
severity = "high"
gates = ["train"]
basis = "b"
[[control.requirements]]
validator = "acme.rows"
parameters = { least = 5 }
[control.requirements.sources]
least = "handbook"
"""
'''

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a built distribution on sys.path: module, dist-info, entry points."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules: list[str] = []

    def put(name: str, validators: str = "", policies: str = "", module: str = MODULE) -> None:
        (site / f"{name}.py").write_text(module, "utf-8")
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[jupyter_mlgov.validators]\n{validators}\n[jupyter_mlgov.policies]\n{policies}\n", "utf-8")
        modules.append(name)

    yield put
    for name in modules:
        sys.modules.pop(name, None)


def table(path: Path) -> Subject:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1, 2, 3]}), path / "t.parquet")
    return Subject(ref=SubjectRef(kind="table", name="t", roles=asdict(Roles())), roles=Roles(), table_path=path / "t.parquet")


def test_a_foreign_package_brings_a_validator_and_a_pack(install: Install, tmp_path: Path) -> None:
    install("acme_checks", "acme.rows = acme_checks:rows", "acme = acme_checks:pack")
    assert "acme.rows" in installed_validators().ids
    assert "acme" in policy_ids()
    assert "acme_checks" not in sys.modules
    report = validate(table(tmp_path), installed_policies(("acme",)), installed_validators())
    result = report.result("acme.rows")
    assert result is not None
    assert (result.verdict, result.parameters, result.source) == (Verdict.FAIL, {"least": 5}, "acme handbook")
    assert [item.verdict for item in report.requirements] == [Verdict.FAIL]


def test_our_own_come_through_the_same_door(install: Install) -> None:
    assert isinstance(installed_validators().get("fair.air"), Check)


@pytest.mark.parametrize(
    ("module", "target", "said"),
    [
        ("import a_module_that_is_not_there", "rows", "ModuleNotFoundError"),
        ("raise SystemExit(0)", "rows", "SystemExit"),
        ("rows = 1", "rows", "not a validator"),
        (MODULE, "missing", "AttributeError"),
        (MODULE.replace("acme.rows", "acme.other"), "rows", 'calls itself "acme.other"'),
    ],
)
def test_a_broken_plug_in_is_one_error_and_everything_else_runs(
    install: Install, tmp_path: Path, module: str, target: str, said: str
) -> None:
    install("broken_checks", f"acme.rows = broken_checks:{target}", module=module)
    registry = installed_validators()
    assert isinstance(registry.get("acme.rows"), Broken)
    report = validate(table(tmp_path), (), registry, only=("acme.rows", "priv.pii"))
    result = report.result("acme.rows")
    assert result is not None
    assert result.verdict is Verdict.ERROR
    assert said in result.summary
    assert "broken_checks" in result.summary
    pii = report.result("priv.pii")
    assert pii is not None
    assert pii.verdict is Verdict.PASS


def test_an_id_offered_twice_names_both_distributions(install: Install) -> None:
    install("one_checks", "acme.rows = one_checks:rows", "acme = one_checks:pack")
    install("two_checks", "acme.rows = two_checks:rows", "acme = two_checks:pack")
    for ask in (installed_validators, policy_ids):
        with pytest.raises(TwiceInstalled, match="one_checks and by two_checks"):
            ask()


def test_nobody_can_replace_one_of_ours(install: Install) -> None:
    install("sly_checks", "fair.air = sly_checks:rows")
    with pytest.raises(TwiceInstalled, match="sly_checks"):
        installed_validators()


@pytest.mark.parametrize(
    "module",
    ["raise ValueError('x')", "def pack():\n    return 3", "def pack():\n    return 'no toml'", "def pack():\n    raise SystemExit(0)"],
)
def test_a_broken_pack_is_refused_with_a_sentence(install: Install, module: str) -> None:
    install("bad_pack", policies="acme = bad_pack:pack", module=module)
    with pytest.raises(BadInput, match="bad_pack"):
        installed_policies(("acme",))


def test_an_unknown_pack_gets_the_nearest_and_a_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='Did you mean "us-fair-lending"'):
        installed_policies(("us-fair-lendin",))
    with pytest.raises(BadInput, match="cannot be read"):
        installed_policies((str(tmp_path / "none.toml"),))
    text = MODULE.split('"""')[3]
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    (own,) = installed_policies((str(tmp_path / "mine.toml"),))
    assert own.id == str(tmp_path / "mine.toml"), "a file goes by its path, whatever it calls itself"
    assert installed_policies(("mine.toml",), tmp_path)[0].id == "mine.toml"
