"""`python -m tools.cluster up|down`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tools.cluster import access, first_run, images, kind, lake, requirements
from tools.cluster.command import Failed, kubectl
from tools.cluster.names import CLUSTER, GATEWAY, GATEWAY_IMAGE, HERE, JOB_IMAGE, LAKE, LAUNCHER, NAMESPACE, ROOT, SETTINGS
from tools.cluster.steps import exports, step


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description="A Kubernetes on this machine.")
    parser.add_argument("do", choices=["up", "down"], help="up: make it, or bring it up to date; down: delete it")
    asked = parser.parse_args()
    try:
        requirements.check()
        (up if asked.do == "up" else down)()
    except Failed as error:
        print(f"polarpod: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\nstopped; `make cluster` goes on from here", file=sys.stderr)
        return 130
    return 0


def up() -> None:
    """Every step looks first whether there is anything to do."""
    began = time.monotonic()
    step(f"cluster {CLUSTER}", kind.ensure)
    for image, build in ((JOB_IMAGE, images.build_job), (GATEWAY_IMAGE, images.build_gateway)):
        step(f"building {image}", build)
        step(f"loading {image}", lambda image=image: kind.load(image))
    keys = step("namespace, accounts, S3 store", _apply)
    access.ensure_kubeconfig()
    step("waiting for the S3 store", _wait)
    variables = access.write_keys(keys)
    print(f"    {step('landing flights', lambda: lake.land(variables, store=GATEWAY, to=LAKE))}")
    print(f"    {step('the first job: clean_flights', first_run.clean_flights)}")
    print(f"done in {time.monotonic() - began:.0f} s")
    print(next_steps())


def down() -> None:
    step(f"deleting cluster {CLUSTER}", kind.delete)


def _apply() -> dict[str, str]:
    manifests = HERE / "manifests"
    kubectl("apply", "-f", manifests / "namespace.yaml")
    # before the pods that need it
    keys = access.ensure_secret()
    kubectl("apply", "-f", manifests)
    return keys


def _wait() -> None:
    kubectl("rollout", "status", "deployment/versitygw", "-n", NAMESPACE, "--timeout=90s")
    lake.wait(GATEWAY, namespace=NAMESPACE, deployment="versitygw")


def next_steps() -> str:
    """Commands for the cluster that was made; each works as printed, in the repository's root."""
    polarpod = first_run.POLARPOD.relative_to(ROOT)
    python = Path(sys.executable).relative_to(ROOT)
    return f"""
try next:
{exports(SETTINGS)}  {polarpod} run airport_delays --plane kind --param ds={lake.FIRST}
  {polarpod} run clean_flights --plane kind --param ds=2013-02-02
  kubectl --kubeconfig {LAUNCHER.relative_to(ROOT)} get pods   # as the launcher, with no more rights than it has
  make test-cluster
  {python} -m tools.cluster down"""


if __name__ == "__main__":
    sys.exit(main())
