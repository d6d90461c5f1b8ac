"""planes.yaml: a mistake is told with its file and line, before anything runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest

from polarpod.contract.context import Storage
from polarpod.contract.resources import GIB
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes_file import choose_plane, load_planes

GOOD = """\
planes:
  laptop:
    kind: process
    state: ../state
    variables:
      lake: ${LAKE:-./lake}
      user: ${USER_NAME}
    storage:
      endpoint_url: http://store:9000
      allow_http: true
    environment_from: [AWS_ACCESS_KEY_ID]
    python: ./venv/bin/python
    max_memory: 4Gi
    memory_growth: 1.5
    retention: 30d
  bucket: {state: "s3://state/${LAKE:-}x"}
"""
FILLED = {"USER_NAME": "ada"}


def load(text: str, folder: Path, environment: Mapping[str, str] = FILLED) -> dict[str, Plane]:
    path = folder / "planes.yaml"
    path.write_text(text)
    return load_planes(path, environment)


def test_how_long_documents_are_kept_is_a_time_or_for_ever() -> None:
    kept = [ProcessPlane(state="s", **given).keep for given in ({}, {"retention": "1d"}, {"retention": "forever"})]
    assert kept == [dt.timedelta(days=90), dt.timedelta(days=1), None]


def test_a_file_is_read_as_planes(tmp_path: Path) -> None:
    assert load(GOOD, tmp_path) == {
        "laptop": ProcessPlane(
            state=str(tmp_path.parent / "state"),
            root=str(tmp_path),
            variables={"lake": str(tmp_path / "lake"), "user": "ada"},
            storage=Storage(endpoint_url="http://store:9000", allow_http=True),
            environment_from=["AWS_ACCESS_KEY_ID"],
            python=str(tmp_path / "venv/bin/python"),
            max_memory="4Gi",
            memory_growth=1.5,
            retention="30d",
        ),
        "bucket": ProcessPlane(state="s3://state/x", root=str(tmp_path)),
    }


def test_a_variable_that_is_set_comes_before_its_default(tmp_path: Path) -> None:
    planes = load(GOOD, tmp_path, FILLED | {"LAKE": "s3://lake"})
    assert planes["laptop"].variables["lake"] == "s3://lake"
    assert planes["bucket"].state == "s3://state/s3://lakex"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load(GOOD, tmp_path, FILLED | {"LAKE": ""})["laptop"].variables["lake"] == str(tmp_path / "lake")


def test_the_interpreter_of_a_virtual_environment_is_not_followed_to_where_it_links(tmp_path: Path) -> None:
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to("/usr/bin/env")
    assert load(GOOD, tmp_path)["laptop"].python == str(tmp_path / "venv/bin/python")


def test_quantities_are_bytes_and_none_means_no_cap(tmp_path: Path) -> None:
    planes = load(GOOD, tmp_path)
    assert planes["laptop"].max_memory_bytes == 4 * GIB
    assert planes["bucket"].max_memory_bytes is None


@pytest.mark.parametrize(
    ("old", "new", "line", "phrase"),
    [
        pytest.param(
            "python:", "pyton:", 12, "plane 'laptop': unknown key 'pyton'; did you mean 'python'?", id="misspelt key"
        ),
        pytest.param("python:", "zzz:", 12, "unknown key 'zzz'; known: kind, state, variables", id="unknown key"),
        pytest.param(
            "kind: process", "kind: moon", 3, "there is no kind 'moon'; known: process, kubernetes", id="unknown kind"
        ),
        pytest.param("    state: ../state\n", "", 2, "plane 'laptop': state is missing", id="missing key"),
        pytest.param("4Gi", "4GB", 13, "plane 'laptop': '4GB' is not an amount of memory", id="bad quantity"),
        pytest.param(
            "memory_growth: 1.5",
            "memory_growth: 1",
            14,
            "memory_growth is 1; allowed: a number above 1 to 8",
            id="no growth",
        ),
        pytest.param(
            "memory_growth: 1.5",
            "memory_growth: .nan",
            14,
            "memory_growth is nan; allowed: a number above 1 to 8",
            id="growth that is no number",
        ),
        *(
            pytest.param(
                "retention: 30d",
                f"retention: {text}",
                15,
                f"plane 'laptop': {text!r} is no number of days, such as 90d, and not forever",
                id=f"a retention of {text}",
            )
            for text in ("0d", "12h", "90 d", "-1d", "never", "1000000d")
        ),
        pytest.param("allow_http: true", "allow_http: 7", 10, "storage.allow_http is 7; allowed: true or false", id="type"),
        pytest.param(
            "user: ${USER_NAME}", "user: 5", 5, "a value of variables is not allowed; allowed: text", id="a number as text"
        ),
        pytest.param(
            "[AWS_ACCESS_KEY_ID]",
            "AWS_ACCESS_KEY_ID",
            11,
            "environment_from is 'AWS_ACCESS_KEY_ID'; allowed: a list",
            id="text as a list",
        ),
        pytest.param(
            "endpoint_url:", "endpont:", 9, "unknown key 'endpont'; did you mean 'endpoint_url'?", id="a nested slip"
        ),
        pytest.param("    kind: process", "   kind: process", 4, "not valid YAML:", id="wrong indentation"),
        pytest.param("planes:\n", "planes:\n\tx:\n", 2, "cannot start any token", id="a tab"),
        pytest.param("planes:\n", "plane:\n", 1, "the file must be a mapping with one key, planes", id="another key"),
        pytest.param("  bucket: {", "  bucket: [", 16, "not valid YAML:", id="brackets that do not match"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, phrase: str) -> None:
    assert old in GOOD
    with pytest.raises(PolarpodError) as caught:
        load(GOOD.replace(old, new, 1), tmp_path)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.summary == "the planes file is wrong"
    (evidence,) = caught.value.verdict.evidence
    assert evidence.startswith(f"{tmp_path}/planes.yaml:{line}: ")
    assert phrase in evidence
    assert caught.value.verdict.remedy == "Correct that line."


def test_an_unset_variable_is_the_business_of_the_plane_that_needs_it(tmp_path: Path) -> None:
    planes = load(GOOD.replace("${USER_NAME}", "${NOBODY}"), tmp_path)
    assert choose_plane(planes, "bucket", source="planes.yaml").state == "s3://state/x"
    with pytest.raises(PolarpodError) as caught:
        choose_plane(planes, "laptop", source="planes.yaml")
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.evidence == [
        f"{tmp_path}/planes.yaml:2: plane 'laptop': ${{NOBODY}} is not set, and has no default (${{NOBODY:-...}})"
    ]
    with pytest.raises(PolarpodError) as caught:
        choose_plane(planes, "laptob", source="planes.yaml")
    assert caught.value.verdict.evidence == ["planes.yaml has: bucket, laptop"]
    assert caught.value.verdict.remedy == "Did you mean 'laptop'?"


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=text or "empty") for text in ("", "planes:", "planes: []", "5", "[]")]
)
def test_a_file_that_holds_no_planes_says_what_it_must_be(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolarpodError, match="must be a mapping with one key, planes"):
        load(text, tmp_path)


@pytest.mark.parametrize("name", [pytest.param("absent.yaml", id="absent"), pytest.param(".", id="a folder")])
def test_a_file_that_cannot_be_read_says_how_to_name_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolarpodError, match="the planes file cannot be read") as caught:
        load_planes(tmp_path / name)
    assert "$POLARPOD_PLANES" in caught.value.verdict.remedy


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("laptob", "Did you mean 'laptop'?", id="a slip"),
        pytest.param("fargate", "Name one of these, or add it to the file.", id="no idea"),
    ],
)
def test_an_unknown_plane_is_refused_with_those_there_are(tmp_path: Path, name: str, remedy: str) -> None:
    planes = load(GOOD, tmp_path)
    with pytest.raises(PolarpodError, match=f"there is no plane '{name}'") as caught:
        choose_plane(planes, name, source="planes.yaml")
    assert caught.value.verdict.evidence == ["planes.yaml has: laptop, bucket"]
    assert caught.value.verdict.remedy == remedy
    assert choose_plane(planes, "laptop", source="planes.yaml") is planes["laptop"]


@pytest.mark.parametrize("amount", ["-5", "0", "1:30", "100Mi"], ids=["negative", "nothing", "base sixty", "too little"])
def test_a_plane_that_could_run_no_worker_is_refused_with_its_line(tmp_path: Path, amount: str) -> None:
    path = tmp_path / "planes.yaml"
    path.write_text(f"planes:\n  small:\n    state: s\n    max_memory: {amount}\n")
    with pytest.raises(PolarpodError, match=r"planes\.yaml:4: plane 'small'"):
        load_planes(path)


def test_a_planes_own_places_are_absolute_wherever_the_file_is_read_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "planes.yaml"
    path.write_text(
        "planes:\n  here: {state: state, scratch: spill}\n  above: {root: .., state: a/../state, scratch: /spill}\n"
    )
    monkeypatch.chdir(tmp_path)
    planes = load_planes(Path("planes.yaml"))
    assert planes == {
        "here": ProcessPlane(root=str(tmp_path), state=f"{tmp_path}/state", scratch=f"{tmp_path}/spill"),
        "above": ProcessPlane(root=str(tmp_path.parent), state=f"{tmp_path.parent}/state", scratch="/spill"),
    }


@pytest.mark.parametrize("key", ["state", "root", "scratch"])
def test_a_tilde_is_refused_since_only_shells_know_it(tmp_path: Path, key: str) -> None:
    text = f"planes:\n  here:\n    {key}: ~/x\n" + ("" if key == "state" else "    state: s\n")
    with pytest.raises(PolarpodError, match=r"planes\.yaml:2: plane 'here': '~/x' begins with ~"):
        load(text, tmp_path)
