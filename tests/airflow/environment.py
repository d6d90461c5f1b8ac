"""A fresh AIRFLOW_HOME. To be imported before Airflow, which reads its configuration when it is first imported."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec

# Without Airflow there is nothing to test: `make test` has two environments that have it. (A folder that is called
# airflow, as this one, has a spec too, but no origin.)
_spec = find_spec("airflow")
HAS_AIRFLOW = bool(_spec and _spec.origin)

HOME = tempfile.mkdtemp(prefix="polarpod-airflow-tests-") if HAS_AIRFLOW else ""
# all of it is said here; of the caller's nothing counts
_KEPT = ("POLARPOD_WORKER_PYTHON", "POLARPOD_CLUSTER_REQUIRED")
_SETTINGS = {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": f"{HOME}/dags",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
if HAS_AIRFLOW:
    for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "POLARPOD_")) and name not in _KEPT]:
        del os.environ[_name]
    os.environ |= _SETTINGS
