"""The commands that a page prints: its indented blocks, in order, by section."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Command(NamedTuple):
    """Attributes: `section`: the heading above it; `line`: as printed, without the comment behind it."""

    section: str
    line: str


def commands(page: Path) -> list[Command]:
    """Commands of a page, without what stands in fenced blocks, which is code or configuration."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found, section = [], ""
    for line in text.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif line.startswith("    ") and line.strip():
            found.append(Command(section, re.split(r"\s{2,}#|\s+# ", line.strip())[0]))
    return found


def of_section(page: Path, section: str) -> list[str]:
    return [command.line for command in commands(page) if command.section == section]


def example_job(page: Path) -> tuple[str, str]:
    """The job that the README shows: the file's path that its first line names, and its source."""
    (block,) = re.findall(r"^```python\n# (jobs/\S+)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return block
