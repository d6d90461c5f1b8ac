"""What things are called and where they are. `dags/planes.yaml` and the manifests say the same."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
# another name and port beside it make a second cluster, for tests that break one
CLUSTER = os.environ.get("POLARPOD_CLUSTER_NAME", "polarpod")
PORT = os.environ.get("POLARPOD_CLUSTER_PORT", "30900")
# beside it, the same for the local stack of tools/stack
S3_PORT, AIRFLOW_PORT = str(int(PORT) + 1), str(int(PORT) + 2)
# where the plane `kind` of dags/planes.yaml looks
HOME = ROOT / ".polarpod" / ("cluster" if CLUSTER == "polarpod" else CLUSTER)
# what a shell must export, so that the next command means a cluster that is not the default one; planes.yaml reads it too
SETTINGS = (
    {}
    if (CLUSTER, PORT) == ("polarpod", "30900")
    else {"POLARPOD_CLUSTER_NAME": CLUSTER, "POLARPOD_CLUSTER_PORT": PORT, "POLARPOD_CLUSTER_HOME": str(HOME)}
)
ADMIN = HOME / "admin.kubeconfig"
LAUNCHER = HOME / "launcher.kubeconfig"
S3_KEYS = HOME / "s3.env"

NODE = f"{CLUSTER}-control-plane"
NAMESPACE = "polarpod"
LAUNCHER_ACCOUNT = "polarpod-launcher"
SECRET = "polarpod-s3"
GATEWAY = f"http://127.0.0.1:{PORT}"
LAKE = "s3://polarpod/lake"

JOB_IMAGE = "polarpod-job:dev"
GATEWAY_IMAGE = "polarpod-versitygw:dev"
