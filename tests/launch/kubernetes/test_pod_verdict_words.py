"""What the main verdicts on pods say, word for word: they are read at three in the morning."""

from __future__ import annotations

from typing import Literal

import pytest
from tests.contract.samples import UID
from tests.launch.kubernetes.pods import LIMIT, status_of, verdict_on

from polarpod.contract.message import Message, encode
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import MORE_MEMORY
from polarpod.launch.planes.kubernetes.status import Refusal, Status
from polarpod.launch.planes.kubernetes.verdicts.diagnose import diagnose

LAST = "last heartbeat: stage, 12,345 rows, 1.5 s, peak 70.0 MiB"


def ended(code: int, *, message: str = "", reason: str = "Error") -> Status:
    end = {"exitCode": code, "reason": reason, "message": message, "startedAt": "2026-11-21T12:00:00Z"}
    return Status(
        pod={"status": {"phase": "Failed", "containerStatuses": [{"name": "worker", "state": {"terminated": end}}]}}
    )


def test_out_of_memory_tells_the_last_peak() -> None:
    verdict = verdict_on("oom_killed")
    assert verdict.summary == "the worker needed more than its 100 MiB of memory"
    assert verdict.evidence == [
        "last measured peak 70.0 MiB",
        "exit code 137 (SIGKILL), reason OOMKilled",
        "no receipt",
        LAST,
    ]
    assert verdict.remedy == MORE_MEMORY


def test_eviction_for_disk_tells_the_limit_and_how_to_raise_it() -> None:
    verdict = verdict_on("evicted_spill")
    assert verdict.summary == "the worker wrote more to disk than it may, and its pod was evicted"
    assert verdict.evidence[0] == 'the pod\'s status: Evicted: Usage of EmptyDir volume "v" exceeds the limit "10Mi".'
    assert verdict.remedy == "Raise `spill` in @job (or of the plane), or give it more `memory` so that it spills less."


def test_the_clusters_deadline_is_told_like_the_supervisors() -> None:
    verdict = verdict_on("deadline")
    assert verdict.summary == "the run did not end before its deadline"
    assert verdict.evidence == [
        "the pod's status: DeadlineExceeded: Pod was active on the node longer than the specified deadline",
        "exit code 137 (SIGKILL), reason Error",
        "no receipt",
        LAST,
    ]
    assert verdict.remedy == "Raise `deadline_seconds` in @job, give it more cpu, or read less in one run."


def test_a_deadline_before_the_start_tells_what_was_missing() -> None:
    evidence = verdict_on("deadline_before_start").evidence
    assert any("connection refused" in line for line in evidence)


def test_too_big_a_pod_tells_the_schedulers_words_and_what_was_asked() -> None:
    verdict = verdict_on("too_big_for_every_node")
    assert verdict.evidence == [
        (
            "the scheduler said: 0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, "
            "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        ),
        "the worker asks for memory 900Gi",
    ]
    assert verdict.remedy == "Ask for less with `memory`, `cpu` or `spill` in @job, or give the cluster bigger nodes."


def test_an_autoscaler_has_its_say() -> None:
    said = "the autoscaler said: pod didn't trigger scale-up: 2 Insufficient memory, 1 max node group size reached"
    assert said in verdict_on("autoscaler_declines").evidence


def test_a_missing_secret_is_named_with_the_keys_that_name_it() -> None:
    verdict = verdict_on("secret_missing")
    assert verdict.summary == "secret lake-credentials does not exist in the plane's namespace"
    assert verdict.evidence == ['the worker: CreateContainerConfigError: secret "lake-credentials" not found']
    assert verdict.remedy == "Create it, or mend `environment_from_secrets` or the `template` of the plane."


def test_a_quota_is_told_with_its_numbers() -> None:
    verdict = verdict_on("refused_quota_too_small")
    assert verdict.summary == "the pod alone asks for more requests.memory than quota team has"
    assert verdict.evidence == [
        "requested: requests.memory=64Mi",
        "used: requests.memory=0",
        "limited: requests.memory=32Mi",
        "HTTP 403 Forbidden",
    ]


def test_a_node_that_is_lost_is_named() -> None:
    verdict = verdict_on("node_lost")
    assert verdict.summary == "the worker's node was lost, or lost sight of the worker"
    assert verdict.evidence[0] == "node node-1"
    assert verdict.remedy == "Run it again. If the worker lives on behind a broken network, it can no longer publish."


def test_an_init_container_is_named_with_its_last_words() -> None:
    verdict = verdict_on("init_failed")
    assert verdict.summary == "init container fetch-certificates failed, so the worker never started"
    assert verdict.evidence == ["fetch-certificates: exit code 3, reason Error", "it said: no route to vault"]


def test_a_kill_near_the_limit_is_no_out_of_memory_but_says_so() -> None:
    near = encode(Message(kind="heartbeat", uid=UID, memory_peak_bytes=97 * MIB)).decode()
    verdict = verdict_on(ended(137, message=near))
    assert verdict.category == "worker_lost"
    assert verdict.summary == "the worker was killed from outside (SIGKILL)"
    assert verdict.evidence[0] == "the kubelet does not say OOMKilled"
    assert verdict.remedy == "Its last peak was close to the limit: if it comes again, raise `memory` in @job."


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        pytest.param(137, "SIGKILL", id="SIGKILL"),
        pytest.param(143, "SIGTERM", id="SIGTERM"),
        pytest.param(139, "SIGSEGV", id="SIGSEGV"),
        pytest.param(163, "signal 35", id="a real-time signal"),
        pytest.param(255, "signal 127", id="no signal at all"),
    ],
)
def test_a_killed_worker_is_told_by_its_signal(code: int, signal: str) -> None:
    verdict = verdict_on(ended(code))
    assert verdict.summary == f"the worker was killed from outside ({signal})"
    assert verdict.evidence == [f"exit code {code} ({signal}), reason Error", "no receipt"]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="none"),
        pytest.param("Traceback (most recent call last):", id="no message of ours"),
        pytest.param('{"a":' * 4000, id="a thousand brackets"),
        pytest.param(encode(Message(kind="heartbeat", uid="f" * 32, memory_peak_bytes=1)).decode(), id="another attempt's"),
    ],
)
def test_without_a_heartbeat_of_its_own_the_peak_is_unknown(message: str) -> None:
    verdict = verdict_on(ended(137, reason="OOMKilled", message=message))
    assert verdict.evidence == ["last measured peak unknown", "exit code 137 (SIGKILL), reason OOMKilled", "no receipt"]


