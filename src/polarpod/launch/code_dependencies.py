"""The dependencies of a run's rows besides its inputs and parameters, on the plane that it runs on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

# variables of the store's client, which do not affect the rows
_STORE = "AWS_"


def dependencies_of(code: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """A job's dependencies in the code, with the plane's variables, which its worker sees.

    {} where those in the code are unknown. A variable's value is a digest.
    """
    if not code:
        return {}
    variables = {
        f"variable {name}": hashlib.sha256(value.encode()).hexdigest()[:16]
        for name, value in sorted(environment.items())
        if not name.startswith(_STORE)
    }
    return {**code, **variables}
