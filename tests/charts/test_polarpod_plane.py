"""The plane in the values of charts/polarpod, beside the planes that polarpod reads."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml
from tests.charts.helm import CHARTS, need, scenario_path, template

from polarpod.launch.plane import KubernetesPlane

# keys of a plane that no value sets, and why
_NOT_VALUES = {
    "kind": "always kubernetes",
    "namespace": "the release's",
    "image": "from `image`",
    "image_pull_policy": "from `image`",
    "image_pull_secrets": "from `image`",
    "service_account": "from `serviceAccounts`",
    "service_accounts": "from `serviceAccounts`",
    "queue": "from `queue`",
    "priority_class": "from `priorityClass`",
    "template": "always the one beside it",
    "kubeconfig": "a file of one launcher's machine",
    "context": "a file of one launcher's machine",
    "credentials": "a file of one launcher's machine; here it means a Secret",
    "python": "of one launcher's machine",
    "jobs": "of one launcher's machine",
}


def test_every_key_of_a_plane_can_be_set_or_is_known_not_to_be() -> None:
    defaults = yaml.safe_load((CHARTS / "polarpod" / "values.yaml").read_text())
    plane = {"".join(f"_{one.lower()}" if one.isupper() else one for one in key) for key in defaults["plane"]} - {"name"}
    fields = set(KubernetesPlane.__struct_fields__) | {"kind"}
    assert plane - fields == set(), "values that planes.yaml does not know"
    assert fields - plane == set(_NOT_VALUES) - {"credentials"}


def test_the_copy_for_an_airflow_elsewhere_is_what_the_readme_says_and_the_same(tmp_path: Path) -> None:
    need("helm")
    readme = (CHARTS / "polarpod/README.md").read_text()
    (block,) = re.findall(r"^    extraObjects:\n(?:    .*\n)+", readme, re.MULTILINE)
    values = tmp_path / "copy.yaml"
    values.write_text(textwrap.dedent(block))
    rendered = template("polarpod", scenario_path("polarpod", "eks-pod-identity"), values)
    found = {
        one["metadata"]["namespace"]: one["data"]
        for one in yaml.safe_load_all(rendered)
        if one and one["kind"] == "ConfigMap" and one["metadata"]["name"] == "polarpod-plane"
    }
    assert found["airflow"] == found["etl"]
