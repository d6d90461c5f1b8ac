"""Every command in the README and the docs runs: those of the process plane here, in order, as printed.

The others run where their parts are: see `ELSEWHERE`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.commands import ROOT, commands, example_job, of_section

README = ROOT / "README.md"
# sections whose commands run here, one after the other
HERE = ["Run a job", "See why it failed", "Undo a publish", "Sweep what failed attempts left"]
# every other section with commands: what runs them
ELSEWHERE = {
    "polarpod": "CI, which calls both",
    "Run it in a pod": "tests/cluster/test_readme_in_pods.py",
    "Run the whole stack in a cluster": "tests/cluster/stack/test_readme_of_the_stack.py",
    "Install the worker plane on a cluster": "tests/charts/test_eks_values.py, without a cluster",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of the repository that the commands use, where nothing has run before, with the README's job in it."""
    made = tmp_path_factory.mktemp("checkout")
    for name in ("jobs", "dags", "examples"):
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__", "release.json"))
    # the environment that `make setup` makes: this one
    (made / ".venv").mkdir()
    (made / ".venv/dev").symlink_to(Path(sys.executable).parent.parent)
    path, source = example_job(README)
    (made / path).write_text(source)
    return made


def _run(line: str, checkout: Path) -> str:
    environment = {
        "PATH": f"{checkout}/.venv/dev/bin:/usr/bin:/bin",
        "HOME": str(checkout),
        # of the machine, as a shell has it
        **{name: value for name, value in os.environ.items() if name in ("LANG", "TZ", "TMPDIR")},
    }
    done = subprocess.run(["bash", "-c", line], cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.timeout(300)
def test_the_commands_of_the_process_plane_run_in_order_as_printed(checkout: Path) -> None:
    lines = [line for section in HERE for line in of_section(README, section)]
    said = {}
    for line in lines:
        if line.startswith(("make setup", "export PATH=")):
            continue  # `checkout` and `_run` have done it
        if " UID" in line:
            newest = json.loads(_run("polarpod runs --json", checkout))[0]
            line = line.replace("UID", newest["uid"][:6])  # noqa: PLW2901  # the page's placeholder
        said[line] = _run(line, checkout)
    assert "succeeded: published" in said["polarpod run flights_by_airport --plane process --param ds=2013-02-01"]
    assert "attempt 1  succeeded" in said["polarpod show flights_by_airport/ds-2013-02-01-2b16095278"]
    assert "is taken back" in said["polarpod undo flights_by_airport/ds-2013-02-01-2b16095278"]


@pytest.mark.timeout(300)
def test_the_first_commands_of_the_troubleshooting_page_run_on_a_plane_of_this_machine(checkout: Path) -> None:
    _run("python examples/land_flights.py --lake .polarpod/lake --from 2013-02-02 --days 1", checkout)
    _run("polarpod run clean_flights --plane process --param ds=2013-02-02", checkout)
    newest = json.loads(_run("polarpod runs --json", checkout))[0]
    run = f"{newest['job']}/{newest['run_key']}"
    lines = [line for line in of_section(ROOT / "docs/troubleshooting.md", "Troubleshooting") if line.startswith("polarpod")]
    assert [line.split()[1] for line in lines] == ["show", "logs", "doctor", "gc"]
    for line in lines:
        if "doctor" in line:
            continue  # for planes of pods: tests/cluster/test_readme_in_pods.py
        _run(line.replace("RUN", run).replace("PLANE", "process"), checkout)


@pytest.mark.parametrize("page", [README, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name)
def test_every_command_of_a_page_belongs_to_a_test(page: Path) -> None:
    sections = {command.section for command in commands(page)}
    if page == README:
        assert sections == {*HERE, *ELSEWHERE}
        return
    # the other pages repeat commands of the README, with placeholders; anything more needs a test of its own
    programs = {command.line.split()[0] for command in commands(page)}
    assert programs <= {"polarpod", "make", "kubectl", "helm"}, page.name
