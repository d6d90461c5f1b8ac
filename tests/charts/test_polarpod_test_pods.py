"""What the pods of `helm test` run, without a cluster: the scripts in charts/polarpod/files."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from tests.charts.helm import CHARTS

from polarpod.launch.planes.kubernetes.permissions import RIGHTS

FILES = CHARTS / "polarpod" / "files"
SERVER = "10.96.0.1:443"


def script(name: str) -> ModuleType:
    made = ModuleType(name)
    exec(compile((FILES / f"{name}.py").read_text(), f"{name}.py", "exec"), made.__dict__)
    return made


@pytest.fixture
def egress() -> Any:
    return script("egress")


@pytest.fixture
def forbidden() -> Any:
    return script("forbidden")


@pytest.fixture
def listener() -> Iterator[str]:
    """host:port of something that listens."""
    # its queue is long enough for whoever connects here
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("enforced", "listening", "allowed", "metadata", "code", "words"),
    [
        pytest.param("auto", {SERVER: False}, [], False, 0, f"ok: a worker does not reach {SERVER}.", id="closed"),
        pytest.param("true", {SERVER: False}, [SERVER], False, 0, "ok: ", id="closed although it is allowed"),
        pytest.param("auto", {SERVER: True}, [], False, 0, "WARNING: this cluster's network does not enforce", id="auto"),
        pytest.param("false", {SERVER: True}, [], False, 0, "WARNING: this cluster's network does not enforce", id="false"),
        pytest.param("true", {SERVER: True}, [], False, 1, "FAILED: this cluster's network does not enforce", id="true"),
        pytest.param("auto", {SERVER: True}, [SERVER], False, 0, "WARNING: all that was tried is allowed", id="unproved"),
        pytest.param("true", {SERVER: True}, [SERVER], False, 1, "so that nothing is proved", id="unproved, and asked for"),
        pytest.param("auto", {SERVER: False}, [], True, 1, "and still a worker reaches 169.254.169.254:80", id="metadata"),
        pytest.param("false", {SERVER: False, "a:1": True}, [], False, 1, "and still a worker reaches a:1", id="a hole"),
        pytest.param("auto", {SERVER: True}, [SERVER], True, 0, "a worker reaches 169.254.169.254:80", id="metadata alone"),
    ],
)
def test_what_is_open_is_judged_by_what_the_network_promises(
    egress: Any, enforced: str, listening: dict[str, bool], allowed: list[str], metadata: bool, code: int, words: str
) -> None:
    answer, told = egress.judge(enforced, listening, allowed, metadata)
    assert words in told
    assert answer == code
    assert told.startswith({0: ("ok", "WARNING"), 1: "FAILED"}[code])


def test_what_listens_is_open_and_what_does_not_is_closed(egress: Any, listener: str) -> None:
    assert egress.connects(listener)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not egress.connects(f"127.0.0.1:{port}")


def test_an_address_without_brackets_is_one_as_well(egress: Any) -> None:
    # KUBERNETES_SERVICE_HOST has none on a cluster of IPv6
    assert egress.connects("::1:1") is False


def test_a_network_gets_time_to_close_what_a_new_pod_still_reaches(egress: Any) -> None:
    answers = iter([True, True, False])
    egress.connects = lambda target: next(answers)
    egress.time = type("Clock", (), {"monotonic": staticmethod(lambda: 0.0), "sleep": staticmethod(lambda _: None)})
    assert egress.stays_open("a:1") is False
    egress.connects = lambda target: True
    assert egress.stays_open("a:1", patience=-1) is True


def test_a_name_that_nobody_knows_proves_nothing(egress: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(target: str) -> bool:
        raise socket.gaierror(-2, "Name or service not known")

    egress.connects = unknown
    assert egress.main({"CLOSED": "nowhere.invalid:443", "ALLOWED": "", "ENFORCED": "auto"}) == 1
    assert "nowhere.invalid:443 cannot be resolved" in capsys.readouterr().out


def test_the_egress_test_tells_all_it_tried(egress: Any, capsys: pytest.CaptureFixture[str]) -> None:
    egress.stays_open = lambda target: target == "a:1"
    assert egress.main({"CLOSED": "a:1 b:2", "ALLOWED": "", "ENFORCED": "auto"}) == 1
    out = capsys.readouterr().out
    assert "open   a:1\nclosed b:2\nclosed 169.254.169.254:80\n" in out


def test_nothing_is_forbidden_that_a_launcher_needs(forbidden: Any) -> None:
    needed = {(right.verb, right.resource, right.subresource) for right in RIGHTS}
    assert needed & set(forbidden.HERE) == set()
    assert {("create", "pods", "exec"), ("get", "secrets", ""), ("list", "secrets", "")} <= set(forbidden.HERE)
    assert ("deletecollection", "pods", "") in forbidden.HERE


def test_a_launcher_that_may_do_no_more_passes(forbidden: Any, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def ask(*question: str) -> bool:
        asked.append(question)
        return False

    assert forbidden.main(ask, "etl", ["default", "etl"]) == 0
    assert ("etl", "create", "pods", "exec") in asked
    assert ("default", "create", "pods", "") in asked
    assert ("", "create", "pods", "") in asked, "every namespace"
    assert ("etl", "create", "pods", "") not in asked, "it may, in its own"
    assert f"all well: {len(asked)} asked, none allowed" in capsys.readouterr().out


def test_a_right_too_many_is_named(forbidden: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert forbidden.main(lambda *one: one == ("etl", "get", "secrets", ""), "etl", []) == 1
    out = capsys.readouterr().out
    assert "FAILED  may get secrets in namespace etl\n" in out
    assert "1 of 18 should not be allowed" in out
    assert "take the account, or a group it is in, out of the binding" in out


@pytest.mark.parametrize("name", [pytest.param("egress", id="egress"), pytest.param("forbidden", id="forbidden")])
def test_a_script_runs_as_the_pod_runs_it_and_holds_nothing_that_kubernetes_would_replace(name: str) -> None:
    text = (FILES / f"{name}.py").read_text()
    assert "$(" not in text
    assert "{{" not in text
    done = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, check=False, env={})
    assert "KeyError" in done.stderr or "ConfigException" in done.stderr, "as far as its environment takes it"
