"""`polarpod doctor --plane`: a test of everything that a run on this plane depends on, with a remedy for each failure.

Whatever can be tested is tested: a pod is accepted if a dry run of the real template is, an image can be pulled if a pod of
it ran, the store is reachable from a worker if that pod reached it.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from polarpod.contract.codec import decoder, encode
from polarpod.contract.context import Attempt, Context
from polarpod.contract.dataset import Delta
from polarpod.contract.job import JobSpec
from polarpod.contract.resources import MIB, Resources
from polarpod.contract.store_probe import Answer, Question
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes.findings import FOLDER, of_verdict, try_state
from polarpod.launch.planes.kind import Finding
from polarpod.launch.planes.kubernetes.api_errors import Refused
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.permissions import RIGHTS
from polarpod.launch.planes.kubernetes.render.template import pod_of
from polarpod.launch.planes.kubernetes.status import WORKER, Status
from polarpod.launch.planes.kubernetes.verdicts.diagnose import diagnose
from polarpod.launch.planes.kubernetes.verdicts.refusals import refused
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import patience
from polarpod.store.location import join

# S3 rejects requests signed more than 15 minutes off; half a minute already makes two logs hard to compare
_SKEW_SECONDS = 30.0
_PROBE_MEMORY_BYTES = 256 * MIB


def examine(
    plane: KubernetesPlane,
    connect: Callable[[KubernetesPlane], Cluster],
    *,
    code_version: str | None,
    now: Callable[[], float] = time.time,
) -> Iterator[Finding]:
    """Yields the findings as they are made; ends early where no later test could run.

    Args:
        code_version: of the jobs that DAGs or this directory would launch; None where unknown.
    """
    yield try_state("state store, from here", plane.state, plane.storage)
    try:
        cluster = connect(plane)
        version, clock = cluster.version()
    except (PolarpodError, Refused) as error:
        yield _failed("cluster", error)
        return
    yield Finding("cluster", "ok", f"Kubernetes {version} answers; {cluster.where}")
    if clock is not None:
        yield _skew("clock of the API server", clock, now())
    yield from _rights(cluster)
    yield _quota(cluster)
    probe = _context(plane)
    try:
        manifest = _manifest(plane, probe)
        cluster.create(manifest, dry_run=True)
    except (PolarpodError, Refused) as error:
        yield _failed("a worker's pod is accepted", error)
        return
    yield Finding(
        "a worker's pod is accepted", "ok", f"namespace {plane.namespace} takes it (pod security, quota, admission)"
    )
    yield from _probe(cluster, plane, manifest, probe.attempt.uid, code_version, now)


def _rights(cluster: Cluster) -> Iterator[Finding]:
    for right in RIGHTS:
        if cluster.may(right.verb, right.resource, right.subresource):
            yield Finding(f"may {right}", "ok", right.why)
        else:
            yield Finding(
                f"may {right}",
                "failed",
                f"not allowed in namespace {cluster.namespace}; needed {right.why}",
                f"Add verb {right.verb!r} on {str(right).partition(' ')[2]!r} to the launcher's Role.",
            )


def _quota(cluster: Cluster) -> Finding:
    what = "quota"
    quotas = cluster.quotas()
    if quotas is None:
        return Finding(what, "unknown", "may not be read with these rights; the dry run below is held to it all the same")
    full = [
        f"{quota['metadata']['name']}: {resource} {used} of {hard}"
        for quota in quotas
        for resource, hard in ((quota.get("status") or {}).get("hard") or {}).items()
        if (used := ((quota.get("status") or {}).get("used") or {}).get(resource)) == hard
    ]
    if full:
        return Finding(what, "failed", "; ".join(full), "Wait until others have ended, or raise it.")
    return Finding(what, "ok", f"{len(quotas)} in the namespace, none used up")


def _probe(
    cluster: Cluster,
    plane: KubernetesPlane,
    manifest: dict[str, Any],
    uid: str,
    code_version: str | None,
    now: Callable[[], float],
) -> Iterator[Finding]:
    what = "a worker starts"
    started = now()
    try:
        status = _run(cluster, plane, manifest)
    except (PolarpodError, Refused) as error:
        yield _failed(what, error)
        return
    ended = now()
    answer = _answer(status)
    if answer is None:
        verdict = patience(status, start_timeout_seconds=0) or diagnose(
            status, None, uid=uid, memory_limit_bytes=_PROBE_MEMORY_BYTES
        )
        yield of_verdict(what, verdict)
        return
    yield Finding(what, "ok", f"image {manifest['spec']['containers'][0]['image']}, {ended - started:.1f} s to its end")
    if answer.problem:
        first, _, rest = answer.problem.partition("\n")
        yield Finding("state store, from a pod", "failed", first, " ".join(rest.split()))
    else:
        yield Finding("state store, from a pod", "ok", "reads, writes and refuses the second of two creates")
    # the pod read its clock between these two: only a time outside of them is certainly wrong
    off = max(started - answer.clock, answer.clock - ended, 0.0)
    yield _skew("clock of a pod's node", answer.clock if off else now(), now())
    if code_version is None:
        return
    if answer.code_version == code_version:
        yield Finding("the image has the jobs' code", "ok", f"code {code_version}")
    else:
        yield Finding(
            "the image has the jobs' code",
            "failed",
            f"the image has {answer.code_version or 'none'}, launched would be {code_version}",
            "Build the job image anew from this directory, or launch the release that belongs to it.",
        )


def _run(cluster: Cluster, plane: KubernetesPlane, manifest: dict[str, Any]) -> Status:
    """Runs the probe's pod to its end, or until its start is given up, deletes it, and returns its last status."""
    created = cluster.create(manifest)
    name, uid = str(created["metadata"]["name"]), str(created["metadata"]["uid"])
    begun = time.monotonic()
    status = Status(pod=created)
    try:
        while not status.over:
            time.sleep(0.5)
            seen = cluster.pod(name)
            status = Status(pod=seen, gone=seen is None, seconds=time.monotonic() - begun)
            if not status.started:
                status = status._replace(events=cluster.events(uid))
                if patience(status, start_timeout_seconds=plane.start_timeout_seconds):
                    return status
        return status
    finally:
        with suppress(PolarpodError):
            cluster.delete(name, uid, grace_seconds=0)


