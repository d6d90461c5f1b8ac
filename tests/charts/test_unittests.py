"""The suites beside a chart, in its unittests: template by template, what is there and what is not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.charts.helm import CHARTS, NAMES, folder_of, need

# what one of them ships beside what all have
EXTRAS = {"polarpod": {"files"}, "polarpod-local": {"charts", "Chart.lock"}}

pytestmark = pytest.mark.usefixtures("tools")


@pytest.fixture
def tools() -> None:
    need("helm", "helm-unittest")


@pytest.fixture(params=[pytest.param(name, id=name) for name in NAMES])
def chart(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run_suites(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["helm-unittest", str(folder), "--file", "unittests/*_test.yaml"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_suites_pass(chart: str) -> None:
    done = run_suites(folder_of(chart))
    assert done.returncode == 0, done.stdout
    count = len(list((CHARTS / chart / "unittests").glob("*_test.yaml")))
    assert f"Test Suites: {count} passed, {count} total" in done.stdout


def test_every_template_is_looked_at(chart: str) -> None:
    suites = (CHARTS / chart / "unittests").glob("*_test.yaml")
    looked_at = {name for suite in suites for name in re.findall(r"[\w/-]+\.(?:yaml|txt)", suite.read_text())}
    root = CHARTS / chart / "templates"
    templates = {path.relative_to(root).as_posix() for path in root.rglob("*.[yt][ax][mt]*")}
    assert templates - looked_at == set()


@pytest.mark.parametrize(
    ("chart", "template", "old", "new"),
    [
        pytest.param("polarpod", "networkpolicy-worker.yaml", "[Ingress, Egress]", "[Ingress]", id="egress is not denied"),
        pytest.param(
            "polarpod", "_network.tpl", "169.254.169.254/32{{- end -}}", "{{- end -}}", id="the metadata is not cut out"
        ),
        pytest.param(
            "polarpod", "serviceaccount-worker.yaml", "Token: false", "Token: true", id="a worker's token is mounted"
        ),
        pytest.param("polarpod", "_helpers.tpl", "trunc 43", "trunc 63", id="names leave no room"),
        pytest.param(
            "polarpod", "_helpers.tpl", "if $image.digest", "if not $image.tag", id="the tag comes before the digest"
        ),
        pytest.param(
            "polarpod", "rolebinding-launcher.yaml", "namespace: {{ .namespace }}", "", id="an account of nowhere is bound"
        ),
        pytest.param(
            "polarpod",
            "admissionpolicybinding.yaml",
            "{{ .Release.Namespace | quote }}",
            "default",
            id="the policy holds elsewhere",
        ),
        pytest.param("polarpod", "cronjob-gc.yaml", "Forbid", "Allow", id="two sweeps at once"),
        pytest.param(
            "polarpod", "tests/egress.yaml", "Token: false", "Token: true", id="the stand-in for a worker has a token"
        ),
        pytest.param("polarpod", "_plane.tpl", "_${1}", "${1}", id="keys are not those of planes.yaml"),
        pytest.param(
            "polarpod-local", "_secret.tpl", "if hasKey $data", "if hasKey dict", id="keys are made anew each time"
        ),
        pytest.param("polarpod-local", "_helpers.tpl", "drop: [ALL]", "drop: []", id="root's powers are kept"),
        pytest.param("polarpod-local", "_helpers.tpl", "with .digest", "with .none", id="an image without its digest"),
        pytest.param(
            "polarpod-local",
            "_helpers.tpl",
            "app.kubernetes.io/name: polarpod-local",
            "app.kubernetes.io/name: {{ (index . 0).Chart.Version | quote }}",
            id="a selector that changes",
        ),
        pytest.param("polarpod-local", "airflow/_pod.tpl", "if .account", "if .component", id="everybody has a token"),
        pytest.param(
            "polarpod-local", "airflow/keys.yaml", 'include "local.keptFernet" .', "randAlphaNum 44", id="a new key"
        ),
        pytest.param("polarpod-local", "postgres/networkpolicy.yaml", "[Ingress, Egress]", "[Egress]", id="open to all"),
        pytest.param("polarpod-local", "s3/networkpolicy.yaml", "port: 7070", "port: 80", id="a fence with no gate"),
        pytest.param("polarpod-local", "s3/deployment.yaml", "Recreate", "RollingUpdate", id="two stores on one folder"),
        pytest.param("polarpod-local", "s3/service.yaml", "nodePort: {{ . }}", "", id="any port of the node"),
        pytest.param("polarpod-local", "quota.yaml", "[Terminating]", "[]", id="a quota that counts Airflow"),
        pytest.param("polarpod-local", "_preflight.tpl", "kubernetes.io/host-path", "host-path", id="volumes of root's"),
    ],
)
def test_the_suites_notice_a_fault(tmp_path: Path, chart: str, template: str, old: str, new: str) -> None:
    copy = tmp_path / chart
    shutil.copytree(folder_of(chart), copy)
    path = copy / "templates" / template
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert run_suites(copy).returncode != 0, "no suite noticed"


def test_the_chart_ships_what_it_needs_and_nothing_else(tmp_path: Path, chart: str) -> None:
    subprocess.run(
        ["helm", "package", str(folder_of(chart)), "--destination", str(tmp_path)], check=True, capture_output=True
    )
    [archive] = tmp_path.glob("*.tgz")
    shutil.unpack_archive(archive, tmp_path)
    files = [path.relative_to(tmp_path / chart) for path in (tmp_path / chart).rglob("*") if path.is_file()]
    expected = {"Chart.yaml", "README.md", "values.yaml", "values.schema.json", "templates", ".helmignore"}
    assert {path.parts[0] for path in files} == expected | EXTRAS[chart]
    assert not [path for path in files if path.name.endswith("_test.yaml")]
