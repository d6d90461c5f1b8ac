"""What became of a pod, without a receipt: every recording and every construction, one row each.

The recordings are made by tests/cluster/test_recorded_endings.py. A fixture's `source` says where its words come from.
"""

from __future__ import annotations

import pytest
from tests.launch.kubernetes.pods import NAMES, document, verdict_on

from polarpod.contract.verdict import Category

ENDINGS = {
    Category.RECEIPT_MISSING: [("exit_0", "the worker ended well but left no receipt")],
    Category.CHECKS_FAILED: [("exit_24", "ended with exit code 24 (checks_failed) before it could write a receipt")],
    Category.WORKER_LOST: [
        ("exit_1", "ended with exit code 1"),
        ("running", "nothing tells how the worker ended"),
        ("deleted_sigterm", "its pod was deleted from outside"),
        ("deleted_sigkill", "its pod was deleted from outside"),
        ("deleted_by_force", "its pod was deleted from outside, while its worker ran"),
        ("deleted_while_pending", "its pod was deleted from outside, before its worker started"),
        ("deleted_while_creating", "its pod was deleted from outside, before its worker started"),
        ("deleted_while_creating_and_failed", "its pod was deleted from outside"),
        ("deleted_while_creating_still_there", "its pod was deleted from outside"),
        ("deleted_while_starting", "its pod was deleted from outside, before its worker started"),
        ("deleted_while_initialising", "its pod was deleted from outside"),
        ("deleted_while_an_init_container_ran", "its pod was deleted from outside, before its worker started"),
    ],
    Category.OUT_OF_MEMORY: [
        ("oom_killed", "the worker needed more than its 100 MiB of memory"),
        ("oom_killed_child", "the worker needed more than its 100 MiB of memory"),
        ("oom_killed_child_unnoticed", "the worker needed more than its 100 MiB of memory"),
        ("no_memory_to_start", "the memory limit is too low even to start a process"),
    ],
    Category.DEADLINE_EXCEEDED: [("deadline", "the run did not end before its deadline")],
    Category.DISK_FULL: [
        ("evicted_spill", "the worker wrote more to disk than it may"),
        ("evicted_ephemeral_storage", "the worker wrote more to disk than it may"),
    ],
    Category.EVICTED: [
        ("drained", "it was evicted, as when a node is drained"),
        ("preempted", "a pod of higher priority took its place"),
        ("kubelet_preempted", "a more important pod took its place on the node"),
        ("kueue_preempted", "the cluster wanted its place"),
        ("node_pressure_disk", "its node ran short, and evicted the pod"),
        ("node_shut_down", "its node was shut down"),
    ],
    Category.NODE_LOST: [
        ("node_unreachable", "its node was no longer ready or reachable"),
        ("node_gone", "its node is gone"),
        ("node_lost", "the worker's node was lost"),
        ("phase_unknown", "the worker's node was lost"),
        ("container_status_unknown", "the worker's node was lost, or lost sight of the worker"),
        ("container_lost_by_containerd", "the worker's node was lost, or lost sight of the worker"),
    ],
    Category.NOT_STARTED: [
        ("deadline_before_start", "the pod's deadline passed before its worker started"),
        ("init_failed", "init container fetch-certificates failed, so the worker never started"),
        ("sandbox_without_an_address", "the node could not set up the pod's network or its sandbox"),
        ("refused_name_taken", "there is a pod of this name already"),
    ],
    Category.IMAGE_UNUSABLE: [
        ("image_never_pulled", "image none:1 is not on the node, and may not be pulled"),
        ("init_image_never_pulled", "image none:1 is not on the node, and may not be pulled"),
        ("image_name_invalid", "NONE:::1 is not the name of an image"),
        ("image_runs_as_root", "runs as root, which its pod may not"),
        ("no_such_command", "the image does not have the worker's command"),
        ("image_pull_401", "the registry does not hand out image"),
        ("image_pull_403", "the registry does not hand out image"),
        ("image_pull_404", "the registry does not hand out image"),
        ("image_pull_explained_by_events", "the registry does not hand out image registry.example.com/etl/job:1"),
        ("image_pull_with_credentials", "the registry does not hand out image"),
        ("image_called_timeout", "the registry does not hand out image etl/timeout-503:1"),
    ],
    Category.IMAGE_PULL_FAILED: [
        ("image_pull_429", "could not be pulled"),
        ("image_pull_503", "could not be pulled"),
        ("image_pull_connection_refused", "could not be pulled"),
    ],
    Category.CONFIGURATION_MISSING: [
        ("secret_missing", "secret lake-credentials does not exist in the plane's namespace"),
        ("config_map_missing", "configmap settings does not exist"),
        ("config_map_key_missing", "configmap kube-root-ca.crt has no key region"),
        ("mount_failed", "secret lake-credentials does not exist"),
        ("mount_failed_for_a_key", "a config of the pod's volumes has no key region"),
        ("claim_missing", "persistent volume claim cache does not exist"),
        ("refused_service_account_missing", "service account etl does not exist"),
        ("refused_priority_class_missing", "priority class batch does not exist"),
        ("refused_runtime_class_missing", "runtime class gvisor does not exist"),
        ("refused_namespace_missing", "namespace nowhere does not exist"),
        ("refused_namespace_terminating", "namespace endings is being deleted"),
    ],
    Category.RESOURCES_IMPOSSIBLE: [
        ("too_big_for_every_node", "no node of the cluster has this much memory, not even an empty one"),
        ("too_big_by_its_devices", "no node of the cluster has this much polarpod.dev/seats"),
        ("too_big_beside_a_control_plane", "no node of the cluster has this much cpu, memory"),
        ("autoscaler_declines", "no node of the cluster has this much memory"),
        ("refused_quota_too_small", "the pod alone asks for more requests.memory than quota team has"),
        ("refused_limit_range_maximum", "has 32Mi as maximum memory of a container"),
    ],
    Category.UNSCHEDULABLE: [
        ("node_full", "no node can take the pod now"),
        ("no_node_selected", "no node can take the pod now"),
        ("no_room_before_kubernetes_1_34", "no node can take the pod now"),
        ("small_nodes_and_a_full_one", "no node can take the pod now"),
        ("small_nodes_and_a_cordoned_one", "no node can take the pod now"),
        ("small_nodes_and_one_not_ready", "no node can take the pod now"),
        ("autoscaler_brings_a_node", "a node for the pod is on its way"),
        ("karpenter_brings_a_node", "a node for the pod is on its way"),
        ("scheduling_gated", "the pod waits in its queue"),
        ("node_did_not_admit", "the node did not take the pod after all (OutOfmemory)"),
    ],
    Category.QUOTA_EXCEEDED: [("refused_quota_used_up", "quota team of the namespace is used up")],
    Category.WORKER_REFUSED: [
        ("refused_pod_security", "violates the namespace's Pod Security level restricted:latest"),
        ("refused_quota_wants_requests", "quota team wants every container to state limits.cpu"),
        ("refused_limit_range_minimum", "has 1Gi as minimum memory of a container"),
        ("refused_admission_policy", "refused the pod"),
        ("refused_by_a_webhook", "admission webhook validate.kyverno.svc-fail refused the pod"),
    ],
    Category.PLANE_DENIED: [
        ("refused_no_right", "system:serviceaccount:etl:launcher may not create pods"),
        ("refused_no_identity", "the cluster does not let the launcher create pods"),
        ("refused_by_a_proxy", "the cluster does not let the launcher create pods"),
        ("refused_role_missing", "system:serviceaccount:etl:launcher may not create pods"),
    ],
    Category.REQUEST_INVALID: [
        ("refused_name_invalid", "the cluster does not accept this pod as a pod"),
        ("refused_quantity_invalid", "the cluster does not accept this pod as a pod"),
    ],
    Category.PLANE_UNREACHABLE: [
        ("refused_webhook_down", "of the cluster does not answer"),
        ("refused_too_many_requests", "could not take the pod now"),
        ("refused_etcd_timeout", "could not take the pod now"),
        ("refused_while_starting_without_roles", "the cluster's API server has just started"),
        ("refused_while_starting_without_caches", "the cluster's API server has just started"),
    ],
}

