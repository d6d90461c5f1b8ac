"""What things are called and where they are. `dags/planes.yaml` and the manifests say the same."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
# where the plane `kind` of dags/planes.yaml looks
HOME = ROOT / ".polarpod" / "cluster"
ADMIN = HOME / "admin.kubeconfig"
LAUNCHER = HOME / "launcher.kubeconfig"
S3_KEYS = HOME / "s3.env"

CLUSTER = "polarpod"
NODE = f"{CLUSTER}-control-plane"
NAMESPACE = "polarpod"
LAUNCHER_ACCOUNT = "polarpod-launcher"
SECRET = "polarpod-s3"
GATEWAY = "http://127.0.0.1:30900"
LAKE = "s3://polarpod/lake"

JOB_IMAGE = "polarpod-job:dev"
GATEWAY_IMAGE = "polarpod-versitygw:dev"
