"""The little of Airflow's REST API that the demo needs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

_NOT_FOUND = 404
_LOCKED = 503


class UnansweredError(TimeoutError):
    """A request that only reads, and was not answered in time."""


class Rest:
    """A client of one API server on this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        # whatever proxy the caller has, it is not for this machine
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._token = ""

    def healthy(self) -> bool:
        try:
            health = self._call("GET", "/api/v2/monitor/health")
        except OSError:
            return False
        return bool(health["metadatabase"]["status"] == "healthy")

    def log_in(self) -> None:
        # the simple auth manager gives an admin's token to anybody, since the demo told it so
        self._token = self._call("GET", "/auth/token")["access_token"]

    def sign_in(self, user: str, password: str) -> None:
        self._token = self._call("POST", "/auth/token", {"username": user, "password": password})["access_token"]

    def import_errors(self) -> list[str]:
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}\n{error['stack_trace']}" for error in found]

    def knows_dag(self, dag_id: str) -> bool:
        return self._maybe(f"/api/v2/dags/{dag_id}") is not None

    def dag(self, dag_id: str) -> dict[str, Any]:
        return dict(self._call("GET", f"/api/v2/dags/{dag_id}"))

    def backfill(self, dag_id: str, first: str, last: str, *, at_once: int) -> None:
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "run_backwards": False,
            "reprocess_behavior": "none",
            "max_active_runs": at_once,
            "dag_run_conf": {},
        }
        self._call("POST", "/api/v2/backfills", body)

    def trigger(self, dag_id: str, conf: dict[str, Any], *, logical_date: str | None = None) -> str:
        """Starts a run. Returns its id."""
        body = {"logical_date": logical_date, "conf": conf}
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=100&order_by=logical_date")
        return list(found["dag_runs"])

    def tasks(self, dag_id: str, run: str = "~") -> list[dict[str, Any]]:
        """The task instances of a run, or of all runs of a DAG."""
        runs = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run, safe='~')}"
        return list(self._call("GET", f"{runs}/taskInstances?limit=500")["task_instances"])

    def xcom(self, task: dict[str, Any]) -> Any:
        """What a task returned, or None."""
        found = self._maybe(f"{_path(task)}/xcomEntries/return_value?map_index={task['map_index']}&deserialize=false")
        value = found and found["value"]
        return json.loads(value) if isinstance(value, str) else value

    def why(self, task: dict[str, Any]) -> str:
        """The exception of a task's last try; the end of its log where there is none."""
        entries = self.log(task)
        errors = [detail["exc_value"] for entry in entries for detail in entry.get("error_detail") or []]
        return str(errors[-1]) if errors else "\n".join(str(entry["event"]) for entry in entries[-20:])

    def log(self, task: dict[str, Any], *, number: int | None = None) -> list[dict[str, Any]]:
        """What a try of a task has said, the last where no number is given."""
        number = max(task["try_number"], 1) if number is None else number
        found = self._maybe(f"{_path(task)}/logs/{number}?map_index={task['map_index']}&full_content=true")
        return [entry for entry in (found or {}).get("content", []) if isinstance(entry, dict)]

    def _maybe(self, path: str) -> Any:
        try:
            return self._call("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND:
                return None
            raise

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(self.url + path, method=method, headers={"Accept": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        return json.loads(self._answer(request) or b"null")

    # SQLite has one writer: a request that meets a lock is answered with 503 and has changed nothing. Neither has one that
    # only reads, which a busy machine may leave unanswered.
    @retry(
        retry=retry_if_exception(lambda error: _status(error) == _LOCKED or isinstance(error, UnansweredError)),
        wait=wait_fixed(1),
        stop=stop_after_delay(120),
        reraise=True,
    )
    def _answer(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return bytes(answer.read())
        except TimeoutError as error:
            if request.get_method() != "GET":
                raise
            raise UnansweredError(f"no answer to GET {request.full_url} within 30 s") from error


def _status(error: BaseException) -> int | None:
    return error.code if isinstance(error, urllib.error.HTTPError) else None


def _path(task: dict[str, Any]) -> str:
    return f"/api/v2/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'], safe='')}/taskInstances/{task['task_id']}"
