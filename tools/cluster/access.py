"""The two files a launcher on this machine needs: a kubeconfig that may do only what a launcher does, and S3's keys."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

import yaml
from tools.cluster.command import ask, kubectl
from tools.cluster.names import LAUNCHER, LAUNCHER_ACCOUNT, NAMESPACE, S3_KEYS, SECRET

# for a cluster on one's own machine; elsewhere a launcher's token is short and renewed
_TOKEN_DURATION = "8760h"


def ensure_secret() -> dict[str, str]:
    """S3's keys: random, and as long-lived as the cluster, for the store starts with them."""
    found = kubectl("get", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found", "-o", "json")
    if found:
        return {key: base64.b64decode(value).decode() for key, value in json.loads(found)["data"].items()}
    keys = {"access-key-id": f"polarpod{secrets.token_hex(6)}", "secret-access-key": secrets.token_urlsafe(30)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": NAMESPACE}}
    # not `apply`, which would leave a copy in an annotation
    kubectl("create", "-f", "-", given=json.dumps(secret | {"stringData": keys}))
    return keys


def write_keys(keys: dict[str, str]) -> dict[str, str]:
    """Writes S3's keys for the launcher. Returns them as variables."""
    variables = {"AWS_ACCESS_KEY_ID": keys["access-key-id"], "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"]}
    _write_private(S3_KEYS, "".join(f"{name}={value}\n" for name, value in variables.items()))
    return variables


def ensure_kubeconfig() -> None:
    """Writes the launcher's kubeconfig, unless the one that is there works on this cluster."""
    if LAUNCHER.exists() and _works():
        return
    admin = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kubectl("create", "token", LAUNCHER_ACCOUNT, "-n", NAMESPACE, f"--duration={_TOKEN_DURATION}").strip()
    name = "polarpod"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": admin["clusters"][0]["cluster"]}],
        "users": [{"name": LAUNCHER_ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": LAUNCHER_ACCOUNT, "namespace": NAMESPACE}}],
    }
    _write_private(LAUNCHER, yaml.safe_dump(config, sort_keys=False))


def _works() -> bool:
    # a cluster made anew has another address and knows no old token
    asked = ask("kubectl", "--kubeconfig", LAUNCHER, "auth", "can-i", "create", "pods")
    return asked.stdout.strip() == "yes"


def _write_private(path: Path, text: str) -> None:
    """Nobody else may read it, not even before it is complete."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
