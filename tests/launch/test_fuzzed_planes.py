"""Whatever is in planes.yaml, a PolarpodError with its file and line is all that comes out. 3,000 cases."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.contract.mutations import assert_explains
from tests.launch.test_planes_file import GOOD

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes_file import load_planes

CASES = 1_000
# whole values, since a parser reached by single characters is mostly the one of YAML itself
VALUES = [
    "null", "5", "-1", ".nan", "1e999", "true", "''", "[]", "{}", "[[[]]]", "{a: {b: c}}", "&x [1]", "*x", "!!str 5",
    "2013-02-01", "0x1F", "1:30",
    "'${A}'", "'${A:-./x}'", "${", "'\\x00'", '"\\u0007"', "|\n      text", "? a", "x: y", "%", "@",
]  # fmt: skip
# what PyYAML's own constructors fail on with errors that are none of YAML's
CRASHERS = [
    "2013-99-99", "!!int x", "!!float x", "!!bool x", "!!timestamp x", "9" * 5000, "&x [*x]", "&x {a: *x}",
    "[" * 3000 + "]" * 3000,
]  # fmt: skip


def check(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    try:
        planes = load_planes(path, {"USER_NAME": "ada", "A": "a"})
    except PolarpodError as error:
        assert_explains(error, Category.REQUEST_INVALID, source=str(path))
    else:
        assert all(isinstance(plane, Plane) for plane in planes.values())


def with_value(value: str, rng: Random) -> bytes:
    lines = GOOD.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = f"{lines[at].partition(':')[0]}: {value}"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def test_other_characters(tmp_path: Path) -> None:
    for case in range(CASES):
        rng = Random(f"characters {case}")
        text = list(GOOD)
        for _ in range(rng.randint(1, 5)):
            text[rng.randrange(len(text))] = rng.choice("{}[]:,-&*!|>'\"%@`#? \n\tax5$\x00\x85\u2028ü\U0001f9ca")
        check("".join(text).encode(), tmp_path / "planes.yaml")


def test_other_values(tmp_path: Path) -> None:
    for case in range(CASES):
        rng = Random(f"values {case}")
        check(with_value(rng.choice(VALUES), rng), tmp_path / "planes.yaml")


def test_lines_lost_repeated_and_moved(tmp_path: Path) -> None:
    for case in range(CASES):
        rng = Random(f"lines {case}")
        lines = GOOD.splitlines()
        for _ in range(rng.randint(1, 3)):
            line = lines.pop(rng.randrange(len(lines)))
            if rng.random() < 0.7:
                lines.insert(rng.randrange(len(lines) + 1), rng.choice([line, line.strip(), "  " + line, line * 2]))
        check("\n".join(lines).encode(), tmp_path / "planes.yaml")


@pytest.mark.parametrize("value", [pytest.param(value, id=value[:20]) for value in CRASHERS])
def test_values_that_crash_the_yaml_library(value: str, tmp_path: Path) -> None:
    text = GOOD.replace("max_memory: 4Gi", f"max_memory: {value}")
    check(text.encode(), tmp_path / "planes.yaml")


@pytest.mark.parametrize("data", [pytest.param(b"\xff\xfe", id="UTF-16"), pytest.param(b"planes: \xe4", id="Latin-1")])
def test_bytes_that_are_no_text(data: bytes, tmp_path: Path) -> None:
    check(data, tmp_path / "planes.yaml")


def test_a_key_with_half_a_surrogate_pair(tmp_path: Path) -> None:
    check(GOOD.replace("python:", '"\\ud800":').encode(), tmp_path / "planes.yaml")