def _manifest(plane: KubernetesPlane, probe: Context) -> dict[str, Any]:
    """A worker's pod, with the store probe as its command."""
    manifest = pod_of(probe, b"{}", plane)
    (worker,) = [container for container in manifest["spec"]["containers"] if container["name"] == WORKER]
    worker["command"] = ["python", "-I", "-m", "polarpod.runtime.store_probe"]
    question = Question(uri=join(plane.state, FOLDER, uuid.uuid4().hex), storage=plane.storage_of_workers)
    worker["env"].append({"name": "POLARPOD_PROBE", "value": encode(question).decode()})
    return manifest


def _context(plane: KubernetesPlane) -> Context:
    """The minimal context that a pod can be rendered from; the probe does not read it."""
    return Context(
        job=JobSpec(name="doctor", module="", function="", inputs={}, output=Delta(uri="")),
        params={},
        run_key="probe",
        attempt=Attempt(number=1, uid=uuid.uuid4().hex),
        code_version="",
        plane="doctor",
        resources=Resources(cpu=0.1, memory_bytes=_PROBE_MEMORY_BYTES),
        deadline_seconds=plane.start_timeout_seconds + 60,
        grace_seconds=1,
        attempt_uri=join(plane.state, FOLDER),
        storage=plane.storage_of_workers,
        created_at=dt.datetime.now(dt.UTC),
    )


def _answer(status: Status) -> Answer | None:
    words = (status.terminated or {}).get("message")
    try:
        return decoder(Answer).decode(str(words)) if words else None
    except msgspec.DecodeError:
        return None


def _skew(what: str, theirs: float, ours: float) -> Finding:
    off = abs(theirs - ours)
    if off <= _SKEW_SECONDS:
        return Finding(what, "ok", "agrees with this machine's")
    return Finding(what, "failed", f"{off:.0f} s off this machine's", "Let all machines take their time from NTP.")


def _failed(what: str, error: PolarpodError | Refused) -> Finding:
    return of_verdict(what, refused(error.refusal) if isinstance(error, Refused) else error.verdict)
