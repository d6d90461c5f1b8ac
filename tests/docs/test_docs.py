"""The documents tell the truth where a program can check it: tables, links, commands, targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from polarpod.cli.main import _COMMANDS
from polarpod.contract.verdict import Budget, Category, budget_of, exit_code_of, is_retryable
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.permissions import RIGHTS
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes_file import load_planes

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_verdicts_page_lists_every_category_with_its_code_budget_and_retry() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\w+) \| (yes|no) \|", (ROOT / "docs/verdicts.md").read_text(), re.MULTILINE)
    told = {name: (int(code), budget, retried) for name, code, budget, retried in rows}
    assert told == {
        str(category): (exit_code_of(category), str(budget_of(category)), "yes" if is_retryable(category) else "no")
        for category in Category
    }


def test_verdicts_that_only_pods_get_are_named_as_such() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| \S.* \| (.*)\|$", (ROOT / "docs/verdicts.md").read_text().partition("## On each")[2], re.MULTILINE
    )
    assert rows
    used: dict[str, set[bool]] = {}
    for path in (ROOT / "src/polarpod").rglob("*.py"):
        if path != ROOT / "src/polarpod/contract/verdict.py":
            for name in re.findall(r"Category\.([A-Z_]+)", path.read_text()):
                used.setdefault(name.lower(), set()).add("kubernetes" in path.parts)
    assert {name for name, elsewhere in rows if not elsewhere.strip()} == {
        name for name, pods in used.items() if pods == {True}
    }


def test_the_troubleshooting_page_has_every_category_under_its_budget_in_the_order_of_the_code() -> None:
    sections = re.split(r"^## ", (ROOT / "docs/troubleshooting.md").read_text(), flags=re.MULTILINE)
    told = {section.split("\n")[0]: re.findall(r"^### (.+)$", section, re.MULTILINE) for section in sections[1:]}
    assert {title: names for title, names in told.items() if names} == {
        f"Budget {budget}": [str(category) for category in Category if budget_of(category) is budget] for budget in Budget
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^ {4}|`)polarpod ([a-z]+)", page.read_text(), re.MULTILINE))
    assert named <= set(_COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_only_make_targets_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets
    # what a person reads in one look
    assert len(targets) <= 13


@pytest.mark.parametrize(("name", "kind"), [("process", ProcessPlane), ("eks", KubernetesPlane)], ids=["process", "eks"])
def test_the_examples_of_the_planes_page_are_valid_planes_with_every_key(
    tmp_path: Path, name: str, kind: type[Plane]
) -> None:
    found = {}
    for number, example in enumerate(re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/planes.md").read_text(), re.DOTALL)):
        path = tmp_path / f"planes-{number}.yaml"
        path.write_text(example)
        found |= load_planes(path)
        # of one launcher's machine
        shared = set(kind.__struct_fields__) - {"credentials", "python", "jobs", "memory_growth", "root"}
        if name in yaml.safe_load(example)["planes"]:
            assert shared <= set(yaml.safe_load(example)["planes"][name])
    assert isinstance(found[name], kind)


def test_the_planes_page_names_exactly_the_rights_that_a_launcher_needs() -> None:
    rows = re.findall(r"^\| (pods|pods/log|events) \| ([a-z, ]+) \|", (ROOT / "docs/planes.md").read_text(), re.MULTILINE)
    told = {f"{verb} {resource}" for resource, verbs in rows for verb in verbs.split(", ")}
    assert told == {str(right) for right in RIGHTS}
