"""The images the cluster needs, built by the engine's own builder."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
from pathlib import Path

from tests.s3.versitygw import GO_PACKAGE, MODULE, VersitygwMissingError, find_versitygw
from tools.cluster.command import run
from tools.cluster.names import GATEWAY_IMAGE, JOB_IMAGE, ROOT

# how this machine reaches packages, which a build on it has to know too; they may hold a password, hence a secret
_INDEX = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"),
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST"),
    *("GOPROXY", "GONOSUMDB", "GOSUMDB"),
)
# Docker knows these build arguments without being told, and keeps them out of the image
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
# Engines before 23 build without BuildKit unless asked, and know no mounts. Newer ones attach when and how an image was
# built, which makes another image of the same content every time.
_BUILDKIT = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
_REMEDY = (
    "See the last lines. The base image must be in Docker or its registry be reachable (POLARPOD_BASE_IMAGE names another), "
    "and the package index must be reachable from a build."
)


def build_job() -> None:
    build(JOB_IMAGE, ROOT / "images/job/Dockerfile", ROOT, {})


def build_gateway() -> None:
    """From the executable on this machine where it is one for Linux, as in the image; else from source, once."""
    try:
        binary = find_versitygw() if sys.platform == "linux" else None
    except VersitygwMissingError:
        binary = None
    file = ROOT / "images/versitygw/Dockerfile"
    if binary and _is_engines(platform.machine()):
        # of the whole folder the builder asks for this one file
        build(GATEWAY_IMAGE, file, binary.parent, {"BINARY": binary.name})
    else:
        build(GATEWAY_IMAGE, file, file.parent, {"ORIGIN": "built", "GO_PACKAGE": GO_PACKAGE, "MODULE": MODULE})


def _is_engines(machine: str) -> bool:
    """Whether the engine's machine is like ours; it may be far away."""
    return run("docker", "info", "--format", "{{.Architecture}}", remedy="See that `docker info` works.").strip() == machine


def build(tag: str, file: Path, context: Path, arguments: dict[str, str]) -> None:
    """An image of this Dockerfile, with whatever this machine needs to reach packages."""
    given = dict(arguments)
    if base := os.environ.get("POLARPOD_BASE_IMAGE"):
        given["BASE"] = base
    options = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    if platforms := os.environ.get("PLATFORMS"):
        # for a cluster of other machines than this one, as `skaffold` says it
        options += ["--platform", platforms]
    # by name alone: the values stay out of the process list
    options += [word for name in _PROXY if name in os.environ for word in ("--build-arg", name)]
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        known = {name: os.environ[name] for name in _INDEX if name in os.environ}
        index.touch(mode=0o600)
        index.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in known.items()))
        command = ["docker", "build", "--quiet", "--tag", tag, "--file", file, "--secret", f"id=index,src={index}"]
        run(*command, *options, context, environment=_BUILDKIT, remedy=_REMEDY)
