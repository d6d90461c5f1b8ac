"""Objects that a pod references and that do not exist: Secrets, ConfigMaps, claims, their keys, paths of the node. Pure."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.verdicts.sanitize import name
from polarpod.launch.planes.kubernetes.verdicts.slow_start import slow

_MISSING = re.compile(
    r'(secret|configmap|persistentvolumeclaim) "([^"]+)" (?:not found|not registered)'
    r"|couldn't find key (\S+) in (Secret|ConfigMap) (\S+)"
    r"|references non-existent (secret|config) key: (\S+)"
    r"|hostPath type check failed: (.*)",
    re.IGNORECASE,
)
# a kubelet that has just started has not read the namespace's objects yet
_NOT_REGISTERED = "not registered"


def missing(message: str, said: list[str], what: str) -> Verdict:
    match = None if _NOT_REGISTERED in message else _MISSING.search(message)
    if match is None:
        return slow(f"{what} could not be configured yet", said)
    kind, named, key, holder, held, reference, absent, path = match.groups()
    if named:
        summary = f"{kind.lower()} {name(named)} does not exist in the plane's namespace"
    elif key:
        summary = f"{holder.lower()} {name(held.rpartition('/')[2])} has no key {name(key)}"
    elif reference:
        summary = f"a {reference} of the pod's volumes has no key {name(absent)}"
    else:
        summary = f"a path of the node is not what the pod's template says: {name(path)}"
    return Verdict(
        category=Category.CONFIGURATION_MISSING,
        summary=summary,
        evidence=said,
        remedy="Create it, or mend `environment_from_secrets` or the `template` of the plane.",
    )
