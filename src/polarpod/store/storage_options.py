"""Converts `Storage` to the options of the three libraries that access an object store.

The options hold no credentials: each library reads AWS_* and the pod's identity from the environment by itself.
Retries bridge an outage of two seconds, as when the store's pod or a proxy is replaced: connections are then refused at
once, so the pauses between tries must add up to that. Measured against an unreachable endpoint, each library gives up within
about ten seconds with these limits, where the defaults take minutes; longer waits belong to an Airflow retry or the next
attempt.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.location import is_local

_CONNECT_SECONDS = 3
_REQUEST_SECONDS = 60
_RETRIES = 5
_RETRY_SECONDS = 8
# pauses between tries: the first is at least, and the last at most, this long
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=0.4), timedelta(seconds=2)
# Polars' own pauses are longer: two seconds in total between three tries
_POLARS_RETRIES = 3
# AWS needs a region to sign; other stores accept any.
_DEFAULT_REGION = "us-east-1"
# the libraries panic on anything else, such as "localhost:9000"
_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[!-~]*)?")
_HIGHEST_PORT = 65535


def polars_options(uri: str, storage: Storage) -> dict[str, Any]:
    """Keyword arguments of Polars' scans and sinks for a place."""
    return {} if is_local(uri) else {"storage_options": for_polars(storage)}


def deltalake_options(uri: str, storage: Storage) -> dict[str, str] | None:
    """`storage_options` of deltalake for a place."""
    return None if is_local(uri) else for_deltalake(storage)


def for_polars(storage: Storage) -> dict[str, Any]:
    """`storage_options` of Polars; numbers must be numbers there, not text."""
    options: dict[str, Any] = {
        "max_retries": _POLARS_RETRIES,
        "retry_timeout_ms": _RETRY_SECONDS * 1000,
        # for one whole request with its body; without it Polars waits for ever where an endpoint accepts and sends nothing
        "timeout": f"{_REQUEST_SECONDS}s",
        "connect_timeout": f"{_CONNECT_SECONDS}s",
    }
    if storage.endpoint_url:
        options["aws_endpoint_url"] = checked(storage.endpoint_url)
    if storage.endpoint_url or storage.region:
        options["aws_region"] = storage.region or _DEFAULT_REGION
    if storage.virtual_hosted:
        options["aws_virtual_hosted_style_request"] = "true"
    return options


def for_deltalake(storage: Storage) -> dict[str, str]:
    """`storage_options` of deltalake; every value must be text."""
    options = {
        "timeout": f"{_REQUEST_SECONDS}s",
        "connect_timeout": f"{_CONNECT_SECONDS}s",
        "max_retries": str(_RETRIES),
        "retry_timeout": f"{_RETRY_SECONDS}s",
        "backoff_config.init_backoff": f"{_FIRST_PAUSE.total_seconds():g}s",
        "backoff_config.max_backoff": f"{_LONGEST_PAUSE.total_seconds():g}s",
    }
    if storage.endpoint_url:
        options["aws_endpoint_url"] = checked(storage.endpoint_url)
    if storage.endpoint_url or storage.region:
        options["aws_region"] = storage.region or _DEFAULT_REGION
    if storage.allow_http:
        options["allow_http"] = "true"
    if storage.virtual_hosted:
        options["aws_virtual_hosted_style_request"] = "true"
    return options


def for_obstore(storage: Storage) -> dict[str, Any]:
    """Keyword arguments of obstore's S3Store."""
    options: dict[str, Any] = {
        "client_options": {
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=_REQUEST_SECONDS),
            "allow_http": storage.allow_http,
        },
        "retry_config": {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
            "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
        },
        "virtual_hosted_style_request": storage.virtual_hosted,
    }
    if storage.endpoint_url:
        options["endpoint"] = checked(storage.endpoint_url)
    if storage.endpoint_url or storage.region:
        options["region"] = storage.region or _DEFAULT_REGION
    return options


def checked(url: str) -> str:
    """The endpoint, unchanged. Raises PolarpodError where it is not a URL that a client can call."""
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them

    port = re.search(r":(\d+)(?:/|$)", url.partition("://")[2])
    if _ENDPOINT.fullmatch(url) and (port is None or 0 < int(port[1]) <= _HIGHEST_PORT):
        return url
    raise PolarpodError(
        Category.REQUEST_INVALID,
        "the object store's endpoint is not a URL",
        evidence=[f"endpoint_url = {redact(url)[:200]!r}"],
        remedy="Write it with its scheme: https://host, or http://host:9000 together with allow_http.",
    )
