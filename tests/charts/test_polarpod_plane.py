"""The plane in the values of charts/polarpod, beside the planes that polarpod reads."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import yaml
from tests.charts.helm import CHARTS, KUBERNETES, need, scenario_path, template

from polarpod.launch.planes.kubernetes.config import KubernetesPlane

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
    "root": "of one launcher's machine",
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


def _notes(chart: Path, values: Path) -> str:
    """The chart's notes. Helm prints them only with a cluster at hand, so a copy of the chart has them in a manifest."""
    shutil.copytree(CHARTS / "polarpod", chart)
    notes = (chart / "templates" / "NOTES.txt").read_text()
    manifest = 'kind: Notes\napiVersion: v1\nmetadata: {name: notes}\ntext: {{ include "notes" . | toJson }}\n'
    (chart / "templates" / "notes.yaml").write_text(f'{{{{- define "notes" -}}}}\n{notes}{{{{- end -}}}}\n{manifest}')
    command = ["helm", "template", "polarpod", str(chart), "--namespace", "etl", "--values", str(values)]
    command += ["--kube-version", KUBERNETES, "--show-only", "templates/notes.yaml"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(yaml.safe_load(rendered)["text"])


def test_the_notes_copy_the_plane_and_overwrite_nothing(tmp_path: Path) -> None:
    need("helm")
    said = _notes(tmp_path / "chart", scenario_path("polarpod", "eks-pod-identity"))
    copied = re.findall(r"^  mkdir .*&&\n  kubectl .*&&\n  kubectl .*$", said, re.MULTILINE)
    assert len(copied) == 1
    # a kubectl that prints what it was asked
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    project = tmp_path / "project"
    existing = project / "dags" / "planes.yaml"
    existing.parent.mkdir(parents=True)
    existing.write_text("planes: {}\n")
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", copied[0]], cwd=project, env=environment, check=True)
    made = {str(path.relative_to(project)): path.read_text() for path in project.rglob("*") if path.is_file()}
    assert made.pop("dags/planes.yaml") == "planes: {}\n"
    assert {name: text.split("jsonpath=")[1].strip() for name, text in made.items()} == {
        "polarpod-plane/planes.yaml": r"{.data.planes\.yaml}",
        "polarpod-plane/pod.yaml": r"{.data.pod\.yaml}",
    }
    again = subprocess.run(["sh", "-c", copied[0]], cwd=project, env=environment, check=False, capture_output=True)
    assert again.returncode != 0, "what was copied before is not overwritten"