# Other projects' bugs: what a person saw there -> what is said here. Their address is the test's id.
BUGS = {
    # a run that stays "running" for ever, or fails without a name
    "bug_oom_never_seen": Category.OUT_OF_MEMORY,
    "bug_oom_while_a_sidecar_runs": Category.OUT_OF_MEMORY,
    "bug_oom_in_a_subprocess": Category.OUT_OF_MEMORY,
    "bug_oom_reason_not_in_the_pod": Category.OUT_OF_MEMORY,
    "bug_oom_hidden_by_a_404": Category.OUT_OF_MEMORY,
    "bug_oom_of_an_init_container": Category.NOT_STARTED,
    "bug_oom_of_an_init_container_with_exit_code_0": Category.NOT_STARTED,
    "bug_evicted_and_still_running": Category.EVICTED,
    "bug_evicted_through_the_api": Category.EVICTED,
    "bug_evicted_and_dangling": Category.EVICTED,
    "bug_node_out_of_memory": Category.EVICTED,
    "bug_spot_node_taken_back": Category.EVICTED,
    "bug_waiting_for_a_deleted_pod": Category.WORKER_LOST,
    "bug_node_overcommitted": Category.UNSCHEDULABLE,
    # a kill that was taken for a lack of memory
    "bug_137_is_not_oom": Category.WORKER_LOST,
    "bug_137_with_an_empty_message": Category.WORKER_LOST,
    "bug_137_and_message_null": Category.WORKER_LOST,
    "bug_137_before_its_reason": Category.WORKER_LOST,
    # a success that was none
    "bug_oom_with_exit_code_0": Category.OUT_OF_MEMORY,
    "bug_succeeded_on_a_lost_spot_node": Category.RECEIPT_MISSING,
    "bug_succeeded_with_a_full_disk": Category.RECEIPT_MISSING,
    "bug_success_of_a_pod_that_is_gone": Category.WORKER_LOST,
    "bug_success_of_a_pod_that_was_killed": Category.INTERRUPTED,
    "bug_failed_while_called_running": Category.WORKER_LOST,
    # an image that is gone from its registry, waited for during 19 days
    "bug_image_delisted": Category.IMAGE_UNUSABLE,
    # a full quota that was taken for a failure of the task
    "bug_quota_fails_the_task": Category.QUOTA_EXCEEDED,
    "bug_quota_wants_a_sidecars_requests": Category.WORKER_REFUSED,
    "bug_quota_conflict": Category.PLANE_UNREACHABLE,
}


