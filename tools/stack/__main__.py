"""`python -m tools.stack up|smoke|down`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tools.cluster import kind, lake, requirements
from tools.cluster.command import Failed, ask
from tools.cluster.names import ADMIN, CLUSTER, ROOT, SETTINGS
from tools.cluster.steps import exports, step
from tools.demo.processes import Died
from tools.demo.rest import Rest
from tools.stack import images, release, smoke
from tools.stack.names import AIRFLOW, DEV_NAMESPACE, DEV_RELEASE, LAKE, NAMESPACE, RELEASE, S3

# what the DAG `flights_week` takes when nothing is said
_DAYS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description="polarpod's local stack, in a cluster.")
    known = {"up": up, "check": check, "prepare": prepare, "build": build, "land": land, "smoke": run_smoke, "down": down}
    parser.add_argument("do", choices=known, help="up: make it; land: raw data; smoke: a DAG; down: remove it")
    parser.add_argument("image", nargs="?", choices=["job", "airflow", "postgres", "versitygw"], help="what to build")
    asked = parser.parse_args()
    try:
        requirements.check("helm")
        known[asked.do](*filter(None, [asked.image]))
    except (Failed, Died) as error:
        print(f"polarpod: {error}", file=sys.stderr)
        return getattr(error, "code", 1)
    except KeyboardInterrupt:
        print("\nstopped; `make up` goes on from here", file=sys.stderr)
        return 130
    return 0


def up() -> None:
    """Every step looks first whether there is anything to do."""
    began = time.monotonic()
    step("cluster", kind.ensure)
    kind.require_ports()
    release.reject_other_release(
        DEV_RELEASE,
        remedy=f"End `skaffold dev` with Ctrl-C; where none runs, `helm uninstall {DEV_RELEASE} -n {DEV_NAMESPACE}`.",
    )
    built = step("building images", images.build_all)
    step("loading images", lambda: kind.load(*built.values()))
    step("namespace", release.namespace)
    tags = {place: image.partition(":")[2] for place, image in built.items()}
    step(f"helm upgrade --install {RELEASE}", lambda: release.install(tags))
    print(f"    {step('landing flights', lambda: _land(NAMESPACE))}")
    print(f"done in {time.monotonic() - began:.0f} s")
    _next_steps()


def build(image: str) -> None:
    """For `skaffold`, which says in its variables what the image is to be called and whether to push it."""
    images.build_one(image, os.environ["IMAGE"], push=os.environ.get("PUSH_IMAGE") == "true")


def check() -> None:
    """For `skaffold`, before it deploys anything: refuses a cluster where its stack cannot be installed."""
    meant = os.environ.get("SKAFFOLD_KUBE_CONTEXT") or ask("kubectl", "config", "current-context").stdout.strip()
    if meant != f"kind-{CLUSTER}":
        raise Failed(
            f"skaffold is about to install into {meant or 'no context'}, and this is for kind-{CLUSTER}",
            evidence=[f"KUBECONFIG={os.environ.get('KUBECONFIG', '')}"],
            remedy=f"`make cluster`, then export KUBECONFIG={ADMIN.relative_to(ROOT)}.",
        )
    kind.require_ports()
    release.reject_other_release(
        RELEASE,
        remedy="Work with the stack of `make up`, or remove it, with its lake and Airflow's history: "
        f"`{_python()} -m tools.stack down`.",
    )


def prepare() -> None:
    """For `skaffold`: what has to be there before the chart is installed."""
    check()
    release.namespace(DEV_NAMESPACE)
    release.pack()


def land() -> None:
    """For `skaffold`: raw data in the store that it has just installed."""
    print(f"    {step('landing flights', lambda: _land(DEV_NAMESPACE))}")


def run_smoke() -> None:
    keys = release.secret("airflow-sign-in")
    rest = Rest(AIRFLOW)
    rest.sign_in(keys["user"], keys["password"])
    if not smoke.passes(rest, first=lake.FIRST, days=1):
        raise Failed("the smoke DAG failed", evidence=["see above"], remedy="The verdict's last line says what to do.")


def down() -> None:
    step(f"removing {RELEASE}", release.uninstall)


def _python() -> Path:
    return Path(sys.executable).relative_to(ROOT)


def _land(namespace: str) -> str:
    keys = release.secret("polarpod-s3", namespace=namespace)
    lake.wait(S3, namespace=namespace, deployment="polarpod-s3")
    variables = {"AWS_ACCESS_KEY_ID": keys["access-key-id"], "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"]}
    if lake.is_landed(variables, store=S3, to=LAKE, days=_DAYS):
        return f"{_DAYS} days are there"
    return lake.land(variables, store=S3, to=LAKE, days=_DAYS)


def _next_steps() -> None:
    sign_in = release.secret("airflow-sign-in")
    print(f"""
  export KUBECONFIG={ADMIN.relative_to(ROOT)}
Airflow: {AIRFLOW}   sign in as {sign_in["user"]} with
  kubectl get secret airflow-sign-in -n {NAMESPACE} -o jsonpath='{{.data.password}}' | base64 -d

try next:
{exports(SETTINGS)}  helm test {RELEASE} -n {NAMESPACE}
  trigger `flights_week` in Airflow, or: {_python()} -m tools.stack smoke
  kubectl get pods -n {NAMESPACE} --watch    # the job pods come and go
  {_python()} -m tools.stack down""")


if __name__ == "__main__":
    sys.exit(main())
