"""What a table is like on a terminal that is narrower than it: nothing that is copied is broken."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from polarpod.cli.progress_display import Live
from polarpod.cli.tables import Rows

RUN = "flights_by_airport/ds-2013-02-01-2b16095278"
UID = "deadbeef"
PATH = "/srv/state/" + "deeper/" * 20 + "receipt.json"
SENTENCE = "Counts the flights of one day by airport, and says which of them came late and why that was so."


def runs() -> Rows:
    rows = Rows("run", "uid", "verdict", "rows", "peak", right=("rows", "peak"), gives_way=("peak", "rows", "uid"))
    rows.add_row(RUN, UID, "succeeded", "12,345,678", "768 MiB")
    return rows


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    return int(request.param)


@pytest.mark.parametrize(
    ("terminal", "left_out"),
    [
        pytest.param(120, None, id="wide enough"),
        pytest.param(80, "peak", id="one column too narrow"),
        pytest.param(60, "peak, rows, uid", id="as wide as what is copied"),
        pytest.param(20, "peak, rows, uid", id="narrower than a name, which the terminal breaks and copies whole"),
    ],
    indirect=["terminal"],
)
def test_columns_give_way_as_a_whole_and_are_named(
    terminal: int, left_out: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    runs().show()
    out = click.unstyle(capsys.readouterr().out)
    assert RUN in out
    assert ("768 MiB" in out) == (left_out is None)
    assert (UID in out) == ("uid" not in (left_out or ""))
    last = out.splitlines()[-1]
    assert last == (f"left out for the terminal's width: {left_out}" if left_out else out.splitlines()[2])
    if terminal >= 60:
        assert max(map(len, out.splitlines())) <= terminal


@pytest.mark.parametrize("terminal", [80], indirect=True)
def test_only_sentences_are_wrapped(terminal: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows("run", "what it does", prose=("what it does",))
    rows.add_row(RUN, SENTENCE)
    rows.show()
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= terminal
    assert len(lines) > 3
    assert " ".join("\n".join(lines[2:]).replace(RUN, "").split()) == SENTENCE


def test_a_pipe_gets_every_column_in_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    rows = runs()
    rows.add_row("a" * 300, "x", "y", "1", "2")
    rows.show()
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert len(lines) == 4
    assert "768 MiB" in lines[2]
    assert "a" * 300 in lines[3]


@pytest.mark.parametrize("terminal", [80], indirect=True)
def test_the_cursor_is_never_hidden_so_nothing_can_leave_it_so(
    terminal: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True, raising=False)
    with Live(quiet=False) as live:
        live._update("starting")
        live.warning(f"{PATH} is damaged")
    err = capsys.readouterr().err
    assert "starting" in err
    assert f"polarpod: warning: {PATH} is damaged" in click.unstyle(err), "nothing that is copied is broken"
    assert "\x1b[?25l" not in err


def test_a_ctrl_c_before_a_command_has_begun_is_answered_in_words() -> None:
    code = """
import signal, sys
from polarpod.cli import main
# a shell's background jobs begin with SIGINT ignored, and so does what they start
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupts:
    def find_spec(self, name, *_):
        if name == "click":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
main()
"""
    done = subprocess.run([sys.executable, "-c", code, "runs"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "polarpod: stopped.\n")
