"""What a test can do to a cluster from inside its node: to its API server, its S3 store, one worker, or all of it at once.

Each fault is a context: it holds while the context is open and is over, and everything answers again, when it is closed.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kubernetes import client, config
from tools.cluster import names

# a node that comes back needs half a minute on a busy machine
_PATIENCE_SECONDS = 180.0
# a kubelet that was started again takes every pod for not ready until it has asked it
_FLAP_SECONDS = 5.0
_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_AWAY = "/etc/kubernetes/kube-apiserver.yaml"
_RULE = "FORWARD -p tcp --dport 7070 -j REJECT --reject-with tcp-reset"
# the container runtime's own process for one worker: the parent of the container's first one
_SHIM = r"""
for place in $(grep -ls "$1" /proc/[0-9]*/environ); do
    pid=${place#/proc/}; pid=${pid%/environ}
    if grep -qs '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; then
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
        grep -qs containerd-shim "/proc/$parent/cmdline" && kill -9 "$parent" && echo struck
    fi
done
"""


# whether a worker's child that stands still has been asked to stop (SIGINT waits for it)
_ASKED = r"""
for place in $(grep -ls "$1" /proc/[0-9]*/environ); do
    status=${place%/environ}/status
    grep -qs '^State:.T' "$status" || continue
    pending=$(sed -n 's/^ShdPnd:[[:space:]]*//p' "$status")
    [ $((0x$pending & 2)) -ne 0 ] && echo asked
done
"""


class Node:
    """The one node of the cluster."""

    def __init__(self) -> None:
        self._clients = config.new_client_from_config(str(names.ADMIN))
        self.api = client.CoreV1Api(self._clients)
        # of tests before these, which a kubelet that was given a hundred pods at once may keep until it starts again
        self._folders_of_others = self._folders() - self._pods()

    def kill_shim(self, uid: str) -> bool:
        return "struck" in self._run(_SHIM, uid)

    def has_been_asked_to_stop(self, uid: str) -> bool:
        """Whether a child that stands still has a request to stop before it."""
        return "asked" in self._run(_ASKED, uid)

    def kill_container(self, pod: str, namespace: str) -> bool:
        """As the container runtime does it: all of its processes, from outside."""
        seen = self.api.read_namespaced_pod(pod, namespace)
        found = [one.container_id for one in seen.status.container_statuses or () if one.container_id]
        task = found[0].partition("://")[2] if found else ""
        return bool(task) and "struck" in self._run('ctr -n k8s.io task kill -a -s SIGKILL "$1" && echo struck', task)

    @contextmanager
    def api_killed(self) -> Iterator[None]:
        self._run("pkill -9 -x kube-apiserver")
        yield
        self.wait_until_well()

    @contextmanager
    def api_frozen(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        self._run("pkill -STOP -x kube-apiserver")
        try:
            yield
        finally:
            self._run("pkill -CONT -x kube-apiserver")
            self.wait_until_well()

    @contextmanager
    def api_stopped(self) -> Iterator[None]:
        """As somebody does who upgrades it, and does not wait for its orderly end."""
        self._run(f"mv {_MANIFEST} {_AWAY}")
        try:
            self._until(self._api_is_stopped, "the API server was gone")
            yield
        finally:
            self._run(f"[ ! -e {_AWAY} ] || mv {_AWAY} {_MANIFEST}")
            self._wait_for_control_plane()

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """In good order, as far as a few seconds allow."""
        _docker("restart", "--time", "5", names.NODE)
        yield
        self.wait_until_well()

    @contextmanager
    def crashed(self) -> Iterator[None]:
        _docker("kill", names.NODE)
        _docker("start", names.NODE)
        yield
        self.wait_until_well()

    @contextmanager
    def s3_frozen(self) -> Iterator[None]:
        self._run("pkill -STOP -x versitygw")
        try:
            yield
        finally:
            self._run("pkill -CONT -x versitygw")
            self.wait_until_well()

    @contextmanager
    def s3_killed(self) -> Iterator[None]:
        """The kubelet starts it again, over the same volume."""
        self._run("pkill -9 -x versitygw")
        yield
        self.wait_until_well()

    @contextmanager
    def s3_cut(self) -> Iterator[None]:
        """Every connection to it is reset."""
        self._run(f"iptables -I {_RULE}")
        try:
            yield
        finally:
            self._run(f"while iptables -D {_RULE} 2> /dev/null; do :; done")
            self.wait_until_well()

    def wait_until_well(self) -> None:
        """Until everything answers that a launcher and its pods need."""
        self._until(self._is_well, "the cluster answered again")

    def pods_created(self, namespace: str) -> Counter[str]:
        """How often a pod of each name was made in a namespace, by the API server's own account."""
        made: Counter[str] = Counter()
        unanswered: Counter[str] = Counter()
        seen: set[str] = set()
        for line in self._run('cat /var/log/kubernetes/audit*.log | grep -E \'"verb":"(create|get)"\'').splitlines():
            event = json.loads(line)
            what = event.get("objectRef") or {}
            if (what.get("namespace"), what.get("resource"), what.get("subresource")) != (namespace, "pods", None):
                continue
            if event["stage"] != "ResponseComplete" or "name" not in what:
                continue
            code = event["responseStatus"]["code"]
            if event["verb"] == "get":
                seen |= {what["name"]} if code == 200 else set()
            elif code in (201, 504):
                (made if code == 201 else unanswered)[what["name"]] += 1
        # Whoever was killed while it asked got no answer, and the log says 504; the pod may be there all the same.
        return made + Counter({name: times for name, times in unanswered.items() if name in seen})

    def assert_no_folder_without_a_pod(self) -> None:
        """A pod's scratch directory is a folder of the kubelet's, which goes soon after the pod."""
        self._until(
            lambda: self._folders() - self._folders_of_others <= self._pods(),
            "the folders of pods that are gone were gone, too",
        )

    def _folders(self) -> set[str]:
        return set(self._run("ls /var/lib/kubelet/pods").split())

    def _pods(self) -> set[str]:
        pods = self.api.list_pod_for_all_namespaces().items
        # those that the kubelet reads from files have their folder by another name
        own = {(pod.metadata.annotations or {}).get("kubernetes.io/config.hash") for pod in pods}
        return {pod.metadata.uid for pod in pods} | {name for name in own if name}

    def _wait_for_control_plane(self) -> None:
        # scheduler and controllers give up without an API server, and each time the kubelet waits longer before it starts
        # them again; it knows that by heart only
        self._run("systemctl restart kubelet")
        since = time.monotonic()

        def well_for_a_while() -> bool:
            nonlocal since
            if not self._is_well():
                since = time.monotonic()
            return time.monotonic() > since + _FLAP_SECONDS

        self._until(well_for_a_while, "the control plane was up again")

    def _api_is_stopped(self) -> bool:
        # the kubelet starts it again until it has seen that the manifest is gone
        self._run("pkill -9 -x kube-apiserver")
        return "kube-apiserver" not in self._run("crictl ps")

    def _is_well(self) -> bool:
        try:
            # raises where it is not
            self._clients.call_api("/readyz", "GET", _request_timeout=2, response_types_map={200: "str"})
            nodes = self.api.list_node(_request_timeout=2).items
            pods = self.api.list_namespaced_pod("kube-system", _request_timeout=2).items
            urllib.request.urlopen(f"{names.GATEWAY}/health", timeout=2).close()
        except Exception:  # whatever sockets and clients raise while nothing answers
            return False
        named = {one.type: one.status for node in nodes for one in node.status.conditions}
        ends = [one for pod in pods if pod.status.conditions for one in pod.status.conditions if one.type == "Ready"]
        return named.get("Ready") == "True" and all(one.status == "True" for one in ends)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        limit = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < limit, f"it took too long until {what}"
            time.sleep(0.1)

    def _run(self, script: str, *arguments: str) -> str:
        command = ["docker", "exec", names.NODE, "bash", "-c", script, "bash", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _docker(*command: str) -> None:
    subprocess.run(["docker", *command], check=True, capture_output=True)
