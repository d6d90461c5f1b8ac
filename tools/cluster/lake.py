"""A few days of raw data in the cluster's S3 store."""

from __future__ import annotations

import datetime as dt
import sys
import time
import urllib.error
import urllib.request

from obstore.store import from_url
from tools.cluster.command import Failed, run

FIRST, DAYS = "2013-02-01", 3
# between a pod that is ready and a node port that leads to it lie some rounds of kube-proxy
_PATIENCE_SECONDS = 30.0


def wait(store: str, *, namespace: str, deployment: str) -> None:
    """Waits until the store at that URL answers this machine."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{store}/health", timeout=2).close()
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > limit:
                raise Failed(
                    f"the S3 store does not answer on {store}",
                    evidence=[str(error)],
                    remedy=f"See `kubectl logs -n {namespace} deployment/{deployment}`, and that nothing else has the port.",
                ) from None
            time.sleep(0.2)
        else:
            return


def is_landed(keys: dict[str, str], *, store: str, to: str, days: int = DAYS) -> bool:
    """Whether the last of the files is there, which is asked in no time."""
    last = dt.date.fromisoformat(FIRST) + dt.timedelta(days=days - 1)
    folder = from_url(
        to,
        endpoint=store,
        region="us-east-1",
        access_key_id=keys["AWS_ACCESS_KEY_ID"],
        secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )
    try:
        folder.head(f"raw/weather/ds={last}/weather.ndjson")
    except FileNotFoundError:
        return False
    return True


def land(keys: dict[str, str], *, store: str, to: str, days: int = DAYS) -> str:
    """Lands the days. Returns what the upstream says about it."""
    reach = {"AWS_ENDPOINT_URL": store, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
    script = [sys.executable, "examples/land_flights.py", "--lake", to, "--from", FIRST, "--days", str(days)]
    return run(*script, environment=keys | reach, remedy=f"See whether {store} answers.").strip()
