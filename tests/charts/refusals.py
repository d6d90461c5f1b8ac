"""What helm says to values that cannot work, and a short way to write such values down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.charts.helm import Refused, need, template, values_of


def refusal(tmp_path: Path, chart: str, changes: dict[str, Any], *, release: str | None = None) -> str:
    """What helm says to the least values of a chart with these changes, as one line."""
    need("helm")
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(merged(values_of(chart, "default"), changes)))
    with pytest.raises(Refused) as caught:
        template(chart, path, release=release)
    return " ".join(str(caught.value).split())


def merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    made = dict(ours)
    for key, value in theirs.items():
        known = made.get(key)
        made[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return made


def say(place: str, value: Any) -> dict[str, Any]:
    """ "plane.state", "x" -> {"plane": {"state": "x"}}."""
    for key in reversed(place.split(".")):
        value = {key: value}
    return dict(value)