@pytest.mark.parametrize(
    ("name", "category", "says"),
    [pytest.param(name, category, says, id=name) for category, rows in ENDINGS.items() for name, says in rows],
)
def test_the_verdict_is(name: str, category: Category, says: str) -> None:
    verdict = verdict_on(name)
    assert verdict.category is category
    assert says in verdict.summary
    assert verdict.evidence
    assert verdict.remedy


@pytest.mark.parametrize(
    ("name", "category"),
    [
        pytest.param(name, category, id=address)
        for name, category in BUGS.items()
        for address in [document(name)["source"], *document(name).get("also", [])]
    ],
)
def test_what_went_wrong_elsewhere_is_told_here(name: str, category: Category) -> None:
    verdict = verdict_on(name)
    assert verdict.category is category, verdict.text()
    assert verdict.evidence
    assert verdict.remedy


def test_every_fixture_has_its_row() -> None:
    assert sorted([name for rows in ENDINGS.values() for name, _ in rows] + list(BUGS)) == NAMES


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in NAMES])
def test_a_fixture_says_where_its_words_come_from_and_no_success(name: str) -> None:
    assert document(name)["source"].startswith(("recorded on kind", "constructed", "https://"))
    verdict = verdict_on(name)
    assert not verdict.succeeded
    assert "\n" not in verdict.summary + "".join(verdict.evidence)
