"""Why the API server rejected a pod: its answer -> verdict. Pure.

The status code alone is ambiguous: 403 is a quota, a policy, a missing name or a missing right. The rules match Kubernetes'
own wording, unchanged for years and pinned by recordings of a real API server. An unrecognised message is quoted under the
mildest reading of its code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Refusal
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name, quantity

_EXCEEDED = re.compile(r"exceeded quota: ([^,\s]+), requested: (.*?), used: (.*?), limited: (.*)", re.DOTALL)
_NO_REQUEST = re.compile(r"failed quota: ([^:\s]+): must specify ([^\n]+)")
_LIMIT_RANGE = re.compile(r"(maximum|minimum) ([\w./-]+) usage per (\w+) is ([^,\s]+)")
_RATIO = re.compile(r"max limit to request ratio per")
_POD_SECURITY = re.compile(r'violates PodSecurity "([^"]+)": (.*)', re.DOTALL)
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)'.*? denied request: (.*)", re.DOTALL)
_DENIED_BY = re.compile(r'admission webhook "([^"]+)" denied the request')
_FAILED_CALL = re.compile(r'failed calling webhook "([^"]+)"')
_NAMESPACE = re.compile(
    r'namespaces "([^"]+)" not found|unable to create new content in namespace (\S+) because it is being'
)
_SERVICE_ACCOUNT = re.compile(r'error looking up service account \S+: serviceaccount "([^"]+)" not found')
_PRIORITY_CLASS = re.compile(r"no PriorityClass with name (\S+) was found")
_RUNTIME_CLASS = re.compile(r'RuntimeClass "([^"]+)" not found')
_NO_RIGHT = re.compile(r'User "([^"]*)" cannot (\w+) resource "([^"]+)"')
# two pods that are counted at the same moment; the API server rejects one of them, and a retry succeeds
_QUOTA_RACE = re.compile(r"Operation cannot be fulfilled on resourcequotas")
# How long an API server that has just started may return 403 to every client: on a busy machine for some seconds. Rights
# that were revoked permanently are reported that much later.
START_SECONDS = 30.0

# An API server that has just started serves before it has read its roles and namespaces. It creates these roles itself, for
# every user; a role defined by a user may be missing permanently.
_OF_A_START = re.compile(
    r"is forbidden: not yet ready to handle request"
    r'|clusterrole\.rbac\.authorization\.k8s\.io "system:(?:basic-user|discovery|public-info-viewer)" not found'
)
# these codes request a retry; an answer below 400 comes from an intermediary, not from Kubernetes
_COME_AGAIN = (408, 425, 429)


class _Words(NamedTuple):
    """A rule for a message: its pattern, and the verdict on a match."""

    pattern: re.Pattern[str]
    verdict: Callable[[Refusal, re.Match[str]], Verdict]


def refused(refusal: Refusal) -> Verdict:
    """The verdict on a pod that the API server rejected."""
    for words in _BY_WORDS:
        if match := words.pattern.search(refusal.message):
            return words.verdict(refusal, match)
    code = refusal.code
    if code in _COME_AGAIN or not 400 <= code < 500:
        return Verdict(
            category=Category.PLANE_UNREACHABLE,
            summary="the cluster's API server could not take the pod now",
            evidence=_said(refusal),
            remedy="Run it again later. Where it goes on, look at the API server's health: `polarpod doctor --plane`.",
        )
    if code == 401 or (code == 403 and "pods is forbidden" in refusal.message):
        return _denied(refusal)
    if code == 409:
        # a name belongs to one attempt, so the launcher that created that pod launched this attempt as well
        return Verdict(
            category=Category.NOT_STARTED,
            summary="there is a pod of this name already",
            evidence=_said(refusal),
            remedy="Another launcher started this attempt: `polarpod runs` shows it. A new attempt gets a name of its own.",
        )
    if code in (400, 404, 413, 415, 422):
        return Verdict(
            category=Category.REQUEST_INVALID,
            summary="the cluster does not accept this pod as a pod",
            evidence=_said(refusal),
            remedy="Mend what the message names: a key of the plane in planes.yaml, its `template`, or an argument of @job.",
        )
    # the message of an unknown admission plug-in contains `pods "name"`; that of a proxy does not
    return _policy(refusal, "the cluster's admission") if "pods " in refusal.message else _denied(refusal)


def is_of_a_start(refusal: Refusal) -> bool:
    """Whether the API server refuses only because it has just started."""
    return bool(_OF_A_START.search(refusal.message)) and not _DENIED_BY.search(refusal.message)


def may_have_been_done(refusal: Refusal) -> bool:
    """Whether the request may have taken effect: the server timed out while waiting for etcd or another server."""
    return refusal.code in (500, 502, 503, 504) and not any(words.pattern.search(refusal.message) for words in _BY_WORDS)


def _quota(refusal: Refusal, match: re.Match[str]) -> Verdict:
    quota, requested, used, limited = match.groups()
    asked, hard = _amounts(requested), _amounts(limited)
    over = [
        resource
        for resource, amount in asked.items()
        if (want := quantity(amount)) is not None and (have := quantity(hard.get(resource, ""))) is not None and want > have
    ]
    evidence = [fact(f"requested: {requested}"), fact(f"used: {used}"), fact(f"limited: {limited}"), *_code(refusal)]
    if over:
        resources = ", ".join(name(resource) for resource in over)
        return Verdict(
            category=Category.RESOURCES_IMPOSSIBLE,
            summary=f"the pod alone asks for more {resources} than quota {name(quota)} has",
            evidence=evidence,
            remedy="Ask for less with `memory`, `cpu` or `spill` in @job, or have the namespace's ResourceQuota raised.",
        )
    return Verdict(
        category=Category.QUOTA_EXCEEDED,
        summary=f"quota {name(quota)} of the namespace is used up",
        evidence=evidence,
        remedy="It fits once others have ended: run fewer at once (an Airflow pool, `queue` of the plane), or raise it.",
    )


def _amounts(text: str) -> dict[str, str]:
    """Amounts by resource, from "pods=1,requests.memory=1Gi"."""
    return dict(pair.split("=", 1) for pair in text.strip().split(",") if "=" in pair)


def _limit_range(refusal: Refusal, match: re.Match[str]) -> Verdict:
    bound, resource, of, amount = match.groups()
    return Verdict(
        category=Category.RESOURCES_IMPOSSIBLE if bound == "maximum" else Category.WORKER_REFUSED,
        summary=f"a LimitRange of the namespace has {name(amount)} as {bound} {name(resource)} of a {of.lower()}",
        evidence=_said(refusal),
        remedy="Keep within it with `memory`, `cpu` or `spill` in @job (and the plane's `max_memory`), or have it changed.",
    )


def _pod_security(refusal: Refusal, match: re.Match[str]) -> Verdict:
    level, violations = match.groups()
    return Verdict(
        category=Category.WORKER_REFUSED,
        summary=f"the pod violates the namespace's Pod Security level {name(level)}",
        evidence=[fact(violations), *_code(refusal)],
        remedy="polarpod's own pods satisfy `restricted`: take what the message names out of the plane's `template`.",
    )


def _denied(refusal: Refusal, match: re.Match[str] | None = None) -> Verdict:
    right = f": {name(match[1])} may not {match[2]} {match[3]}" if match else ""
    return Verdict(
        category=Category.PLANE_DENIED,
        summary=f"the cluster does not let the launcher create pods{right}",
        evidence=_said(refusal),
        remedy="Check `kubeconfig`, `context` and `namespace` of the plane, and that its identity has the launcher's Role: "
        "`polarpod doctor --plane` lists what is missing.",
    )


def _missing(kind: str, key: str) -> Callable[[Refusal, re.Match[str]], Verdict]:
    def verdict(refusal: Refusal, match: re.Match[str]) -> Verdict:
        found = next((group for group in match.groups() if group), "")
        state = "is being deleted" if "being terminated" in refusal.message else "does not exist"
        return Verdict(
            category=Category.CONFIGURATION_MISSING,
            summary=f"{kind} {name(found)} {state}",
            evidence=_said(refusal),
            remedy=f"Create it, or name another with {key} in planes.yaml.",
        )

    return verdict


def _webhook(refusal: Refusal, match: re.Match[str]) -> Verdict:
    return _policy(refusal, f"admission webhook {name(match[1])}")


def _admission_policy(refusal: Refusal, match: re.Match[str]) -> Verdict:
    return _policy(refusal, f"admission policy {name(match[1])}")


def _policy(refusal: Refusal, who: str) -> Verdict:
    return Verdict(
        category=Category.WORKER_REFUSED,
        summary=f"{who} refused the pod",
        evidence=_said(refusal),
        remedy="Satisfy it with `labels`, `annotations` or the `template` of the plane, or have the namespace exempted.",
    )


def _no_request(refusal: Refusal, match: re.Match[str]) -> Verdict:
    return Verdict(
        category=Category.WORKER_REFUSED,
        summary=f"quota {name(match[1])} wants every container to state {name(match[2])}",
        evidence=_said(refusal),
        remedy="polarpod's worker states them: give the other containers of the plane's `template` requests and limits.",
    )


def _ratio(refusal: Refusal, _: re.Match[str]) -> Verdict:
    return Verdict(
        category=Category.WORKER_REFUSED,
        summary="a LimitRange of the namespace wants request and limit closer together",
        evidence=_said(refusal),
        remedy="Leave `cpu_request` of the plane out, or have the LimitRange changed.",
    )


def _webhook_down(refusal: Refusal, match: re.Match[str]) -> Verdict:
    return Verdict(
        category=Category.PLANE_UNREACHABLE,
        summary=f"admission webhook {name(match[1])} of the cluster does not answer",
        evidence=_said(refusal),
        remedy="Run it again later. Where it goes on, whoever runs the cluster has to mend the webhook.",
    )


def _quota_race(refusal: Refusal, _: re.Match[str]) -> Verdict:
    return Verdict(
        category=Category.PLANE_UNREACHABLE,
        summary="too many pods were created at once for the API server to count them",
        evidence=_said(refusal),
        remedy="Run it again: nothing is wrong with the pod.",
    )


def _starting(refusal: Refusal, _: re.Match[str]) -> Verdict:
    return Verdict(
        category=Category.PLANE_UNREACHABLE,
        summary="the cluster's API server has just started, and does not know yet who may do what",
        evidence=_said(refusal),
        remedy="Run it again in a minute: nothing is wrong with the pod, and no right is known to be missing.",
    )


def _said(refusal: Refusal) -> list[str]:
    return [f"the API server said: {fact(refusal.message)}" if refusal.message.strip() else "no message", *_code(refusal)]


def _code(refusal: Refusal) -> list[str]:
    return [f"HTTP {refusal.code} {name(refusal.reason)}".strip()]


# A webhook's message may quote anything, so its name is matched first; all other messages are Kubernetes' own.
_BY_WORDS = [
    _Words(_DENIED_BY, _webhook),
    _Words(_FAILED_CALL, _webhook_down),
    _Words(_POLICY, _admission_policy),
    _Words(_OF_A_START, _starting),
    _Words(_QUOTA_RACE, _quota_race),
    _Words(_EXCEEDED, _quota),
    _Words(_NO_REQUEST, _no_request),
    _Words(_LIMIT_RANGE, _limit_range),
    _Words(_RATIO, _ratio),
    _Words(_POD_SECURITY, _pod_security),
    # a name in planes.yaml of an object that does not exist: no right is missing, so this is not `plane_denied`
    _Words(_NAMESPACE, _missing("namespace", "`namespace`")),
    _Words(_SERVICE_ACCOUNT, _missing("service account", "`service_account`")),
    _Words(_PRIORITY_CLASS, _missing("priority class", "`priority_class`")),
    _Words(_RUNTIME_CLASS, _missing("runtime class", "the `template`")),
    _Words(_NO_RIGHT, _denied),
]
