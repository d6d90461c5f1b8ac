"""What an API server's answer means in words, or that there is none.

What it refuses is a `Refusal` for `diagnose`; that it cannot be reached, or that no request can be made, is a PolarpodError.
Response headers and request bodies stay out of both: they carry tokens.
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
    """The API server answered, and the answer is no."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(f"{refusal.code} {refusal.reason}: {refusal.message}")


class NoAnswer(PolarpodError):
    """A request went out, and no answer came back: what it asked for may have been done."""


def told(refusal: Refusal) -> PolarpodError:
    """A refusal in words, where nobody can make more of it."""
    verdict = refused(refusal)
    return PolarpodError(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)


def unusable(where: str, error: Exception, *, remedy: str = "") -> PolarpodError:
    """A cluster's configuration that no client can be made of, in words."""
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the cluster's configuration cannot be used",
        evidence=[where, _words(error)],
        remedy=remedy
        or "Correct `kubeconfig` and `context` of the plane; `kubectl config get-contexts` lists them. "
        "`make cluster` writes those of a local cluster.",
    )


def unreachable(where: str, words: str, *, sent: bool = False) -> PolarpodError:
    """A server that did not answer, in words.

    Args:
        sent: the request may have come through: NoAnswer.
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
    """Turns what a client raises into Refused, or a PolarpodError."""
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
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # half an answer, or one of something in between
        raise unreachable(where, f"its answer is no JSON: {_words(error)}", sent=True) from None
    except ValueError as error:  # a token or an address that no request can be made of
        raise unusable(where, error) from None


def _was_sent(error: Exception) -> bool:
    """Whether a request may have come through. A connection that was never made is told apart by its own errors."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(cause, urllib3.exceptions.SSLError):
        # TLS can break at any time; these end it before anything is said
        return not _NO_HANDSHAKE.search(str(cause))
    never = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError
    return not isinstance(cause, never)


def _refusal(error: ApiException) -> Refusal:
    try:
        body = json.loads(error.body)
        reason, message = str(body.get("reason") or ""), str(body.get("message") or "")
    except (TypeError, ValueError, AttributeError):
        # not a Status object: a proxy in between, whose page may hold anything
        reason, message = str(error.reason or ""), ""
    return Refusal(int(error.status), reason, redact(message)[:2000])


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {redact(' '.join(str(error).split()))[:_LONGEST_TEXT]}"
