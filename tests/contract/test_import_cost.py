"""Who is loaded by whom, seen from a fresh interpreter: what import-linter cannot see are imports of imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["polars", "airflow", "kubernetes", "boto3", "botocore", "deltalake", "dataframely", "pyarrow", "numpy", "pandas"]
ENGINE = "polarpod.runtime.engines.polars.engine"
CONTRACT = [
    "codec", "context", "dataset", "definition", "formats", "identity", "job", "known_secrets", "labels", "message",
    "param", "placeholders", "receipt", "redact", "release", "resources", "schema", "schemas", "store_probe",
    "validation_errors", "verdict", "version",
]  # fmt: skip
# loaded after the fork, but into a process that has to stay small
SUPERVISOR = [f"polarpod.runtime.supervisor{part}" for part in ("", ".fork", ".output", ".receipt", ".watch")]


def loaded_by(*modules: str) -> set[str]:
    """The top-level packages in sys.modules after importing these."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {list(modules)!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(["polarpod"], id="what a job module imports"),
        pytest.param([f"polarpod.contract.{name}" for name in CONTRACT], id="the contract"),
        pytest.param(["polarpod.launch.run"], id="the launcher"),
        pytest.param(SUPERVISOR, id="the supervisor"),
    ],
)
def test_nothing_heavy_is_loaded(modules: list[str]) -> None:
    assert loaded_by(*modules).isdisjoint(HEAVY)


def test_the_list_above_names_the_whole_contract() -> None:
    import pkgutil

    import polarpod.contract

    assert sorted(module.name for module in pkgutil.iter_modules(polarpod.contract.__path__)) == CONTRACT


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        pytest.param("polarpod", ["obstore", "yaml", "click", "rich", "asyncio"], id="polarpod"),
        pytest.param("polarpod.contract.receipt", ["obstore", "yaml", "click", "rich"], id="receipt"),
        pytest.param("polarpod.launch.run", ["click", "rich", "dataframely"], id="launcher"),
        pytest.param("polarpod.runtime.supervisor", ["yaml", "click", "rich", "asyncio"], id="supervisor"),
        pytest.param(
            "polarpod.runtime.engines.polars.engine",
            ["airflow", "yaml", "click", "rich", "kubernetes", "boto3"],
            id="engine",
        ),
    ],
)
def test_neither_the_other_sides_tools_nor_a_command_line_are_loaded(module: str, strangers: list[str]) -> None:
    assert loaded_by(module).isdisjoint(strangers)


def test_the_work_itself_loads_polars_so_that_this_file_can_tell_the_difference() -> None:
    assert "polars" in loaded_by(ENGINE)


def test_the_runtime_does_not_load_the_launcher_nor_the_launcher_the_runtime() -> None:
    code = "import sys, {}; print([name for name in sys.modules if name.startswith('polarpod.{}')])"
    for ours, theirs in ((ENGINE, "launch"), ("polarpod.launch.run", "runtime")):
        done = subprocess.run(
            [sys.executable, "-I", "-c", code.format(ours, theirs)], capture_output=True, check=True, text=True
        )
        assert done.stdout.strip() == "[]"
