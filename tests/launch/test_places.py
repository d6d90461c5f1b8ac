"""Every place of a planned job is absolute, or the plan is refused: a worker starts in a directory that goes with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from polarpod import Csv, Delta, Parquet
from polarpod.contract.context import Storage
from polarpod.contract.job import CheckSpec, JobSpec
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.storage_paths import with_places
from polarpod.store.listing import list_input

HERE = ProcessPlane(state="/state", root="/project")
PODS = KubernetesPlane(state="s3://state", root="/project", namespace="etl", image="jobs")
MOUNTED = KubernetesPlane(state="s3://state", root="/project", namespace="etl", image="jobs", template="pod.yaml")


def job(place: str = "s3://lake/in", output: str = "s3://lake/out", quarantine: str | None = None) -> JobSpec:
    return JobSpec(
        name="sales",
        module="sales",
        function="sales",
        inputs={"orders": Csv(place)},
        output=Delta(output, append=True),
        checks=CheckSpec(schema="Rules", policy="quarantine", quarantine=quarantine) if quarantine else None,
    )


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param("data/x.csv", "/project/data/x.csv", id="relative"),
        pytest.param("./data/../x[1]?.csv", "/project/x[1]?.csv", id="with dots and globs"),
        pytest.param("../lake/*.csv", "/lake/*.csv", id="above"),
        pytest.param("/srv/../lake", "/srv/../lake", id="absolute"),
        pytest.param("file:///srv/a%20b", "file:///srv/a%20b", id="a file URI"),
        pytest.param("s3://lake/./x", "s3://lake/./x", id="S3"),
    ],
)
def test_a_relative_place_is_relative_to_the_planes_root_and_others_stay(place: str, expected: str) -> None:
    placed = with_places(job(place, place, place), HERE)
    assert placed.inputs["orders"].uri == placed.output.uri == expected
    assert placed.checks
    assert placed.checks.quarantine == expected


def test_the_name_of_a_folder_above_is_no_glob_of_a_job(tmp_path: Path) -> None:
    root = tmp_path / "v[1]*?"
    root.mkdir()
    (root / "step[1].csv").write_text("a\n1\n")
    (root / "step1.csv").write_text("a\n2\n")
    plane = ProcessPlane(state="/state", root=str(root))
    for place, names in (
        ("step?.csv", ["step1.csv"]),
        ("step[[]1].csv", ["step[1].csv"]),
        (".", ["step1.csv", "step[1].csv"]),
    ):
        placed = with_places(job(place), plane).inputs["orders"]
        found = list_input("orders", placed, Storage())
        assert list(found.files) == [f"{root}/{name}" for name in names]
    spec = job("x", "out[1]")
    table = msgspec.structs.replace(spec, inputs={"orders": Delta("out[1]")})
    assert with_places(table, plane).inputs["orders"].uri == with_places(table, plane).output.uri == f"{root}/out[1]"


def test_without_a_planes_file_the_root_is_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_places(job("data/x.csv"), ProcessPlane(state="s")).inputs["orders"].uri == str(tmp_path / "data/x.csv")


def test_what_is_absolute_already_is_the_same_job() -> None:
    planned = job("/in", "/out", "/bad")
    assert with_places(planned, HERE) == planned


@pytest.mark.parametrize("plane", [pytest.param(HERE, id="process"), pytest.param(MOUNTED, id="kubernetes")])
def test_a_tilde_is_refused_since_only_shells_know_it(plane: Plane) -> None:
    with pytest.raises(PolarpodError, match="begins with ~") as caught:
        with_places(job("~/in.csv"), plane)
    assert "${HOME}" in caught.value.verdict.remedy


@pytest.mark.parametrize(
    ("planned", "what"),
    [
        pytest.param(job("data/x.csv"), "input 'orders' is a relative path", id="relative input"),
        pytest.param(job(output="lake/out"), "the output is a relative path", id="relative output"),
        pytest.param(job(output="/lake/out"), "the output is a local path", id="local output"),
        pytest.param(job(output="file:///lake/out"), "the output is a local path", id="local output as a URI"),
        pytest.param(job(quarantine="/bad"), "the quarantine is a local path", id="local quarantine"),
    ],
)
def test_a_place_that_no_pod_has_is_refused(planned: JobSpec, what: str) -> None:
    with pytest.raises(PolarpodError, match=what) as caught:
        with_places(planned, PODS)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.remedy


@pytest.mark.parametrize("state", ["/state", "file:///state"])
def test_receipts_that_would_go_with_the_pod_are_refused(state: str) -> None:
    plane = KubernetesPlane(state=state, namespace="etl", image="jobs")
    with pytest.raises(PolarpodError, match="the plane's state is a local path"):
        with_places(job(), plane)


def test_a_template_may_mount_what_a_pod_itself_does_not_have() -> None:
    planned = job("/in", "/out", "/bad")
    assert with_places(planned, MOUNTED) == planned
    assert with_places(job("/opt/reference.csv"), PODS).inputs["orders"].uri == "/opt/reference.csv"
    with pytest.raises(PolarpodError, match="relative path"):
        with_places(job(output="out"), MOUNTED)


def test_every_format_has_its_place() -> None:
    planned = JobSpec(name="a", module="a", function="a", inputs={}, output=Parquet("out", replace={}))
    assert with_places(planned, HERE).output == Parquet("/project/out", replace={})


@pytest.mark.parametrize("way", ["the place itself", "a folder above", "a link to nothing", "what makes it a dataset"])
@pytest.mark.parametrize("what", ["the plane's state", "the output", "the quarantine"])
def test_a_file_where_a_folder_should_be_is_the_requests_and_named(what: str, way: str, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    place = taken / "deeper" if way == "a folder above" else taken
    if way == "a link to nothing":
        taken.symlink_to(tmp_path / "gone")
    elif way == "what makes it a dataset":
        if what != "the output":
            pytest.skip("only datasets have one")
        taken.mkdir()
        taken = taken / "_delta_log"
        taken.touch()
    else:
        taken.touch()
    places = {name: str(place if name == what else tmp_path / "well") for name in ("the output", "the quarantine")}
    state = str(place if what == "the plane's state" else tmp_path / "state")
    with pytest.raises(PolarpodError, match=f"^request_invalid: {what} cannot be in {place}") as caught:
        with_places(job(output=places["the output"], quarantine=places["the quarantine"]), ProcessPlane(state=state))
    assert caught.value.verdict.evidence[0].startswith(f"{taken}: a ")


def test_places_that_are_made_by_the_run_are_well(tmp_path: Path) -> None:
    with_places(job(output=str(tmp_path / "not" / "yet"), quarantine=str(tmp_path)), ProcessPlane(state=str(tmp_path / "s")))
