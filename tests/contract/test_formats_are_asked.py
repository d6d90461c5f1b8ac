"""What differs between formats stands in their own folders: nothing else tells them apart by their class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import polarpod
from polarpod.contract.dataset import Csv, Delta, Input, NdJson, Output, Parquet
from polarpod.launch.outputs.output import published
from polarpod.runtime.engines.polars.formats.row_format import row_format_of
from polarpod.runtime.publish.publisher import publisher_of
from polarpod.runtime.sources.source import source_of
from polarpod.store.outputs.output import stored

SOURCE = Path(polarpod.__file__).parent
FORMATS = {"Parquet", "Csv", "NdJson", "Delta"}
# a source of files reads three formats, a publisher has one
OWN = (
    "store/sources/files",
    "runtime/sources/files",
    "runtime/sources/delta",
    "runtime/publish/delta",
    "runtime/publish/parquet",
)
INPUTS: list[Input] = [Parquet("p"), Csv("c"), NdJson("n"), Delta("d")]
OUTPUTS: list[Output] = [Parquet("p", append=True), Delta("d", append=True)]


def told_apart() -> Iterator[str]:
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                if asked & FORMATS and not place.startswith(OWN):
                    yield f"{place}:{node.lineno}: {ast.unparse(node)}"


def test_no_code_outside_of_a_formats_folder_tells_formats_apart() -> None:
    assert list(told_apart()) == []


def test_every_input_names_a_source_and_every_output_a_publisher() -> None:
    assert [source_of(dataset).files_stand_alone for dataset in INPUTS] == [True, True, True, False]
    for output in OUTPUTS:
        assert callable(publisher_of(output).publish)
        assert callable(stored(output).standing)
        assert callable(published(output).plan_undo)
        assert callable(row_format_of(output).fit)
