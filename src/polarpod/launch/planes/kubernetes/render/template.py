"""A user's own pod template, merged into polarpod's: sidecars, volumes, affinities, anything a cluster's rules require.

The template only adds. A value that contradicts polarpod's, or that weakens the worker, is rejected with a reason and its
path in the template: a value that was silently dropped would be hard to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.render.manifest import render
from polarpod.launch.planes.kubernetes.status import WORKER

# the key that identifies a list's member in both
_NAMED_BY = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
}
# an image may be built for another user; root is refused below
_MAY_DIFFER = {
    "spec.securityContext.runAsUser",
    "spec.securityContext.runAsGroup",
    "spec.securityContext.fsGroup",
}
# where the value belongs instead
_ELSEWHERE = {
    "image": "`image` of the plane",
    "imagePullPolicy": "`image_pull_policy` of the plane",
    "serviceAccountName": "`service_account` of the plane",
    "memory": "`memory` in @job",
    "cpu": "`cpu` in @job or `cpu_request` of the plane",
    "ephemeral-storage": "`spill` of the plane",
    "sizeLimit": "`spill` of the plane",
    "activeDeadlineSeconds": "`deadline_seconds` in @job",
    "terminationGracePeriodSeconds": "`grace_seconds` in @job",
    "priorityClassName": "`priority_class` of the plane",
}
# Pod Security Standard `restricted`, version 1.34
_SAFE_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_SAFE_SECCOMP = ("RuntimeDefault", "Localhost")


def pod_of(context: Context, data: bytes, plane: KubernetesPlane) -> dict[str, Any]:
    """The pod of an attempt: polarpod's manifest, with the plane's template where it has one.

    Raises:
        PolarpodError: the template cannot be used.
    """
    manifest = render(context, data, plane)
    if plane.template is None:
        return manifest
    path = Path(plane.template)
    return merged(manifest, load_template(path), source=path)


def load_template(path: Path) -> dict[str, Any]:
    """A pod template from a file: a Pod, or a mapping with metadata and spec.

    Raises:
        PolarpodError: it cannot be read, or is not a pod template.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise _wrong(path, [f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"]) from None
    if not isinstance(found, dict) or not isinstance(found.get("spec", {}), dict):
        raise _wrong(path, ["it must be a mapping with spec, or metadata and spec"])
    extra = sorted(set(found) - {"apiVersion", "kind", "metadata", "spec"})
    if extra or found.get("kind", "Pod") != "Pod":
        raise _wrong(path, [f"it must be a Pod; it has {', '.join(extra) or found.get('kind')}"])
    return found


def merged(manifest: Mapping[str, Any], template: Mapping[str, Any], *, source: Path) -> dict[str, Any]:
    """The manifest with what the template adds.

    Raises:
        PolarpodError: the template contradicts the manifest, or weakens it; every place is listed.
    """
    problems: list[str] = []
    added = {key: value for key, value in template.items() if key in ("metadata", "spec")}
    made: dict[str, Any] = _merge(deepcopy(dict(manifest)), deepcopy(added), "", problems)
    problems += list(_weaknesses(made))
    if problems:
        raise _wrong(source, problems)
    return made


def _merge(ours: Any, theirs: Any, place: str, problems: list[str]) -> Any:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in theirs.items():
            inner = f"{place}.{key}".lstrip(".")
            ours[key] = _merge(ours[key], value, inner, problems) if key in ours else value
        return ours
    if isinstance(ours, list) and isinstance(theirs, list):
        return _merge_lists(ours, theirs, place, problems)
    if ours != theirs and place not in _MAY_DIFFER:
        key = place.rpartition(".")[2]
        instead = f"set {_ELSEWHERE[key]} instead" if key in _ELSEWHERE else "leave it out"
        problems.append(f"{place}: polarpod sets {ours!r}, the template {theirs!r}; {instead}")
        return ours
    return theirs


def _merge_lists(ours: list[Any], theirs: list[Any], place: str, problems: list[str]) -> list[Any]:
    named_by = _NAMED_BY.get(place.rpartition(".")[2])
    if named_by is None:
        return ours + [one for one in theirs if one not in ours]
    known = {one.get(named_by): index for index, one in enumerate(ours)}
    for one in theirs:
        name = one.get(named_by) if isinstance(one, dict) else None
        if name is None:
            problems.append(f"{place}: every member needs `{named_by}`")
        elif name in known:
            ours[known[name]] = _merge(ours[known[name]], one, f"{place}[{name}]", problems)
        else:
            ours.append(one)
    return ours


def _weaknesses(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is below Pod Security Standard `restricted`, or grants the worker what it must not have."""
    spec = pod["spec"]
    for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        if spec.get(key):
            yield f"spec.{key}: a worker must not share the node's or its neighbours' namespaces"
    security = spec.get("securityContext") or {}
    if security.get("runAsUser") == 0:
        yield "spec.securityContext.runAsUser: a worker must not run as root"
    if security.get("sysctls"):
        yield "spec.securityContext.sysctls: a worker must not set the node's parameters"
    for volume in spec.get("volumes") or ():
        kinds = sorted(set(volume) - {"name"} - _SAFE_VOLUMES)
        if kinds:
            yield f"spec.volumes[{volume.get('name')}].{kinds[0]}: pod security `restricted` does not allow it"
        for one in (volume.get("projected") or {}).get("sources") or ():
            audience = (one.get("serviceAccountToken") or {}).get("audience") if isinstance(one, dict) else None
            if isinstance(one, dict) and "serviceAccountToken" in one and not audience:
                yield f"spec.volumes[{volume.get('name')}].projected: a worker gets no token for the API server"
    for kind in ("initContainers", "containers"):
        for container in spec.get(kind) or ():
            yield from _container_weaknesses(f"spec.{kind}[{container.get('name')}]", container)


def _container_weaknesses(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    security = container.get("securityContext") or {}
    capabilities = security.get("capabilities") or {}
    if security.get("privileged"):
        yield f"{place}.securityContext.privileged: a privileged container owns the node"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{place}.securityContext.allowPrivilegeEscalation: must be false"
    if security.get("runAsNonRoot") is False or security.get("runAsUser") == 0:
        yield f"{place}.securityContext: must not run as root"
    if "ALL" not in (capabilities.get("drop") or ()):
        yield f"{place}.securityContext.capabilities.drop: must have ALL"
    if extra := sorted(set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}):
        yield f"{place}.securityContext.capabilities.add: {', '.join(extra)} is not allowed"
    if (profile := security.get("seccompProfile")) and profile.get("type") not in _SAFE_SECCOMP:
        yield f"{place}.securityContext.seccompProfile: {profile.get('type')} is not allowed"
    if security.get("procMount") not in (None, "Default"):
        yield f"{place}.securityContext.procMount: must be Default"
    if any(port.get("hostPort") for port in container.get("ports") or ()):
        yield f"{place}.ports: hostPort takes the node's port"
    if container.get("name") != WORKER and not (container.get("resources") or {}).get("limits", {}).get("memory"):
        yield f"{place}.resources.limits.memory: a container without a limit takes it from the worker"


def _wrong(path: Path, problems: list[str]) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the plane's pod template cannot be used",
        evidence=[str(path), *problems],
        remedy="Correct these places; docs/planes.md says what a template may add.",
    )
