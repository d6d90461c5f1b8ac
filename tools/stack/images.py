"""The stack's images, each tagged by what is in it: a tag that stays the same would leave old pods running."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.cluster.command import run
from tools.cluster.images import build, build_gateway, build_job
from tools.cluster.names import GATEWAY_IMAGE, JOB_IMAGE, ROOT

_POLARPOD = Path(sys.executable).parent / "polarpod"
_AIRFLOW, _POSTGRES = "polarpod-airflow:dev", "polarpod-postgres:dev"
_REMEDY = "See that `docker images` works."


def build_all() -> dict[str, str]:
    """Builds what has changed. Returns the chart's value -> image:tag."""
    # the release belongs to this image and no other, and goes into Airflow's
    job = _job()
    airflow = _airflow()
    return {
        "polarpod.image": job,
        "polarpod.launcher.image": airflow,
        "airflow.image": airflow,
        "postgres.image": _postgres(),
        "s3.image": _gateway(),
    }


def build_one(name: str, tag: str, *, push: bool) -> None:
    """Builds one of them for `skaffold`, under the name that it has chosen."""
    if name == "airflow" and not push:
        # it holds the release document, and skaffold builds in any order
        _job()
    made = _job() if name == "job" else _OTHERS[name]()
    run("docker", "tag", made, tag, remedy=_REMEDY)
    if push:
        run("docker", "push", "--quiet", tag, remedy="Sign in to the registry.")
    if push and name == "job":
        _release(_by_digest(tag))


def _job() -> str:
    build_job()
    image = _tagged(JOB_IMAGE)
    _release(image)
    return image


def _release(image: str) -> None:
    run(_POLARPOD, "release", "--image", image, remedy="Correct the jobs; `polarpod jobs` lists them.")


def _by_digest(tag: str) -> str:
    """What the registry calls the image that was pushed there."""
    digests = run("docker", "image", "inspect", "--format", '{{join .RepoDigests "\\n"}}', tag, remedy=_REMEDY).split()
    repository = tag.rpartition(":")[0]
    return next(one for one in digests if one.startswith(f"{repository}@"))


def _airflow() -> str:
    if not (ROOT / "dags/release.json").exists():
        run(_POLARPOD, "release", remedy="Correct the jobs; `polarpod jobs` lists them.")
    build(_AIRFLOW, ROOT / "images/airflow/Dockerfile", ROOT, {})
    return _tagged(_AIRFLOW)


def _postgres() -> str:
    build(_POSTGRES, ROOT / "images/postgres/Dockerfile", ROOT / "images/postgres", {})
    return _tagged(_POSTGRES)


def _gateway() -> str:
    build_gateway()
    return _tagged(GATEWAY_IMAGE)


def _tagged(image: str) -> str:
    """The image under its own id: what `skaffold` calls those that it loads into a cluster."""
    identity = run("docker", "image", "inspect", "--format", "{{.Id}}", image, remedy=_REMEDY)
    tagged = f"{image.partition(':')[0]}:{identity.strip().removeprefix('sha256:')}"
    run("docker", "tag", image, tagged, remedy=_REMEDY)
    return tagged


_OTHERS = {"airflow": _airflow, "postgres": _postgres, "versitygw": _gateway}
