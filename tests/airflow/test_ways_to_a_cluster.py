"""The three who go to a plane's cluster take the same way, whatever there is to choose from: command line, task, trigger."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from polarpod.airflow.planes.kubernetes.launcher import pod_launcher
from polarpod.airflow.planes.kubernetes.remote_pod import RemotePod
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes import credentials as access
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.credentials import Access


def kubeconfig(path: Path, name: str) -> Path:
    """A kubeconfig with two contexts; the host says whose it is."""
    contexts = [{"name": context, "context": {"cluster": context, "user": "u"}} for context in ("first", "second")]
    clusters = [{"name": context, "cluster": {"server": f"http://{context}-of-{name}"}} for context in ("first", "second")]
    document = {"current-context": "first", "contexts": contexts, "clusters": clusters}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "users": [{"name": "u", "user": {}}], **document}))
    return path


class World:
    """What there is to choose from."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("HOME", str(root))
        monkeypatch.delenv("KUBECONFIG", raising=False)
        monkeypatch.setattr(access, "_TOKEN", root / "no-token")
        # Airflow's own default, which no plane asks for
        document = {"conn_type": "kubernetes", "extra": {"kube_config_path": str(kubeconfig(root / "default", "default"))}}
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(document))

    def have(self, *things: str) -> None:
        if "file" in things:
            kubeconfig(self.root / "file", "file")
        if "variable" in things:
            self._monkeypatch.setenv("KUBECONFIG", str(kubeconfig(self.root / "variable", "variable")))
        if "variable of nothing" in things:
            self._monkeypatch.setenv("KUBECONFIG", str(self.root / "nothing"))
        if "two in the variable" in things:
            files = [str(self.root / "not-there"), str(kubeconfig(self.root / "variable", "variable"))]
            self._monkeypatch.setenv("KUBECONFIG", ":".join(files))
        if "empty variable" in things:
            self._monkeypatch.setenv("KUBECONFIG", "")
        if "home" in things:
            kubeconfig(self.root / ".kube/config", "home")
        if "connection" in things:
            path = kubeconfig(self.root / "connection", "connection")
            document = {"conn_type": "kubernetes", "extra": {"kube_config_path": str(path)}}
            self._monkeypatch.setenv("AIRFLOW_CONN_YARD", json.dumps(document))
        if "account" in things:
            self._account()

    def _account(self) -> None:
        token, certificate = self.root / "token", self.root / "ca.crt"
        token.write_text("of-the-account")
        certificate.write_text("a certificate")
        self._monkeypatch.setattr(access, "_TOKEN", token)
        for library in ("kubernetes", "kubernetes_asyncio"):
            place = f"{library}.config.incluster_config"
            self._monkeypatch.setattr(f"{place}.SERVICE_TOKEN_FILENAME", str(token))
            self._monkeypatch.setattr(f"{place}.SERVICE_CERT_FILENAME", str(certificate))
        self._monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "account")
        self._monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    # a client for https reads its certificates; nothing is asked of anybody here
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)
    return World(tmp_path, monkeypatch)


def plane(root: Path, **fields: str) -> KubernetesPlane:
    return KubernetesPlane(namespace="n", image="i", state="s", **{k: v.format(root=root) for k, v in fields.items()})


def by_command_line(chosen: KubernetesPlane) -> str:
    return str(connect(chosen)._api.api_client.configuration.host)


def by_task(chosen: KubernetesPlane) -> str:
    return str(pod_launcher(chosen, {})._cluster._api.api_client.configuration.host)


def by_trigger(chosen: KubernetesPlane) -> str:
    async def host() -> str:
        async with RemotePod("p", "u", "n", Access.of(chosen, airflow=True)._asdict())._client() as api:
            return str(api.configuration.host)

    return asyncio.run(host())


OWN_FILE = {"kubeconfig": "{root}/file"}
EVERYTHING = ("connection", "file", "variable", "home", "account")


@pytest.mark.parametrize(
    ("there", "fields", "host"),
    [
        pytest.param(EVERYTHING, OWN_FILE, "http://first-of-file", id="the plane's file comes first"),
        pytest.param(EVERYTHING, OWN_FILE | {"context": "second"}, "http://second-of-file", id="with its context"),
        pytest.param(EVERYTHING, {}, "http://first-of-variable", id="then the variable"),
        pytest.param(EVERYTHING, {"context": "second"}, "http://second-of-variable", id="the variable's context"),
        pytest.param(("two in the variable", "home"), {}, "http://first-of-variable", id="the variable's second file"),
        pytest.param(("home", "account"), {}, "http://first-of-home", id="then the home directory"),
        pytest.param(("empty variable", "home", "account"), {}, "http://first-of-home", id="an empty variable is none"),
        pytest.param(("home", "account"), {"context": "second"}, "http://second-of-home", id="the home's context"),
        pytest.param(("account",), {}, "https://account:443", id="then the pod's account"),
    ],
)
@pytest.mark.parametrize("go", [by_command_line, by_task, by_trigger])
def test_the_first_that_is_there_decides(
    world: World, there: tuple[str, ...], fields: dict[str, str], host: str, go: Any
) -> None:
    world.have(*there)
    assert go(plane(world.root, **fields)) == host


@pytest.mark.parametrize("go", [by_task, by_trigger])
def test_a_connection_comes_before_all_where_there_is_airflow(world: World, go: Any) -> None:
    world.have(*EVERYTHING)
    assert go(plane(world.root, connection="yard", **OWN_FILE)) == "http://first-of-connection"


def test_the_command_line_has_no_connections_and_goes_on(world: World) -> None:
    world.have(*EVERYTHING)
    assert by_command_line(plane(world.root, connection="yard", **OWN_FILE)) == "http://first-of-file"


@pytest.mark.parametrize(
    ("there", "fields", "words"),
    [
        pytest.param(("home", "account"), OWN_FILE, "no such file: {root}/file", id="the plane's file is not there"),
        pytest.param(
            ("variable of nothing", "home", "account"),
            {},
            "kubeconfig {root}/nothing ($KUBECONFIG), context current",
            id="the variable's file is not there",
        ),
        pytest.param(("account",), {"context": "c"}, "no such file: {root}/.kube/config", id="a context, and no file"),
        pytest.param((), {}, "no such file: {root}/.kube/config", id="nothing at all"),
    ],
)
def test_what_is_wrong_with_the_first_is_an_error_and_the_next_is_not_tried(
    world: World, there: tuple[str, ...], fields: dict[str, str], words: str
) -> None:
    world.have(*there)
    chosen = plane(world.root, **fields)
    told = []
    for go in (by_command_line, by_task):
        with pytest.raises(PolarpodError) as caught:
            go(chosen)
        assert caught.value.verdict.category is Category.REQUEST_INVALID
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert words.format(root=world.root) in told[0]
    with pytest.raises(FileNotFoundError):
        by_trigger(chosen)
