"""How long a pod that has not started is waited for, reason by reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.launch.kubernetes.pods import NAMES, document, status_of

from polarpod.contract.verdict import Category
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.scheduling import in_queue
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import is_abandoned, patience, wants_events

TIMEOUT = 600
CREATED = "2026-11-21T12:00:00Z"


def at(name: str, seconds: float) -> Status:
    """A fixture, so many seconds after it got its node, or was created."""
    return status_of(name)._replace(seconds=seconds)


@pytest.mark.parametrize(
    ("name", "last_patient", "first_impatient", "category"),
    [
        pytest.param("image_name_invalid", None, 1, Category.IMAGE_UNUSABLE, id="no name of an image"),
        pytest.param("image_never_pulled", None, 1, Category.IMAGE_UNUSABLE, id="never pulled"),
        pytest.param(
            "init_image_never_pulled", None, 1, Category.IMAGE_UNUSABLE, id="an init container's image never pulled"
        ),
        pytest.param("too_big_for_every_node", 19, 21, Category.RESOURCES_IMPOSSIBLE, id="too big for every node"),
        pytest.param("autoscaler_declines", 19, 21, Category.RESOURCES_IMPOSSIBLE, id="too big for the autoscaler as well"),
        pytest.param("secret_missing", 28, 33, Category.CONFIGURATION_MISSING, id="a Secret that may be on its way"),
        pytest.param("mount_failed", 28, 33, Category.CONFIGURATION_MISSING, id="a volume's Secret likewise"),
        pytest.param("image_pull_404", 28, 33, Category.IMAGE_UNUSABLE, id="no such image, as yet"),
        pytest.param("image_pull_401", 28, 33, Category.IMAGE_UNUSABLE, id="no right to pull, as yet"),
        pytest.param("image_runs_as_root", 28, 33, Category.IMAGE_UNUSABLE, id="an image that runs as root"),
        pytest.param("no_memory_to_start", None, 5, Category.OUT_OF_MEMORY, id="no memory to start"),
        pytest.param("image_pull_429", 598, 603, Category.IMAGE_PULL_FAILED, id="a registry's rate limit"),
        pytest.param("image_pull_503", 598, 603, Category.IMAGE_PULL_FAILED, id="a registry that is down"),
        pytest.param("image_pull_connection_refused", 598, 603, Category.IMAGE_PULL_FAILED, id="no way to the registry"),
        pytest.param("node_full", 598, 603, Category.UNSCHEDULABLE, id="no room"),
        pytest.param("no_node_selected", 598, 603, Category.UNSCHEDULABLE, id="no node with these labels"),
        pytest.param(
            "small_nodes_and_a_cordoned_one", 598, 603, Category.UNSCHEDULABLE, id="a cordoned node may be big enough"
        ),
        pytest.param("sandbox_without_an_address", 598, 603, Category.NOT_STARTED, id="no network address"),
    ],
)
def test_a_pod_that_waits_is_given_up_after(
    name: str, last_patient: float | None, first_impatient: float, category: Category
) -> None:
    if last_patient is not None:
        assert patience(at(name, last_patient), start_timeout_seconds=TIMEOUT) is None
    verdict = patience(at(name, first_impatient), start_timeout_seconds=TIMEOUT)
    assert verdict is not None
    assert verdict.category is category


def test_giving_up_at_the_timeout_says_how_long_it_was() -> None:
    verdict = patience(at("no_node_selected", 601), start_timeout_seconds=TIMEOUT)
    assert verdict is not None
    assert verdict.evidence[0] == "waited 601 s, with `start_timeout_seconds` at 600"


def test_a_timeout_shorter_than_a_grace_comes_first() -> None:
    assert patience(at("secret_missing", 12), start_timeout_seconds=10) is not None


def test_an_init_container_that_failed_for_good_is_not_waited_for() -> None:
    status = at("init_failed", 2)
    assert status.pod is not None
    # the moment before the kubelet sums it up
    pod = {**status.pod, "status": {**status.pod["status"], "phase": "Pending"}}
    verdict = patience(status._replace(pod=pod), start_timeout_seconds=TIMEOUT)
    assert verdict is not None
    assert verdict.summary.startswith("init container fetch-certificates failed")


def test_a_sidecar_that_starts_again_is_no_failed_init_container() -> None:
    state = {"terminated": {"exitCode": 1, "reason": "Error"}}
    pod = {
        "metadata": {"creationTimestamp": CREATED},
        "spec": {"nodeName": "node-1", "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]},
        "status": {"phase": "Pending", "initContainerStatuses": [{"name": "proxy", "state": state}]},
    }
    assert patience(Status(pod=pod, seconds=60), start_timeout_seconds=TIMEOUT) is None


def test_in_a_queue_the_clock_stands_still() -> None:
    status = at("scheduling_gated", 86_400)
    assert in_queue(status)
    assert patience(status, start_timeout_seconds=TIMEOUT) is None
    assert not wants_events(status)


def test_time_in_a_queue_does_not_count_afterwards() -> None:
    status = at("no_node_selected", 86_400)
    assert patience(status, start_timeout_seconds=TIMEOUT, queued_seconds=86_000) is None
    assert patience(status, start_timeout_seconds=TIMEOUT, queued_seconds=85_000) is not None


def pulled_late(seconds: float) -> Status:
    """A pod that got its node after five minutes, and has not got its image there."""
    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-21T12:05:00Z"}
    waiting = {"reason": "ErrImagePull", "message": 'failed to resolve reference "job:1": job:1: not found'}
    pod = {
        "metadata": {"creationTimestamp": CREATED},
        "spec": {"nodeName": "node-1"},
        "status": {
            "phase": "Pending",
            "conditions": [bound],
            "containerStatuses": [{"name": "worker", "image": "job:1", "state": {"waiting": waiting}}],
        },
    }
    return Status(pod=pod, seconds=seconds)


def test_a_grace_counts_from_when_the_pod_got_its_node() -> None:
    assert patience(pulled_late(300 + 29), start_timeout_seconds=TIMEOUT) is None
    assert patience(pulled_late(300 + 31), start_timeout_seconds=TIMEOUT) is not None


@pytest.mark.parametrize("name", ["autoscaler_brings_a_node", "karpenter_brings_a_node"])
def test_while_an_autoscaler_brings_a_node_it_is_waited_for(name: str) -> None:
    # it answered 12 s after the pod was made
    assert patience(at(name, 611), start_timeout_seconds=TIMEOUT) is None
    verdict = patience(at(name, 613), start_timeout_seconds=TIMEOUT)
    assert verdict is not None
    assert verdict.summary == "a node for the pod is on its way"


def test_an_autoscaler_that_tries_for_ever_is_not_waited_for_for_ever() -> None:
    status = at("karpenter_brings_a_node", 700)
    again = {**status.events[-1], "firstTimestamp": "2026-11-21T12:11:00Z"}
    assert patience(status._replace(events=[*status.events, again]), start_timeout_seconds=TIMEOUT) is not None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("running", id="runs"),
        pytest.param("oom_killed", id="has ended"),
        pytest.param("deleted_while_pending", id="is gone"),
        pytest.param("refused_pod_security", id="was never made"),
        pytest.param("init_failed", id="has failed"),
        pytest.param("node_unreachable", id="is being deleted"),
    ],
)
def test_a_pod_that_does_not_wait_is_none_of_its_business(name: str) -> None:
    assert patience(at(name, 10**6), start_timeout_seconds=1) is None
    assert not wants_events(at(name, 10**6))


@pytest.mark.parametrize(
    ("name", "seconds", "wanted"),
    [
        pytest.param("mount_failed", 4, False, id="not at once"),
        pytest.param("mount_failed", 6, True, id="a container that is created for long"),
        pytest.param("node_full", 6, True, id="a pod without a node: is one coming?"),
        pytest.param("image_pull_explained_by_events", 6, True, id="a pull that the pod does not explain"),
        pytest.param("image_pull_404", 6, False, id="a pull that the pod explains"),
        pytest.param("image_pull_connection_refused", 6, False, id="a pull that the pod explains while it backs off"),
        pytest.param("secret_missing", 6, False, id="a container that says what it lacks"),
    ],
)
def test_events_are_asked_for_only_where_they_tell_more(name: str, seconds: float, wanted: bool) -> None:
    status = at(name, seconds)._replace(events=())
    assert wants_events(status) is wanted


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in NAMES if document(name)["pod"]])
def test_within_a_second_nothing_is_given_up_that_could_come(name: str) -> None:
    verdict = patience(at(name, 1), start_timeout_seconds=TIMEOUT)
    hopeless = (Category.IMAGE_UNUSABLE, Category.OUT_OF_MEMORY)
    assert verdict is None or verdict.category in hopeless or verdict.summary.startswith("init container")


RUNS = {"startTime": "2026-11-21T12:01:00Z", "phase": "Running"}
OF_AN_HOUR = {"activeDeadlineSeconds": 3600, "terminationGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    ("pod", "last"),
    [
        pytest.param({"spec": OF_AN_HOUR, "status": RUNS}, 60 + 3600 + 30 + 120, id="after deadline and grace period"),
        pytest.param(
            {"metadata": {"deletionTimestamp": "2026-11-21T12:05:00Z"}, "spec": OF_AN_HOUR, "status": RUNS},
            300 + 120,
            id="after the grace period of its deletion",
        ),
        pytest.param(
            {"metadata": {"deletionTimestamp": "2026-11-21T12:05:00Z"}, "status": {"phase": "Pending"}},
            300 + 120,
            id="deleted before it started",
        ),
    ],
)
def test_a_pod_is_abandoned_two_minutes_after_it_should_have_ended(pod: dict[str, Any], last: int) -> None:
    pod = {**pod, "metadata": {"creationTimestamp": CREATED, **pod.get("metadata", {})}}
    assert not is_abandoned(Status(pod=pod, seconds=last))
    assert is_abandoned(Status(pod=pod, seconds=last + 1))
    assert not is_abandoned(Status(pod=pod, seconds=last + 1, gone=True)), "what is over is over"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(None, id="never seen"),
        pytest.param({}, id="nothing known"),
        pytest.param({"spec": OF_AN_HOUR, "status": {"phase": "Pending"}}, id="not started"),
        pytest.param({"spec": {}, "status": RUNS}, id="without a deadline"),
    ],
)
def test_a_pod_that_may_still_go_on_is_never_abandoned(pod: dict[str, Any] | None) -> None:
    assert not is_abandoned(Status(pod=pod, seconds=10**9))


def test_a_pod_of_which_nothing_is_known_yet_is_waited_for() -> None:
    nothing: dict[str, Any] = {}
    assert patience(Status(pod=nothing, seconds=1), start_timeout_seconds=TIMEOUT) is None
    assert patience(Status(pod=nothing, seconds=601), start_timeout_seconds=TIMEOUT) is not None
