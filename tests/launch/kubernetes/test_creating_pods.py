"""An API server that says no to a new pod: asked again where that is over in a moment, and told at once where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tests.airflow.api_server import NAMESPACE, UID, ApiServer, Cut, Late, No, serve
from tests.launch.kubernetes.attempts import CONTEXT, data_of, plane
from tests.launch.kubernetes.pods import document
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from polarpod.contract import labels
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.api_errors import NoAnswer
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.render.names import pod_name
from polarpod.launch.planes.kubernetes.verdicts.refusals import START_SECONDS
from polarpod.launch.worker import Unobservable, WorkerExit

POOL = urllib3.HTTPConnectionPool("127.0.0.1")


def no(fixture: str) -> No:
    refusal = document(fixture)["refusal"]
    return No(refusal["code"], refusal["message"])


DENIED = no("refused_no_right")
NOT_READY = No(500, "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\nreadyz check failed")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    with serve(tmp_path) as server:
        yield server


def started(
    api: ApiServer, *, pause: Callable[[], object] = lambda: None, stop: bool = False
) -> tuple[Pod | WorkerExit, int]:
    """What came of it, and how often it was waited."""
    paused: list[float] = []

    def wait(seconds: float, stop: Callable[[], bool]) -> None:
        paused.append(seconds)
        pause()

    cluster = connect(plane(kubeconfig=str(api.kubeconfig), namespace=NAMESPACE))
    launcher = PodLauncher(plane(), cluster, pause=wait)
    return launcher.start(CONTEXT, data_of(CONTEXT), Listener(stop=lambda: stop)), len(paused)


@pytest.mark.parametrize(
    ("create", "readyz"),
    [
        pytest.param(no("refused_while_starting_without_roles"), {}, id="it has not read everybody's roles"),
        pytest.param(no("refused_while_starting_without_caches"), {}, id="it has not read what is in the namespace"),
        pytest.param(DENIED, NOT_READY, id="it has read nobody's rights, and says that it is not ready"),
        pytest.param(no("refused_quota_used_up"), {}, id="a quota is full"),
    ],
)
def test_a_refusal_that_passes_is_waited_out(create: No, readyz: Any, api: ApiServer) -> None:
    api.create, api.readyz = [create, create, None], [readyz]
    pod, waited = started(api)
    assert isinstance(pod, Pod)
    assert (waited, len(api.requests["create"])) == (2, 3)


@pytest.mark.parametrize(
    ("create", "readyz", "category"),
    [
        pytest.param(DENIED, {}, Category.PLANE_DENIED, id="no right, of a server that is ready"),
        pytest.param(DENIED, 403, Category.PLANE_DENIED, id="no right, and none to ask whether it is ready"),
        pytest.param(DENIED, 404, Category.PLANE_DENIED, id="no right, by a proxy that knows of no readiness"),
        pytest.param(no("refused_role_missing"), {}, Category.PLANE_DENIED, id="a role of the launcher's is missing"),
        pytest.param(no("refused_pod_security"), NOT_READY, Category.WORKER_REFUSED, id="pod security"),
        pytest.param(no("refused_webhook_down"), {}, Category.PLANE_UNREACHABLE, id="a webhook that is down"),
        pytest.param(
            No(403, 'admission webhook "w" denied the request: not yet ready to handle request'),
            {},
            Category.WORKER_REFUSED,
            id="a webhook with the same words",
        ),
    ],
)
def test_a_refusal_that_stays_is_told_at_once(create: No, readyz: Any, category: Category, api: ApiServer) -> None:
    api.create, api.readyz = [create], [readyz]
    ended, waited = started(api)
    assert isinstance(ended, WorkerExit)
    assert (ended.judge(None).category, waited) == (category, 0)


@pytest.mark.parametrize(
    ("create", "category"),
    [
        pytest.param(DENIED, Category.PLANE_DENIED, id="its words are those of a missing right"),
        pytest.param(
            no("refused_while_starting_without_roles"), Category.PLANE_UNREACHABLE, id="its words are those of a start"
        ),
    ],
)
def test_a_start_that_takes_too_long_is_told(
    create: No, category: Category, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.creation.START_SECONDS", 0)
    api.create, api.readyz = [create], [NOT_READY]
    ended, waited = started(api)
    assert isinstance(ended, WorkerExit)
    assert (ended.judge(None).category, waited) == (category, 0)


# an answer that breaks off: the pod may have been made
CUT = Cut(b'{"kind": "Po')
MADE = {
    "metadata": {"name": pod_name(CONTEXT), "uid": UID, "labels": {labels.ATTEMPT_UID: CONTEXT.attempt.uid}},
    "spec": {"containers": [{"name": "worker"}]},
    "status": {"phase": "Running"},
}
TAKEN = No(409, "there is one already")


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(CUT, id="the answer breaks off"),
        pytest.param(Cut(b"<html>", broken=False), id="something in between answers"),
        pytest.param({"error": "no healthy upstream"}, id="something in between answers in JSON"),
        pytest.param(Cut(b"null", broken=False), id="something in between answers with nothing"),
        pytest.param(Late(), id="no answer comes"),
        pytest.param(No(502, "Bad Gateway"), id="a proxy lost the server"),
        pytest.param(No(503, "upstream connect error or disconnect/reset before headers"), id="a proxy was cut off"),
        pytest.param(No(504, "request did not complete within the allotted timeout"), id="the server gave up"),
        pytest.param(no("refused_etcd_timeout"), id="etcd gave up"),
    ],
)
@pytest.mark.parametrize("then", [pytest.param(None, id="it was not made"), pytest.param(TAKEN, id="it was made")])
def test_a_pod_that_may_be_there_is_asked_for_again_by_its_name(
    lost: Any, then: Any, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.cluster._TIMEOUT", (5, 0.3))
    api.create, api.look = [lost, then], [MADE]
    pod, waited = started(api)
    assert isinstance(pod, Pod)
    assert (pod.uid, waited, len(api.requests["create"])) == (UID, 1, 2)


@pytest.mark.parametrize(
    "lost", [pytest.param(CUT, id="no answer"), pytest.param(No(504, "timeout"), id="the server gave up")]
)
def test_a_pod_that_may_be_there_is_looked_for_before_its_attempt_is_given_up(
    lost: Any, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.creation.START_SECONDS", 0)
    api.create, api.look = [lost], [MADE]
    pod, _ = started(api)
    assert isinstance(pod, Pod)


def test_a_pod_that_is_not_there_is_no_success_of_a_lost_answer(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.creation.START_SECONDS", 0)
    api.create, api.look = [CUT], [404]
    with pytest.raises(PolarpodError, match="cannot be reached") as caught:
        started(api)
    assert not isinstance(caught.value, Unobservable)
    assert caught.value.verdict.category is Category.PLANE_UNREACHABLE


@pytest.mark.parametrize("look", [pytest.param(CUT, id="no answer"), pytest.param(503, id="away")])
def test_an_attempt_whose_pod_nobody_can_look_for_gets_no_verdict(
    look: Any, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.creation.START_SECONDS", 0)
    api.create, api.look = [CUT], [look]
    with pytest.raises(Unobservable):
        started(api)


def test_a_pod_that_somebody_else_has_asked_for_is_the_same_one(api: ApiServer) -> None:
    api.create, api.look = [TAKEN], [MADE]
    pod, waited = started(api)
    assert isinstance(pod, Pod)
    assert (pod.uid, waited) == (UID, 0)


def test_a_pod_that_fills_the_quota_itself_is_not_waited_for(api: ApiServer) -> None:
    api.create, api.look = [CUT, no("refused_quota_used_up")], [MADE]
    pod, _ = started(api)
    assert isinstance(pod, Pod)
    assert len(api.requests["create"]) == 2


def test_an_answer_that_is_lost_after_a_long_queue_is_asked_for_again(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.creation.time.monotonic", lambda: now[0])
    api.create = [no("refused_quota_used_up"), CUT, None]

    def queue() -> None:
        now[0] += START_SECONDS - 1

    pod, waited = started(api, pause=queue)
    assert isinstance(pod, Pod)
    assert waited == 2


@pytest.mark.parametrize(
    "answer", [pytest.param(CUT, id="no answer"), pytest.param(no("refused_quota_used_up"), id="a quota is full")]
)
def test_who_is_asked_to_stop_does_not_ask_again(answer: Any, api: ApiServer) -> None:
    api.create, api.look = [answer], [MADE]
    _, waited = started(api, stop=True)
    assert (waited, len(api.requests["create"])) == (0, 1)


class Timeout(BaseException):
    """What ends a task from within, such as Airflow's execution_timeout."""