def test_a_worker_that_claims_a_receipt_makes_the_state_store_suspect() -> None:
    claim = encode(Message(kind="receipt", uid=UID, phase="stage", receipt_uri="s3://state/runs/a/b/receipt.json")).decode()
    verdict = verdict_on(ended(24, message=claim))
    assert verdict.summary == (
        "the worker ended with exit code 24 (checks_failed) and its receipt is not where the launcher looks"
    )
    assert "it says its receipt is s3://state/runs/a/b/receipt.json" in verdict.evidence
    assert verdict.remedy == "Check that worker and launcher use one state store."


@pytest.mark.parametrize(
    ("code", "kind", "ending"),
    [
        pytest.param(24, "heartbeat", "before it could write a receipt", id="killed amid its work"),
        pytest.param(24, "receipt", "before it could write a receipt", id="could not write its receipt"),
        pytest.param(0, "receipt", "the worker ended well but left no receipt", id="ended well"),
        pytest.param(137, "receipt", "the worker was killed from outside (SIGKILL)", id="killed at its end"),
    ],
)
def test_a_receipt_that_has_no_address_is_not_pointed_at(
    code: int, kind: Literal["heartbeat", "receipt"], ending: str
) -> None:
    message = encode(Message(kind=kind, uid=UID, phase="stage", receipt_uri="")).decode()
    verdict = verdict_on(ended(code, message=message))
    assert verdict.summary.endswith(ending)
    last = "last heartbeat" if kind == "heartbeat" else "its last message"
    reason = f"exit code {code} (SIGKILL)" if code == 137 else f"exit code {code}"
    assert verdict.evidence == [f"{reason}, reason Error", "no receipt", f"{last}: stage, 0 rows, 0 s, peak 0 B"]
    assert code != 24 or verdict.remedy == "Its log says more."


def test_what_a_registry_quotes_is_kept_without_its_credentials() -> None:
    text = verdict_on("image_pull_with_credentials").text()
    assert "registry.example.com" in text
    for secret in ("s3cr3t", "Passw0rd", "eyJhbGci"):
        assert secret not in text


def test_a_page_long_answer_is_cut() -> None:
    refusal = Refusal(code=422, reason="Invalid", message="spec.containers: " + "x" * 100_000)
    verdict = diagnose(Status(refusal=refusal), None, uid=UID, memory_limit_bytes=LIMIT)
    assert all(len(line) < 600 for line in [verdict.summary, *verdict.evidence])


def test_an_event_that_was_overcome_explains_nothing() -> None:
    status = status_of("mount_failed")
    later = status._replace(events=[*status.events, {"reason": "Pulling", "message": "Pulling image"}])
    assert verdict_on(later).summary == "the worker had not started"
