"""Airflow as three processes on loopback: API server with its UI, scheduler with LocalExecutor, DAG processor; on SQLite."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import time
from pathlib import Path

from tools.demo.processes import Died, Processes
from tools.demo.rest import Rest

# on two busy cores it has taken forty seconds
_START_SECONDS = 180.0
# SQLite has one writer at a time; by default the others give up after five seconds
_LOCK_SECONDS = 60


class Airflow:
    """One Airflow with a home of its own, which starts empty each time."""

    def __init__(self, program: Path, home: Path, dags: Path, more: dict[str, str]) -> None:
        shutil.rmtree(home, ignore_errors=True)
        # its configuration and its database hold keys
        home.mkdir(mode=0o700, parents=True)
        self._program = str(program)
        self._database = home / "airflow.db"
        self._port = _free_port()
        self.rest = Rest(f"http://127.0.0.1:{self._port}")
        self.processes = Processes(home, _environment(self.rest.url, self._port, home, dags) | more)

    def prepare(self) -> None:
        """Begins to make the database; takes a while, and needs nobody."""
        self.processes.start("migrate", self._program, "db", "migrate")

    def start(self, *dag_ids: str) -> None:
        """Starts Airflow but for its scheduler, and waits until it answers and knows these DAGs.

        Raises:
            Died: it will not.
        """
        self.processes.wait("migrate")
        with contextlib.closing(sqlite3.connect(self._database)) as database:
            # readers and the writer no longer wait for each other; the file remembers it
            database.execute("PRAGMA journal_mode=WAL")
        port = str(self._port)
        self.processes.start(
            "api-server", self._program, "api-server", "--workers", "1", "--host", "127.0.0.1", "--port", port
        )
        self.processes.start("dag-processor", self._program, "dag-processor")
        limit = time.monotonic() + _START_SECONDS
        while not self.rest.healthy():
            self._still(limit, "api-server")
        self.rest.log_in()
        while not all(self.rest.knows_dag(dag_id) for dag_id in dag_ids):
            if errors := self.rest.import_errors():
                raise Died("\n".join(errors))
            self._still(limit, "dag-processor")

    def schedule(self) -> None:
        """Starts the scheduler. After the backfill is asked for: a scheduler that sees half of one on SQLite dies of it."""
        self.processes.start("scheduler", self._program, "scheduler", "--skip-serve-logs")

    def _still(self, limit: float, name: str) -> None:
        self.processes.check()
        if time.monotonic() > limit:
            raise Died(f"Airflow did not come up\n{self.processes.tail(name)}")
        time.sleep(0.25)


def _environment(url: str, port: int, home: Path, dags: Path) -> dict[str, str]:
    """The caller's environment with an Airflow configuration that owes nothing to the caller's."""
    settings = {
        ("CORE", "DAGS_FOLDER"): str(dags),
        ("CORE", "LOAD_EXAMPLES"): "False",
        ("CORE", "EXECUTOR"): "LocalExecutor",
        # a task waits for its worker most of the time, so a little more than this machine has cores
        ("CORE", "PARALLELISM"): str((os.cpu_count() or 2) + 1),
        ("CORE", "DAGS_ARE_PAUSED_AT_CREATION"): "False",
        ("CORE", "SIMPLE_AUTH_MANAGER_ALL_ADMINS"): "True",
        ("CORE", "EXECUTION_API_SERVER_URL"): f"{url}/execution/",
        ("CORE", "FERNET_KEY"): "",
        ("DATABASE", "SQL_ALCHEMY_CONN"): f"sqlite:///{home}/airflow.db?timeout={_LOCK_SECONDS}",
        ("API", "HOST"): "127.0.0.1",
        ("API", "PORT"): str(port),
        ("API", "BASE_URL"): url,
        ("API", "WORKERS"): "1",
        # one for all processes: each would else invent its own
        ("API", "SECRET_KEY"): os.urandom(32).hex(),
        ("API_AUTH", "JWT_SECRET"): os.urandom(48).hex(),
        ("LOGGING", "BASE_LOG_FOLDER"): str(home / "logs"),
        ("LOGGING", "WORKER_LOG_SERVER_PORT"): str(_free_port()),
        ("SCHEDULER", "ENABLE_HEALTH_CHECK"): "False",
        ("SCHEDULER", "SCHEDULER_IDLE_SLEEP_TIME"): "0.2",
        ("DAG_PROCESSOR", "PARSING_PROCESSES"): "1",
        ("DAG_PROCESSOR", "REFRESH_INTERVAL"): "5",
        ("DAG_PROCESSOR", "MIN_FILE_PROCESS_INTERVAL"): "300",
        ("USAGE_DATA_COLLECTION", "ENABLED"): "False",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return (
        kept
        | {f"AIRFLOW__{section}__{key}": value for (section, key), value in settings.items()}
        | {"AIRFLOW_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "SCARF_ANALYTICS": "false"}
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
