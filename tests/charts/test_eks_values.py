"""charts/values/eks.yaml, with its capitals replaced as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.charts.helm import CHARTS, Refused, need, template, the_only

# what stands in the file -> what somebody would put there
PLACES = {
    "REGISTRY": "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
    "BUCKET": "my-bucket",
    "DIGEST": f"sha256:{'9' * 64}",
    "REGION": "eu-west-1",
}


def test_the_file_is_an_installation_once_its_capitals_are_replaced(tmp_path: Path) -> None:
    need("helm")
    text = re.sub("|".join(PLACES), lambda found: PLACES[found[0]], (CHARTS / "values/eks.yaml").read_text())
    assert not re.search(r": .*\b[A-Z]{5,}\b", text), "a place that nobody was told of"
    values = tmp_path / "eks.yaml"
    values.write_text(text)
    documents = [one for one in yaml.safe_load_all(template("polarpod", values)) if one]
    binding = the_only(documents, "RoleBinding")
    assert {"kind": "Group", "name": "polarpod-launchers", "apiGroup": "rbac.authorization.k8s.io"} in binding["subjects"]


@pytest.mark.parametrize("place", [pytest.param(place, id=place) for place in PLACES])
def test_capitals_that_were_forgotten_are_told(tmp_path: Path, place: str) -> None:
    need("helm")
    others = {name: text for name, text in PLACES.items() if name != place}
    values = tmp_path / "eks.yaml"
    values.write_text(re.sub("|".join(others), lambda found: others[found[0]], (CHARTS / "values/eks.yaml").read_text()))
    with pytest.raises(Refused, match=place):
        template("polarpod", values)
