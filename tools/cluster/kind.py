"""The cluster itself: made, started again, given images, deleted."""

from __future__ import annotations

import os
import time
from string import Template

from tools.cluster.command import Failed, ask, kubectl, run
from tools.cluster.names import ADMIN, AIRFLOW_PORT, CLUSTER, HERE, HOME, NODE, PORT, S3_PORT

# a node that has its images is ready within 30 s; one that was stopped needs as long
_PATIENCE_SECONDS = 90
_TAKEN = (
    "See the last lines. Ports 30900 to 30902 of 127.0.0.1 must be free, and the node image must be there or its registry "
    "be reachable: name one that is in Docker with KIND_NODE_IMAGE."
)


def exists() -> bool:
    listed = run("kind", "get", "clusters", remedy="See that `kind get clusters` works.")
    return CLUSTER in listed.split()


def ensure() -> None:
    """Makes the cluster, or starts the one that is there."""
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not exists():
        image = ["--image", named] if (named := os.environ.get("KIND_NODE_IMAGE")) else []
        # kind takes paths of this machine only whole
        config = HOME / "kind.yaml"
        places = {"HERE": HERE, "PORT": PORT, "PORT_OF_STACK_S3": S3_PORT, "PORT_OF_STACK_AIRFLOW": AIRFLOW_PORT}
        config.write_text(Template((HERE / "kind.yaml").read_text()).substitute(places))
        options = ["--name", CLUSTER, "--config", config, "--kubeconfig", ADMIN, "--wait", f"{_PATIENCE_SECONDS}s", *image]
        run("kind", "create", "cluster", *options, remedy=_TAKEN)
        return
    running = ask("docker", "inspect", "--format", "{{.State.Running}}", NODE).stdout.strip() == "true"
    if not running:
        run("docker", "start", NODE, remedy=f"See `docker logs {NODE}`, or `python -m tools.cluster down` and make it anew.")
    # it may have gone with `make clean`
    run("kind", "export", "kubeconfig", "--name", CLUSTER, "--kubeconfig", ADMIN, remedy="See the last lines.")
    ADMIN.chmod(0o600)
    if not running:
        _wait_for_api()
        kubectl("wait", "--for=condition=Ready", "nodes", "--all", f"--timeout={_PATIENCE_SECONDS}s")


def _wait_for_api() -> None:
    """A node that was started again has no API for a while, and `kubectl wait` waits for none."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < limit:
        if ask("kubectl", "--kubeconfig", ADMIN, "get", "--raw", "/readyz").returncode == 0:
            return
        time.sleep(0.5)
    kubectl("get", "--raw", "/readyz")  # says why not


def require_ports() -> None:
    """Raises Failed for a cluster whose node port of the stack's Airflow leads nowhere: ports are given when it is made."""
    if f":{AIRFLOW_PORT}" not in ask("docker", "port", NODE).stdout:
        raise Failed(
            f"the cluster {CLUSTER} has no port for the local stack",
            evidence=[f"127.0.0.1:{AIRFLOW_PORT} does not lead to {NODE}"],
            remedy="`python -m tools.cluster down`, then `make up` makes it anew. What is in the cluster is gone then.",
        )


def load(*images: str) -> None:
    """Copies images to the node. One at a time: kind skips what the node has by the same id, but of several it saves all."""
    for image in images:
        remedy = f"See that `docker image inspect {image}` works."
        run("kind", "load", "docker-image", "--name", CLUSTER, image, remedy=remedy)


def delete() -> None:
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    run("kind", "delete", "cluster", "--name", CLUSTER, "--kubeconfig", ADMIN, remedy="See the last lines.")
