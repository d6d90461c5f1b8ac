"""The smoke test: a DAG of real jobs, triggered through Airflow's REST API and followed to its end.

Runs on this machine (`python -m tools.stack smoke`) and inside the cluster, from the Airflow image, for `skaffold verify`:
standard library and tenacity alone. A day that was run before is answered by its standing receipts, without pods.
"""

from __future__ import annotations

import argparse
import os
import sys

from tools.demo import report
from tools.demo.processes import Died
from tools.demo.progress import wait_for_runs
from tools.demo.rest import Rest

# the smoke DAG takes half a minute; a cluster that still pulls the job image needs the rest
_PATIENCE_SECONDS = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="smoke", description="A DAG of real jobs, followed to its end.")
    parser.add_argument("--url", default="http://localhost:8080", help="Airflow's")
    parser.add_argument("--first", default="2013-02-01", help="the first day")
    parser.add_argument("--days", type=int, default=1)
    asked = parser.parse_args()
    rest = Rest(asked.url)
    try:
        rest.sign_in(os.environ["AIRFLOW_USER"], os.environ["AIRFLOW_PASSWORD"])
        return 0 if passes(rest, first=asked.first, days=asked.days) else 1
    except KeyError as missing:
        print(f"${missing.args[0]} is not set: it and its like are in the Secret airflow-sign-in", file=sys.stderr)
    except (Died, OSError) as error:
        print(f"Airflow at {asked.url}: {error}", file=sys.stderr)
    return 1


def passes(rest: Rest, *, first: str, days: int) -> bool:
    """Whether the week's DAG, cut to so many days, ends well. Prints how its tasks ended, or why they failed."""
    run = rest.trigger("flights_week", {"first": first, "days": days})
    ended = wait_for_runs(rest, "flights_week", 1, lambda: None, seconds=_PATIENCE_SECONDS, run=run)
    (report.print_mapped if ended else report.print_failures)(rest, "flights_week", run)
    return ended


if __name__ == "__main__":
    sys.exit(main())
