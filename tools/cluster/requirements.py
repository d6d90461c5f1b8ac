"""What has to be on the machine already. Looked for before anything is changed."""

from __future__ import annotations

import shutil

from tools.cluster.command import Failed, ask

_WHERE = {
    "docker": "Docker Engine or Docker Desktop: https://docs.docker.com/engine/install",
    "kind": "kind: https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "kubectl: https://kubernetes.io/docs/tasks/tools",
    "helm": "Helm 3.22 or newer: https://helm.sh/docs/intro/install",
}
_ALWAYS = ("docker", "kind", "kubectl")


def check(*more: str) -> None:
    """Raises Failed where a command is missing or no Docker engine answers."""
    needed = [*_ALWAYS, *more]
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        raise Failed(
            f"a cluster on this machine needs {_and(needed)}; missing: {_and(missing)}",
            evidence=[f"there is no {name} on $PATH" for name in missing],
            remedy=f"Install {'; '.join(_WHERE[name] for name in missing)}. Nothing was changed.",
            code=2,
        )
    answer = ask("docker", "version", "--format", "{{.Server.Version}}")
    if answer.returncode:
        raise Failed(
            "no Docker engine answers",
            evidence=[line for line in answer.stderr.strip().splitlines() if line][-3:],
            remedy="Start it (`systemctl start docker`, or Docker Desktop), and see that `docker info` works for you. "
            "Nothing was changed.",
            code=2,
        )


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
