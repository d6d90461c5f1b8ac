"""The manual of a chart, values.yaml, and what is made of it: schema and README."""

from __future__ import annotations

import shutil
import subprocess
from functools import reduce
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from tests.charts.helm import CHARTS, NAMES, lacking
from tools.charts.charts import CHARTS as KINDS
from tools.charts.charts import README_COMMAND, schema_of, schema_path
from tools.charts.comments import comments_of, marked

# an example of each chart that stands behind an empty value
UNCOMMENTED: dict[str, tuple[str, Any]] = {
    "polarpod": ("plane.tolerations", [{"key": "batch", "operator": "Exists"}]),
    "polarpod-local": ("airflow.config", {"AIRFLOW__CORE__DEFAULT_TIMEZONE": "Europe/London"}),
}


@pytest.fixture(params=[pytest.param(name, id=name) for name in NAMES])
def chart(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def text_of(chart: str) -> str:
    return (CHARTS / chart / "values.yaml").read_text()


def defaults_of(chart: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text_of(chart)))


def test_every_chart_has_types() -> None:
    assert sorted(KINDS) == NAMES


def leaves(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the values that are no sections: what people set."""
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, inner in values.items() for leaf in leaves(inner, (*path, key))]


def test_the_schema_is_what_types_and_values_say(chart: str) -> None:
    assert schema_path(chart).read_bytes() == schema_of(chart), "stale: run `python -m tools.charts`"


def test_the_readme_is_what_helm_docs_makes(chart: str, tmp_path: Path) -> None:
    if not shutil.which(README_COMMAND[0]):
        lacking(f"no {README_COMMAND[0]} on $PATH")
    copy = tmp_path / chart
    copy.mkdir()
    for name in ("Chart.yaml", "values.yaml", "README.md.gotmpl"):
        shutil.copy(CHARTS / chart / name, copy)
    subprocess.run([*README_COMMAND, "--chart-search-root", str(copy)], check=True)
    assert (CHARTS / chart / "README.md").read_text() == (copy / "README.md").read_text(), (
        "stale: run `python -m tools.charts`"
    )


def test_values_and_types_name_the_same_keys(chart: str) -> None:
    # nothing has a default in the types, and nothing unknown is taken, so that reading proves both directions
    msgspec.convert(defaults_of(chart), KINDS[chart])


def test_the_defaults_hold_to_the_schema(chart: str) -> None:
    schema = msgspec.json.decode(schema_path(chart).read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(defaults_of(chart), schema)


def test_the_schema_takes_no_key_that_it_does_not_know(chart: str) -> None:
    def look(node: Any, path: str) -> None:
        if isinstance(node, dict):
            if "properties" in node:
                assert node["additionalProperties"] is False, path
            for key, inner in node.items():
                look(inner, f"{path}.{key}")
        elif isinstance(node, list):
            for number, inner in enumerate(node):
                look(inner, f"{path}[{number}]")

    look(msgspec.json.decode(schema_path(chart).read_bytes()), "$")


def test_every_value_is_described_where_it_is_set(chart: str) -> None:
    text = text_of(chart)
    described = marked(text)
    bare = [
        ".".join(path)
        for path in leaves(defaults_of(chart))
        if not any(path[: len(path) - depth] in described for depth in range(len(path)))
    ]
    assert bare == []
    assert all(words.endswith((".", ":")) or "# " not in words for words in comments_of(text).values())


def test_every_empty_list_or_map_has_an_example_behind_it(chart: str) -> None:
    lines = text_of(chart).splitlines()
    empty = [number for number, line in enumerate(lines) if line.endswith((": {}", ": []")) and "#" not in line]
    # a parent's, and nothing of ours
    without = [lines[number] for number in empty if "#" not in lines[number + 1] and not lines[number].startswith("global")]
    assert without == []


def test_every_example_behind_an_empty_value_is_one_that_the_schema_takes(chart: str) -> None:
    """Takes the comment sign away from all examples at once."""
    lines: list[str] = []
    emptied = ""
    for line in text_of(chart).splitlines():
        stripped = line.lstrip()
        if line.endswith((": {}", ": []")):
            emptied = line[: -len(" {}")]
            lines.append(line)
        elif emptied and stripped.startswith("#") and not stripped.startswith("# --"):
            if lines[-1].endswith((": {}", ": []")):
                lines[-1] = emptied
            lines.append(line.replace("#", " ", 1) if "#  " in line else line.replace("# ", "  ", 1))
        else:
            emptied = ""
            lines.append(line)
    examples = yaml.safe_load("\n".join(lines))
    place, value = UNCOMMENTED[chart]
    assert reduce(lambda values, key: values[key], place.split("."), examples) == value, "they were uncommented"
    msgspec.convert(examples, KINDS[chart])


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        pytest.param("# -- One.\na: 1\n", ("a",), "One.", id="marked"),
        pytest.param("# -- One,\n# two.\na: 1\n", ("a",), "One, two.", id="two lines"),
        pytest.param("# A section.\na:\n  b: 1\n", ("a",), "A section.", id="a section"),
        pytest.param("a: {}\n#  x: 1\n# -- Two.\nb: 1\n", ("b",), "Two.", id="an example above"),
        pytest.param("# -- One.\n# @default -- two\na: 1\n", ("a",), "One.", id="a word to helm-docs"),
        pytest.param("# -- (int) One.\na: null\n", ("a",), "One.", id="a type for helm-docs"),
    ],
)
def test_a_comment_belongs_to_the_value_below_it(text: str, path: tuple[str, ...], words: str) -> None:
    assert comments_of(text)[path] == words
