"""What the stack is called and where it is reached from this machine; tools/cluster/kind.yaml opens the ports."""

from __future__ import annotations

import os

from tools.cluster.names import AIRFLOW_PORT, ROOT, S3_PORT

RELEASE = "polarpod-local"
# What `skaffold dev` installs. skaffold uninstalls its release whenever it ends, even where it failed before it deployed
# anything, so it must never share a release with `make up`.
DEV_RELEASE = DEV_NAMESPACE = "polarpod-dev"
NAMESPACE = os.environ.get("POLARPOD_STACK_NAMESPACE", "polarpod-local")
CHART, PLANE_CHART = ROOT / "charts/polarpod-local", ROOT / "charts/polarpod"

# of the node; which ports of this machine lead there is kind.yaml's business
S3_NODE_PORT, AIRFLOW_NODE_PORT = 30901, 30902
S3 = f"http://127.0.0.1:{S3_PORT}"
AIRFLOW = f"http://127.0.0.1:{AIRFLOW_PORT}"
LAKE = "s3://polarpod/lake"
