"""`helm test`: what a worker must not reach is closed to a pod that wears a worker's labels.

Many networks accept NetworkPolicies and enforce none. ENFORCED says what to make of that: `true` fails, `auto` says so
plainly and passes, `false` only tells. CLOSED lists host:port of what listens and must not be reached; ALLOWED those of
them that the policy lets through by its own words (everywhere on 443 includes the API server), which prove nothing.
"""

# ruff: noqa: T201 - its log is what a person reads
import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 3
# some networks let a new pod through until its policies have arrived
PATIENCE_SECONDS = 30
# answers on clouds only, so that its silence proves nothing; that it answers is a hole whatever else is closed
METADATA = "169.254.169.254:80"


def connects(target):
    """Whether a TCP connection is made. Raises gaierror for a name that nobody knows, which proves nothing."""
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except socket.gaierror:  # an OSError, too
        raise
    except OSError:
        return False
    return True


def stays_open(target, patience=PATIENCE_SECONDS):
    """Whether a target can still be reached when a network has had the time to close it."""
    limit = time.monotonic() + patience
    while connects(target):
        if time.monotonic() > limit:
            return True
        time.sleep(1)
    return False


def judge(enforced, listening, allowed, metadata):
    """(exit code, what to say).

    Args:
        enforced: "true", "auto" or "false".
        listening: target -> whether it was reached, of what certainly listens.
        allowed: targets that the policy allows.
        metadata: whether the instance metadata was reached.
    """
    holes = [target for target, reached in listening.items() if reached and target not in allowed] + [METADATA] * metadata
    closed = [target for target, reached in listening.items() if not reached]
    if holes and closed:
        return 1, (
            f"FAILED: this cluster's network enforces policies, and still a worker reaches {', '.join(holes)}. Look for "
            "another NetworkPolicy that selects workers, for policies only ever add: kubectl get networkpolicies."
        )
    if holes:
        told = f"this cluster's network does not enforce NetworkPolicies: a worker reaches {', '.join(holes)}."
        if enforced != "true":
            return 0, f"WARNING: {told} Workers are fenced in by their identities alone."
        return 1, (
            f"FAILED: {told} Install or switch on a network that does (on EKS: network policies of the VPC CNI), or set "
            "tests.egressEnforced to auto."
        )
    if closed:
        return 0, f"ok: a worker does not reach {', '.join(closed)}."
    told = "all that was tried is allowed: networkPolicy.objectStore.to, or extraEgress, is everywhere on its port"
    if enforced != "true":
        return 0, f"WARNING: {told}. Whether this network enforces policies is not known."
    return 1, (
        f"FAILED: {told}, so that nothing is proved. Name the store's own addresses there, or in tests.closed something "
        "that listens on another port."
    )


def main(environment):
    """Tries everything, all at once: each waits for the network. Returns the exit code."""
    targets = environment["CLOSED"].split()
    with ThreadPoolExecutor() as pool:
        metadata_tried = pool.submit(stays_open, METADATA)
        tried = [(target, pool.submit(stays_open, target)) for target in targets]
    listening = {}
    for target, one in tried:
        try:
            listening[target] = one.result()
        except socket.gaierror as error:
            print(f"FAILED: {target} cannot be resolved ({error}). Correct tests.closed, or networkPolicy.dns.to.")
            return 1
        print("open  " if listening[target] else "closed", target)
    metadata = metadata_tried.result()
    print("open  " if metadata else "closed", METADATA)
    code, told = judge(environment["ENFORCED"], listening, environment["ALLOWED"].split(), metadata)
    print(told)
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
