"""The plane in the values of charts/polarpod, beside the planes that polarpod reads."""

from __future__ import annotations

import yaml
from tests.charts.helm import CHARTS

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
