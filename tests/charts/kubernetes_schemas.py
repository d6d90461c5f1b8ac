"""Kubernetes' own JSON Schemas, without a network: those that the PyPI package kubernetes-validate brings, in kubeconform's
layout. Its references are absolute paths of a web server; kubeconform swallows that they lead nowhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.charts.helm import lacking

PACKAGE = "kubernetes_validate"


def schemas(version: str) -> Path:
    """The folder with the schemas of a version; made once."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        lacking("no package kubernetes-validate: its schemas are what is validated against")
    assert found
    [package, *_] = found.submodule_search_locations or []
    source = Path(package) / "kubernetes-json-schema" / f"v{version}-local-strict"
    key = hashlib.sha256(str(source).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polarpod"
    target = cache / f"kubernetes-schemas-{version}-{key}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        # renamed when it is whole: tests run beside each other
        making = Path(tempfile.mkdtemp(dir=cache))
        for path in source.glob("*.json"):
            (making / path.name).write_text(json.dumps(_local(json.loads(path.read_text()))))
        try:
            making.rename(target)
        except OSError:
            shutil.rmtree(making)
    return target


def _local(node: Any) -> Any:
    if isinstance(node, list):
        return [_local(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.rpartition("/api/")[2]
        if key == "$ref" and isinstance(value, str) and "_definitions.json" in value
        else _local(value)
        for key, value in node.items()
        if not (key == "$id" and isinstance(value, str))
    }
