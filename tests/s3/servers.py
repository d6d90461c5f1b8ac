"""S3 servers on loopback, started and ended by their handle: versitygw, which is real, and moto, which is handy.

moto looks and then writes: two concurrent creators of one object can both succeed on it. What has to be atomic is
proven on versitygw.
"""

from __future__ import annotations

import os
import subprocess
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.s3.listening import READY_SECONDS, end, free_port, listens
from tests.s3.versitygw import find_versitygw

from polarpod.contract.context import Storage

REGION = "us-east-1"
KEY, SECRET = "polarpod", "polarpod-secret"
# Another process may take the port between our finding it free and the server's binding it.
ATTEMPTS = 3


class NoServerError(Exception):
    """No server to be had, and why, in one line."""


@dataclass(frozen=True)
class S3Server:
    """A running server, and what a client needs to reach it."""

    name: str
    endpoint_url: str
    make_bucket: Callable[[str], object]

    @property
    def storage(self) -> Storage:
        return Storage(endpoint_url=self.endpoint_url, region=REGION, allow_http=True)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # boto3 knows no other
            "AWS_EC2_METADATA_DISABLED": "true",  # whoever mislays the keys fails at once, not after a time-out
        }

    def new_bucket(self) -> str:
        name = f"lake-{uuid.uuid4().hex[:16]}"
        self.make_bucket(name)
        return name


@contextmanager
def moto(_: Path) -> Iterator[S3Server]:
    """Runs in a thread of this process and keeps everything in memory."""
    try:
        from moto.server import ThreadedMotoServer  # takes a second to import, which only its tests pay
    except ImportError as error:
        raise NoServerError(f"moto's server is missing ({error}): install moto[s3,server]") from None
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()

        def make_bucket(name: str) -> None:
            request = urllib.request.Request(f"http://{host}:{port}/{name}", method="PUT")  # it asks for no signature
            urllib.request.urlopen(request, timeout=READY_SECONDS).close()

        yield S3Server(name="moto", endpoint_url=f"http://{host}:{port}", make_bucket=make_bucket)
    finally:
        server.stop()


@contextmanager
def versitygw(folder: Path) -> Iterator[S3Server]:
    """Serves a folder; each directory in it is a bucket."""
    data = folder / "data"
    data.mkdir()
    process, port = _start(data, folder)
    try:
        yield S3Server(
            name="versitygw",
            endpoint_url=f"http://127.0.0.1:{port}",
            make_bucket=lambda name: (data / name).mkdir(),
        )
    finally:
        end(process)


SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[S3Server]]] = MappingProxyType(
    {"versitygw": versitygw, "moto": moto}
)


def _start(data: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    binary = find_versitygw()
    environment = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    log = folder / "versitygw.log"
    # object metadata lives in extended attributes, which some temporary file systems refuse
    (sidecar := folder / "metadata").mkdir()
    metadata = [] if _takes_attributes(data) else ["--sidecar", str(sidecar)]
    for _ in range(ATTEMPTS):
        port = free_port()
        command = [str(binary), "--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet", "posix", *metadata]
        with log.open("ab") as output:
            process = subprocess.Popen([*command, str(data)], env=environment, stdout=output, stderr=output)
        if listens(process, port):
            return process, port
        end(process)
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    raise NoServerError(f"{binary} does not start: {last}")


def _takes_attributes(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.polarpod", b"1")
    except (OSError, AttributeError):  # macOS has no such call
        return False
    return True
