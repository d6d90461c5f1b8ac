"""What a job's rows depend on in the code: what decides them counts, what cannot does not, and doubt counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from polarpod.runtime.dependencies import Project

Change = Callable[[Path], object]

FILES = {
    "daily.py": (
        '"""Daily."""\nimport polars as pl\nfrom shared.money import cents\n\n\n'
        'def f(x):\n    """Doc."""\n    return cents(x)\n'
    ),
    "documented.py": '"""Said."""\nx = __doc__\n',
    "shared/__init__.py": "",
    "shared/money.py": "from . import rates\n\ncents = rates.factor\n",
    "shared/rates.py": "factor = 100\n",
    "shared/other.py": "x = 1\n",
    "hourly.py": "import polars as pl\n",
    "sql.py": 'from pathlib import Path\n\nQUERY = (Path(__file__).parent / "query.sql").read_text()\n',
    "query.sql": "select 1",
    "plugins.py": "import importlib\n\nimportlib.import_module('shared.' + 'other')\n",
}


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def of(jobs: Path, module: str) -> dict[str, str]:
    return Project(jobs).dependencies(module)


def write(name: str, text: str) -> Change:
    return lambda jobs: (jobs / name).write_text(text)


def append(name: str, text: str) -> Change:
    return lambda jobs: (jobs / name).write_text((jobs / name).read_text() + text)


def names(found: dict[str, str]) -> set[str]:
    return {name for name in found if not name.startswith("library ")}


def test_a_job_depends_on_its_module_and_on_those_that_it_imports_and_on_nothing_else(jobs: Path) -> None:
    assert names(of(jobs, "daily")) == {"module daily", "module shared", "module shared.money", "module shared.rates"}
    assert names(of(jobs, "hourly")) == {"module hourly"}


def test_libraries_count_with_their_versions_and_what_they_require(jobs: Path) -> None:
    libraries = {name for name in of(jobs, "hourly") if name.startswith("library ")}
    assert {"library polarpod", "library polars", "library polars-runtime-32"} <= libraries
    assert "library dataframely" not in libraries
    (jobs / "hourly.py").write_text("import dataframely as dy\n")
    assert {"library dataframely", "library polars"} <= set(of(jobs, "hourly"))


def test_a_library_whose_module_has_another_name_counts(jobs: Path) -> None:
    (jobs / "hourly.py").write_text("import yaml\n")
    assert "library pyyaml" in of(jobs, "hourly")


NOTHING: dict[str, tuple[str, Change]] = {
    "a comment": ("daily", append("daily.py", "# said\n")),
    "a docstring of the module": ("daily", write("daily.py", FILES["daily.py"].replace("Daily.", "Each day."))),
    "a docstring of a function": ("daily", write("daily.py", FILES["daily.py"].replace("Doc.", "Said otherwise."))),
    "blank lines and spaces": ("daily", write("daily.py", FILES["daily.py"].replace("(x)", "( x )") + "\n\n")),
    "line endings": (
        "daily",
        lambda jobs: (jobs / "daily.py").write_bytes(FILES["daily.py"].replace("\n", "\r\n").encode()),
    ),
    "a comment in an imported module": ("daily", append("shared/rates.py", "# a hundred\n")),
    "a module beside it": ("daily", write("shared/other.py", "x = 2\n")),
    "a data file that it cannot find": ("daily", write("query.sql", "select 2")),
    "a new module": ("daily", write("new.py", "x = 1")),
    "a compiled cache": (
        "sql",
        lambda jobs: ((jobs / "__pycache__").mkdir(), (jobs / "__pycache__/sql.pyc").write_text("x")),
    ),
    "a hidden file": ("sql", write(".swp", "x")),
    "a backup of an editor": ("sql", write("query.sql~", "x")),
}


@pytest.mark.parametrize(("module", "change"), NOTHING.values(), ids=NOTHING)
def test_what_cannot_change_its_rows_changes_no_dependency(jobs: Path, module: str, change: Change) -> None:
    before = of(jobs, module)
    change(jobs)
    assert of(jobs, module) == before


SOMETHING: dict[str, tuple[str, Change, str]] = {
    "a number": ("daily", append("daily.py", "y = 1\n"), "module daily"),
    "a module that is imported by one that is imported": (
        "daily",
        write("shared/rates.py", "factor = 1"),
        "module shared.rates",
    ),
    "a package's __init__": ("daily", write("shared/__init__.py", "x = 1"), "module shared"),
    "a data file beside a module that knows its place": ("sql", write("query.sql", "select 2"), "file query.sql"),
    "a new file beside it": ("sql", write("more.csv", "a,b"), "file more.csv"),
    "any module for one that imports by name": ("plugins", write("shared/other.py", "x = 2"), "module shared.other"),
    "any file for one that imports by name": ("plugins", write("query.sql", "select 2"), "file query.sql"),
    "a docstring for a module that reads docstrings": (
        "documented",
        write("documented.py", '"""Other."""\nx = __doc__\n'),
        "module documented",
    ),
}


@pytest.mark.parametrize(("module", "change", "name"), SOMETHING.values(), ids=SOMETHING)
def test_what_may_change_its_rows_is_named(jobs: Path, module: str, change: Change, name: str) -> None:
    before = of(jobs, module)
    change(jobs)
    after = of(jobs, module)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == {name}


def test_many_data_files_are_one_dependency(jobs: Path) -> None:
    for number in range(60):
        (jobs / f"{number}.csv").write_text("a")
    before = of(jobs, "sql")
    assert names(before) == {"module sql", "files of the jobs directory"}
    (jobs / "59.csv").write_text("b")
    assert of(jobs, "sql") != before


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("import shared.other", id="import"),
        pytest.param("import shared.other as o", id="import as"),
        pytest.param("from shared import other", id="from package"),
        pytest.param("from shared.other import x", id="from module"),
        pytest.param("def g():\n    from shared import other", id="in a function"),
        pytest.param("if True:\n    import shared.other", id="in a branch"),
        pytest.param("from shared.other import *", id="star"),
    ],
)
def test_every_way_to_import_is_followed(jobs: Path, line: str) -> None:
    (jobs / "hourly.py").write_text(line + "\n")
    assert names(of(jobs, "hourly")) == {"module hourly", "module shared", "module shared.other"}


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        pytest.param("shared.money", "from .rates import factor", "shared.rates", id="one dot"),
        pytest.param("shared.deep.inner", "from ..rates import factor", "shared.rates", id="two dots"),
        pytest.param("shared.deep.inner", "from .. import rates", "shared.rates", id="two dots alone"),
        pytest.param("shared.deep", "from ..hourly import x", None, id="beyond the top"),
        pytest.param("shared.deep", "from .inner import x", "shared.deep.inner", id="a package's own module"),
    ],
)
def test_relative_imports_are_followed(jobs: Path, module: str, line: str, found: str | None) -> None:
    (jobs / "shared/deep").mkdir()
    (jobs / "shared/deep/__init__.py").write_text("")
    (jobs / "shared/deep/inner.py").write_text("x = 1\n")
    path = jobs.joinpath(*module.split("."))
    (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).write_text(line + "\n")
    assert found is None or f"module {found}" in of(jobs, module)


def test_modules_that_import_each_other_end(jobs: Path) -> None:
    (jobs / "hourly.py").write_text("import daily\n")
    (jobs / "daily.py").write_text("import hourly\n")
    assert names(of(jobs, "daily")) == names(of(jobs, "hourly")) == {"module daily", "module hourly"}


def test_a_module_that_does_not_parse_makes_everything_count(jobs: Path) -> None:
    (jobs / "hourly.py").write_text("import broken\n")
    (jobs / "broken.py").write_text("def (\n")
    assert {"module broken", "module daily", "file query.sql"} <= names(of(jobs, "hourly"))
