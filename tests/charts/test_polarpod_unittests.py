"""The suites beside the chart, charts/polarpod/unittests: template by template, what is there and what is not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.charts.helm import CHARTS, need

CHART = CHARTS / "polarpod"
SUITES = sorted((CHART / "unittests").glob("*_test.yaml"))


def test_the_suites_pass() -> None:
    need("helm-unittest")
    done = subprocess.run(
        ["helm-unittest", str(CHART), "--file", "unittests/*_test.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert f"Test Suites: {len(SUITES)} passed, {len(SUITES)} total" in done.stdout


def test_every_template_is_looked_at() -> None:
    looked_at = {name for suite in SUITES for name in re.findall(r"[\w/-]+\.(?:yaml|txt)", suite.read_text())}
    templates = {path.relative_to(CHART / "templates").as_posix() for path in (CHART / "templates").rglob("*.[yt][ax][mt]*")}
    assert templates - looked_at == set()


@pytest.mark.parametrize(
    ("template", "old", "new"),
    [
        pytest.param("networkpolicy-worker.yaml", "[Ingress, Egress]", "[Ingress]", id="egress is not denied"),
        pytest.param("_network.tpl", "169.254.169.254/32{{- end -}}", "{{- end -}}", id="the metadata is not cut out"),
        pytest.param("serviceaccount-worker.yaml", "Token: false", "Token: true", id="a worker's token is mounted"),
        pytest.param("_helpers.tpl", "trunc 43", "trunc 63", id="names leave no room"),
        pytest.param("_helpers.tpl", "if $image.digest", "if not $image.tag", id="the tag comes before the digest"),
        pytest.param("rolebinding-launcher.yaml", "namespace: {{ .namespace }}", "", id="an account of nowhere is bound"),
        pytest.param("admissionpolicybinding.yaml", "{{ .Release.Namespace }}", "default", id="the policy holds elsewhere"),
        pytest.param("cronjob-gc.yaml", "Forbid", "Allow", id="two sweeps at once"),
        pytest.param("tests/egress.yaml", "Token: false", "Token: true", id="the stand-in for a worker has a token"),
        pytest.param("_plane.tpl", "_${1}", "${1}", id="keys are not those of planes.yaml"),
    ],
)
def test_the_suites_notice_a_fault(tmp_path: Path, template: str, old: str, new: str) -> None:
    need("helm-unittest")
    copy = tmp_path / "polarpod"
    shutil.copytree(CHART, copy)
    path = copy / "templates" / template
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = subprocess.run(
        ["helm-unittest", str(copy), "--file", "unittests/*_test.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0, "no suite noticed"


def test_the_chart_ships_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    need("helm")
    subprocess.run(["helm", "package", str(CHART), "--destination", str(tmp_path)], check=True, capture_output=True)
    [archive] = tmp_path.glob("*.tgz")
    shutil.unpack_archive(archive, tmp_path)
    shipped = {
        path.relative_to(tmp_path / "polarpod").parts[0] for path in (tmp_path / "polarpod").rglob("*") if path.is_file()
    }
    assert shipped == {"Chart.yaml", "README.md", "values.yaml", "values.schema.json", "files", "templates", ".helmignore"}
    assert not list(Path(tmp_path / "polarpod").rglob("*_test.yaml"))
