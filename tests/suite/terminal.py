"""The command line as a person uses it: words in, words and an exit code out."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from tests.suite.bench import Bench

from polarpod.cli.main import cli


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """A shell in a folder with a planes file, whose one plane is the bench's."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._planes = bench.root / "planes.yaml"

    def __call__(self, command: str, *arguments: str) -> Said:
        given = [command, *arguments]
        if command not in ("completion", "--help", "--version"):
            # anew each time: some planes are brought the jobs as they are now
            plane = {key: value for key, value in msgspec.to_builtins(self._bench.plane).items() if value is not None}
            self._planes.write_text(yaml.safe_dump({"planes": {self._bench.plane_name: plane}}))
            given += ["--planes", str(self._planes), "--plane", self._bench.plane_name]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            done = CliRunner().invoke(cli, given)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert "Traceback" not in done.output
        return Said(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def polarpod(bench: Bench, specs_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("XDG_CACHE_HOME", str(specs_cache))
    monkeypatch.chdir(bench.root)
    return Terminal(bench)
