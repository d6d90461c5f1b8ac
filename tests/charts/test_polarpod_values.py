"""The manual of the chart, values.yaml, and what is made of it: schema and README."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from tests.charts.helm import CHARTS, lacking
from tools.charts.charts import README_COMMAND, schema_of, schema_path
from tools.charts.comments import comments_of, marked
from tools.charts.polarpod import Values

from polarpod.launch.plane import KubernetesPlane

CHART = CHARTS / "polarpod"
TEXT = (CHART / "values.yaml").read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load(TEXT)
# keys of a plane that no value sets, and why
_NOT_VALUES = {
    "kind": "always kubernetes",
    "namespace": "the release's",
    "image": "from `image`",
    "image_pull_policy": "from `image`",
    "image_pull_secrets": "from `image`",
    "service_account": "from `serviceAccounts`",
    "service_accounts": "from `serviceAccounts`",
    "queue": "from `queue`",
    "priority_class": "from `priorityClass`",
    "template": "always the one beside it",
    "kubeconfig": "a file of one launcher's machine",
    "context": "a file of one launcher's machine",
    "credentials": "a file of one launcher's machine; here it means a Secret",
    "python": "of one launcher's machine",
    "jobs": "of one launcher's machine",
}


def leaves(values: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the values that are no sections: what people set."""
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, inner in values.items() for leaf in leaves(inner, (*path, key))]


def test_the_schema_is_what_types_and_values_say() -> None:
    fresh = schema_of("polarpod")
    assert schema_path("polarpod").read_bytes() == fresh, "stale: run `python -m tools.charts`"


def test_the_readme_is_what_helm_docs_makes(tmp_path: Path) -> None:
    if not shutil.which(README_COMMAND[0]):
        lacking(f"no {README_COMMAND[0]} on $PATH")
    copy = tmp_path / "polarpod"
    copy.mkdir()
    for name in ("Chart.yaml", "values.yaml", "README.md.gotmpl"):
        shutil.copy(CHART / name, copy)
    subprocess.run([*README_COMMAND, "--chart-search-root", str(copy)], check=True)
    assert (CHART / "README.md").read_text() == (copy / "README.md").read_text(), "stale: run `python -m tools.charts`"


def test_values_and_types_name_the_same_keys() -> None:
    # nothing has a default in the types, and nothing unknown is taken, so that reading proves both directions
    msgspec.convert(DEFAULTS, Values)


def test_the_defaults_hold_to_the_schema() -> None:
    schema = msgspec.json.decode(schema_path("polarpod").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(DEFAULTS, schema)


def test_the_schema_takes_no_key_that_it_does_not_know() -> None:
    def look(node: Any, path: str) -> None:
        if isinstance(node, dict):
            if "properties" in node:
                assert node["additionalProperties"] is False, path
            for key, inner in node.items():
                look(inner, f"{path}.{key}")
        elif isinstance(node, list):
            for number, inner in enumerate(node):
                look(inner, f"{path}[{number}]")

    look(msgspec.json.decode(schema_path("polarpod").read_bytes()), "$")


def test_every_value_is_described_where_it_is_set() -> None:
    described = marked(TEXT)
    bare = [
        ".".join(path)
        for path in leaves(DEFAULTS)
        if not any(path[: len(path) - depth] in described for depth in range(len(path)))
    ]
    assert bare == []
    assert all(words.endswith((".", ":")) or "# " not in words for words in comments_of(TEXT).values())


def test_every_empty_list_or_map_has_an_example_behind_it() -> None:
    lines = TEXT.splitlines()
    empty = [number for number, line in enumerate(lines) if line.endswith((": {}", ": []")) and "#" not in line]
    # a parent's, and nothing of ours
    without = [lines[number] for number in empty if "#" not in lines[number + 1] and not lines[number].startswith("global")]
    assert without == []


def test_every_example_behind_an_empty_value_is_one_that_the_schema_takes() -> None:
    """Takes the comment sign away from all examples at once."""
    lines: list[str] = []
    emptied = ""
    for line in TEXT.splitlines():
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
    assert examples["plane"]["tolerations"] == [{"key": "batch", "operator": "Exists"}], "they were uncommented"
    msgspec.convert(examples, Values)


def test_every_key_of_a_plane_can_be_set_or_is_known_not_to_be() -> None:
    plane = {"".join(f"_{one.lower()}" if one.isupper() else one for one in key) for key in DEFAULTS["plane"]} - {"name"}
    fields = set(KubernetesPlane.__struct_fields__) | {"kind"}
    assert plane - fields == set(), "values that planes.yaml does not know"
    assert fields - plane == set(_NOT_VALUES) - {"credentials"}


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        pytest.param("# -- One.\na: 1\n", ("a",), "One.", id="marked"),
        pytest.param("# -- One,\n# two.\na: 1\n", ("a",), "One, two.", id="two lines"),
        pytest.param("# A section.\na:\n  b: 1\n", ("a",), "A section.", id="a section"),
        pytest.param("a: {}\n#  x: 1\n# -- Two.\nb: 1\n", ("b",), "Two.", id="an example above"),
    ],
)
def test_a_comment_belongs_to_the_value_below_it(text: str, path: tuple[str, ...], words: str) -> None:
    assert comments_of(text)[path] == words
