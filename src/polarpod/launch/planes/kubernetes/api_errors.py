"""Translation of a Kubernetes client's exceptions.

A rejected request is a `Refusal` for `diagnose`; an unreachable server, or an invalid request, is a PolarpodError. Neither
contains response headers or request bodies: they carry tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from kubernetes.client.exceptions import ApiException

from polarpod.contract.redact import redact
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.status import Refusal
from polarpod.launch.planes.kubernetes.verdicts.refusals import refused

_LONGEST_TEXT = 500
_NO_HANDSHAKE = re.compile(r"certificate|handshake|wrong version number|unknown ca|protocol version", re.IGNORECASE)


class Refused(Exception):
    """The API server rejected a request."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(f"{refusal.code} {refusal.reason}: {refusal.message}")


class NoAnswer(PolarpodError):
    """A request was sent and no answer returned: it may have taken effect."""


def told(refusal: Refusal) -> PolarpodError:
    """A refusal as a PolarpodError, for callers that do not handle `Refused`."""
    verdict = refused(refusal)
    return PolarpodError(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)


def unusable(where: str, error: Exception, *, remedy: str = "") -> PolarpodError:
    """The error for a cluster configuration that no client can be built from."""
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the cluster's configuration cannot be used",
        evidence=[where, _words(error)],
        remedy=remedy
        or "Correct `kubeconfig` and `context` of the plane; `kubectl config get-contexts` lists them. "
        "`make cluster` writes those of a local cluster.",
    )


def unreachable(where: str, words: str, *, sent: bool = False) -> PolarpodError:
    """The error for a server that did not answer.

    Args:
        sent: whether the request may have reached the server; the error is then a NoAnswer.
    """
    expired = "certificate" in words.lower()
    return (NoAnswer if sent else PolarpodError)(
        Category.PLANE_UNREACHABLE,
        "the cluster's API server cannot be reached",
        evidence=[where, words],
        remedy="Its certificate is not the one the kubeconfig trusts: get a fresh kubeconfig."
        if expired
        else "Check that the cluster is up and this machine can reach it: `kubectl cluster-info` with the same kubeconfig.",
    )


@contextmanager
def in_words(where: str) -> Iterator[None]:
    """Converts a client's exceptions into Refused or a PolarpodError."""
    try:
        yield
    except ApiException as error:
        if error.status:
            raise Refused(_refusal(error)) from None
        raise unreachable(where, str(error.reason)) from None
    except urllib3.exceptions.LocationValueError as error:
        raise unusable(where, error) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise unreachable(where, _words(error), sent=_was_sent(error)) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # a truncated answer, or one from an intermediary
        raise unreachable(where, f"its answer is no JSON: {_words(error)}", sent=True) from None
    except ValueError as error:  # a token or an address that is invalid in a request
        raise unusable(where, error) from None


def _was_sent(error: Exception) -> bool:
    """Whether a request may have reached the server. A connection that was never established has its own error types."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(cause, urllib3.exceptions.SSLError):
        # TLS can fail at any time; these errors precede any request
        return not _NO_HANDSHAKE.search(str(cause))
    never = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError
    return not isinstance(cause, never)


def _refusal(error: ApiException) -> Refusal:
    try:
        body = json.loads(error.body)
        reason, message = str(body.get("reason") or ""), str(body.get("message") or "")
    except (TypeError, ValueError, AttributeError):
        # not a Status object: a proxy's page, of arbitrary content
        reason, message = str(error.reason or ""), ""
    return Refusal(int(error.status), reason, redact(message)[:2000])


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {redact(' '.join(str(error).split()))[:_LONGEST_TEXT]}"