def test_a_timeout_in_the_middle_takes_the_pod_away(api: ApiServer) -> None:
    api.create, api.look = [CUT], [MADE]

    def end() -> None:
        raise Timeout

    with pytest.raises(Timeout):
        started(api, pause=end)
    (deleted,) = api.requests["delete"]
    assert deleted["preconditions"] == {"uid": UID}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"users": [{"name": "u", "user": {"token": "ends-in-a-line\n"}}]}, id="a token with an end of line"),
        pytest.param({"users": [{"name": "u", "user": {"token": "\u201cquoted\u201d"}}]}, id="a token with curly quotes"),
        pytest.param({"clusters": [{"name": "c", "cluster": {"server": "htps://here"}}]}, id="no scheme"),
        pytest.param({"clusters": [{"name": "c", "cluster": {"server": "https://"}}]}, id="no host"),
    ],
)
def test_a_configuration_that_no_request_can_be_made_of_is_told_as_one(broken: dict[str, Any], api: ApiServer) -> None:
    document = json.loads(api.kubeconfig.read_text())
    api.kubeconfig.write_text(json.dumps(document | broken))
    with pytest.raises(PolarpodError) as caught:
        started(api)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert "the cluster's configuration cannot be used" in caught.value.verdict.summary
    assert "in-a-line" not in caught.value.verdict.text()
    assert api.requests == {}


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        pytest.param(NewConnectionError(POOL, "refused"), False, id="refused"),
        pytest.param(ConnectTimeoutError(POOL, "timed out"), False, id="never connected"),
        pytest.param(ProxyError("no tunnel", OSError()), False, id="a proxy does not connect"),
        pytest.param(SSLError("CERTIFICATE_VERIFY_FAILED: certificate has expired"), False, id="a certificate"),
        pytest.param(SSLError("sslv3 alert bad record mac"), True, id="TLS breaks in the middle"),
        pytest.param(ReadTimeoutError(POOL, "/", "timed out"), True, id="no answer in time"),
        pytest.param(ProtocolError("Connection aborted.", ConnectionResetError()), True, id="reset"),
    ],
)
@pytest.mark.parametrize("wrapped", [pytest.param(True, id="after retries"), pytest.param(False, id="at once")])
def test_a_request_counts_as_sent_unless_it_certainly_was_not(
    error: HTTPError, sent: bool, wrapped: bool, api: ApiServer
) -> None:
    cluster = connect(plane(kubeconfig=str(api.kubeconfig), namespace=NAMESPACE))

    def fail(*args: Any, **kwargs: Any) -> None:
        raise MaxRetryError(POOL, "/", error) if wrapped else error

    cluster._api.create_namespaced_pod = fail
    with pytest.raises(PolarpodError) as caught:
        cluster.create({})
    assert isinstance(caught.value, NoAnswer) is sent


def test_a_server_that_was_never_reached_made_nothing(api: ApiServer) -> None:
    api.write_kubeconfig(port=9)
    with pytest.raises(PolarpodError, match="cannot be reached") as caught:
        started(api)
    assert not isinstance(caught.value, Unobservable)
