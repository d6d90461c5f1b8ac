"""Real errors, as the worker meets them."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
Caught = Callable[[Callable[[], object]], BaseException]
JobModule = Callable[[str], Any]


@pytest.fixture(scope="session")
def caught() -> Caught:
    """Runs something and returns what it raised, without the frames of these tests.

    In a worker polarpod's own frames stand where the tests' stand here; a test is neither polarpod nor a library, so
    its frames would be taken for the job's.
    """

    def run(call: Callable[[], object]) -> BaseException:
        try:
            call()
        except BaseException as error:
            trace = error.__traceback__
            while trace is not None and Path(trace.tb_frame.f_code.co_filename).is_relative_to(TESTS):
                trace = trace.tb_next
            return error.with_traceback(trace)
        pytest.fail("nothing was raised")

    return run


@pytest.fixture
def job_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobModule]:
    """Writes a module of the job's own and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(source: str) -> Any:
        (tmp_path / "orders_job.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module("orders_job")

    yield load
    sys.modules.pop("orders_job", None)


class Store:
    """An object store that answers every request alike."""

    def __init__(self, status: int, body: str = "") -> None:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815 - the names http.server looks for

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def store() -> Iterator[Callable[..., str]]:
    """The endpoint of a store with one answer."""
    running: list[Store] = []

    def start(status: int, code: str = "") -> str:
        body = f"<Error><Code>{code}</Code><Message>about {code}</Message></Error>" if code else ""
        running.append(Store(status, body))
        return running[-1].url

    yield start
    for each in running:
        each.stop()
