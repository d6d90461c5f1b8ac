"""planes.yaml: text that cannot be meant as it is written is refused with its line, and not taken literally."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes_file import load_planes

KUBERNETES = "kind: kubernetes, namespace: n, state: s3://s/x, image: i"


def refusal(folder: Path, text: str) -> str:
    path = folder / "planes.yaml"
    path.write_text(text)
    with pytest.raises(PolarpodError) as caught:
        load_planes(path, {"SET": "x"})
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    (evidence,) = caught.value.verdict.evidence
    return evidence.removeprefix(f"{path}:")


@pytest.mark.parametrize("plane", ["kind: process, state: s", KUBERNETES], ids=["process", "kubernetes"])
@pytest.mark.parametrize("name", ['"A=B"', '""', '"A\\0B"'], ids=["equals sign", "empty", "NUL"])
def test_a_name_that_no_variable_can_have_is_refused(tmp_path: Path, plane: str, name: str) -> None:
    said = refusal(tmp_path, f"planes:\n  p: {{{plane},\n    environment: {{\n      {name}: x}}}}\n")
    assert said.startswith("4: plane 'p': ")
    assert "is not the name of a variable" in said


def test_so_is_the_name_of_a_variable_from_a_secret(tmp_path: Path) -> None:
    text = f'planes:\n  p: {{{KUBERNETES},\n    environment_from_secrets: {{\n      "A=B": {{secret: s, key: k}}}}}}\n'
    assert refusal(tmp_path, text).startswith("4: plane 'p': 'A=B' is not the name of a variable")


@pytest.mark.parametrize("key", ["environment: {A", "variables: {a"])
def test_a_value_with_a_nul_is_refused(tmp_path: Path, key: str) -> None:
    said = refusal(tmp_path, f'planes:\n  p:\n    state: s\n    {key}: "x\\0y"}}\n')
    assert said == "4: plane 'p': a value contains a NUL character"


@pytest.mark.parametrize(
    "value", ["${NOPE-d}", "${NOPE:?x}", "${NOPE", "${1}", "${}", "${A:-${SET}}", "${SET}${NOPE", "./$NOPE/lake"]
)
def test_what_looks_like_a_variable_and_is_none_is_refused(tmp_path: Path, value: str) -> None:
    said = refusal(tmp_path, f'planes:\n  p:\n    state: s\n    variables:\n      lake: "{value}"\n')
    assert said.startswith("5: plane 'p': a variable is written ${NAME} or ${NAME:-default}")


@pytest.mark.parametrize("key", ["state", "root", "jobs", "scratch", "credentials", "python"])
def test_a_bare_variable_is_refused_in_every_place(tmp_path: Path, key: str) -> None:
    state = "" if key == "state" else "state: s, "
    assert refusal(tmp_path, f"planes:\n  p: {{{state}{key}: $HOME/x}}\n").startswith("2: plane 'p': a variable is written")


@pytest.mark.parametrize("password", ["pa$word", "$ecret", "a$", "$$", "$1"])
def test_a_dollar_sign_in_a_variable_of_the_worker_is_a_character(tmp_path: Path, password: str) -> None:
    path = tmp_path / "planes.yaml"
    path.write_text(f"planes:\n  p: {{state: s, environment: {{P: {password}}}}}\n")
    assert load_planes(path, {})["p"].environment == {"P": password}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("planes:\n  p:\n    state: a\n    state: b\n", "'state' is given twice: line 3 and line 4", id="a key"),
        pytest.param("planes:\n  p: {state: a}\n  p: {state: b}\n", "'p' is given twice: line 2 and line 3", id="a plane"),
        pytest.param("planes: {}\nplanes: {}\n", "'planes' is given twice: line 1 and line 2", id="the file's own key"),
    ],
)
def test_a_key_given_twice_is_refused_with_both_lines(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).endswith(f": the key {said}")


def test_an_anchor_used_twice_is_no_key_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "planes.yaml"
    path.write_text("planes:\n  a: &a {state: s}\n  b:\n    <<: *a\n    state: t\n  c: *a\n")
    assert load_planes(path, {})["b"].state == str(tmp_path / "t")
