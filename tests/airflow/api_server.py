"""An API server that answers as it is told, for what a real one does too rarely."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

NAME, UID, NAMESPACE = "tolls-1", "uid-1", "yard"


def a_pod(phase: str = "Running", *, uid: str = UID, **status: Any) -> dict[str, Any]:
    states = {
        "Pending": {"waiting": {"reason": "ContainerCreating"}},
        "Running": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        "Succeeded": {"terminated": {"exitCode": 0}},
    }
    worker = {"name": "worker", "state": states[phase]}
    return {
        "metadata": {"name": NAME, "uid": uid, "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "worker"}]},
        "status": {"phase": phase, "containerStatuses": [worker], **status},
    }


def event(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": pod}


class Cut(NamedTuple):
    """An answer as bytes, whose connection breaks after them unless it is ended in good order."""

    data: bytes
    broken: bool = True


class Late(NamedTuple):
    """An answer that comes when everybody has gone: with the end of the server."""


class No(NamedTuple):
    """A refusal in the API server's words."""

    code: int
    message: str


class ApiServer:
    """Its answers to each kind of request, in order; the last one stays.

    A number is a refusal with that status; a function is asked when the request is there.
    """

    def __init__(self, root: Path) -> None:
        self.look: list[Any] = [a_pod()]
        self.watch: list[Any] = [[]]
        self.events: list[Any] = [{"items": []}]
        self.delete: list[Any] = [{}]
        self.log: list[Any] = [Cut(b"", broken=False)]
        self.readyz: list[Any] = [{}]
        # None: the pod as it was asked for
        self.create: list[Any] = [None]
        self.requests: dict[str, list[Any]] = defaultdict(list)
        self.kubeconfig = root / "kubeconfig"
        self.ended = threading.Event()
        self.deleted = threading.Event()

    def answer(self, kind: str, request: Any) -> Any:
        self.requests[kind].append(request)
        answers = getattr(self, kind)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found() if callable(found) else found

    def write_kubeconfig(self, port: int, context: str = "here") -> None:
        document = {
            "current-context": context,
            "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": "of-the-kubeconfig-8842"}}],
        }
        self.kubeconfig.write_text(json.dumps(document))


@contextmanager
def serve(root: Path) -> Iterator[ApiServer]:
    api = ApiServer(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            folder = path.path.rpartition("/")[2]
            kinds = {"pods": "watch", "events": "events", "log": "log", "readyz": "readyz"}
            self.say(api.answer(kinds.get(folder, "look"), path.query))

        def do_POST(self) -> None:
            made = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = api.answer("create", made)
            self.say({**made, "metadata": {**made["metadata"], "uid": UID}} if answer is None else answer)

        def do_DELETE(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.say(api.answer("delete", json.loads(body)))
            api.deleted.set()

        def say(self, answer: Any) -> None:
            if isinstance(answer, Late):
                api.ended.wait()
                return
            if isinstance(answer, Cut):
                self.break_off(answer)
                return
            refusal = No(answer, "") if isinstance(answer, int) else answer
            status = {"kind": "Status", "reason": "Forbidden"}
            self.send_response(refusal.code if isinstance(refusal, No) else 200)
            self.end_headers()
            said = {**status, "message": refusal.message} if isinstance(refusal, No) else answer
            for line in said if isinstance(said, list) else [said]:
                self.wfile.write(json.dumps(line).encode() + b"\n")

        def break_off(self, answer: Cut) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if answer.data:
                self.wfile.write(f"{len(answer.data):x}\r\n".encode() + answer.data + b"\r\n")
            if not answer.broken:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.write_kubeconfig(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.ended.set()
        server.shutdown()
        server.server_close()
