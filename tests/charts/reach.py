"""Who reaches whom, by the words of NetworkPolicies: for machines whose network enforces none.

Pods of one namespace, and somebody outside. What a policy selects is closed but for what any of them allows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Labels: TypeAlias = dict[str, str]
Policy: TypeAlias = dict[str, Any]
# of somebody outside: no pod, some address
OUTSIDE: Labels = {"an address": "172.18.0.1"}


def reaches(policies: list[Policy], source: Labels, target: Labels, port: int) -> bool:
    """Whether a TCP connection from one pod to another's port is allowed on both ends."""
    leaves = source is OUTSIDE or _open(policies, "Egress", source, target, port)
    return leaves and _open(policies, "Ingress", target, source, port)


def _open(policies: list[Policy], direction: str, pod: Labels, other: Labels, port: int) -> bool:
    key, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    selecting = [one["spec"] for one in policies if direction in one["spec"]["policyTypes"]]
    selecting = [spec for spec in selecting if _selects(spec["podSelector"], pod)]
    rules = [rule for spec in selecting for rule in spec.get(key) or []]
    # nothing that selects it: all is open; a rule that names nobody is for everybody
    return not selecting or any(
        (not rule.get(peers) or any(_is(peer, other) for peer in rule[peers]))
        and (not rule.get("ports") or {"protocol": "TCP", "port": port} in rule["ports"])
        for rule in rules
    )


def _is(peer: dict[str, Any], pod: Labels) -> bool:
    if "ipBlock" in peer:
        # whether a pod's address counts is each network's own affair, so nothing may hang on it
        return pod is OUTSIDE and peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    # all that is asked about is in one namespace, which no policy of the charts names
    return pod is not OUTSIDE and "namespaceSelector" not in peer and _selects(peer["podSelector"], pod)


def _selects(selector: dict[str, Any], labels: Labels) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(_holds(one, labels) for one in selector.get("matchExpressions", []))


def _holds(requirement: dict[str, Any], labels: Labels) -> bool:
    assert requirement["operator"] == "In"
    return labels.get(requirement["key"]) in requirement["values"]
