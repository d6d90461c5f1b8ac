"""TPC-H lineitem and orders as Parquet, generated once and kept.

Usage: python -m bench.tpch [SCALE]      prints the directory, generating what is missing

Eight files a table with the generator's row groups (about 7 MiB, 100,000 rows) is what a lake looks like that somebody
looks after; one 2.5 GB file, or row groups of a million rows, would measure the reader's prefetching instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TABLES = ("lineitem", "orders")
FILES = 8
# where data is kept between benchmarks; SF10 takes 3.1 GB and about a minute on two cores
DIRECTORY = "POLARPOD_BENCH_DATA"


def data_directory(scale: float) -> Path:
    root = os.environ.get(DIRECTORY) or Path(tempfile.gettempdir()) / "polarpod-bench"
    return Path(root) / f"sf{scale:g}"


def ensure(scale: float) -> Path:
    """The directory with both tables; generated beside it first, so that an interrupted run leaves nothing half done."""
    target = data_directory(scale)
    if all((target / table).is_dir() for table in TABLES):
        return target
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    generate = [f"--scale-factor={scale:g}", f"--tables={','.join(TABLES)}", f"--parts={FILES}", f"--output-dir={partial}"]
    subprocess.run([generator(), "parquet", *generate, "--quiet"], check=True)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target


def generator() -> str:
    """The tool of this environment, which need not be on the PATH."""
    beside = Path(sys.executable).with_name("tpchgen-cli")
    return str(beside) if beside.exists() else "tpchgen-cli"


def warm(directory: Path) -> int:
    """Reads every file once, so that the first of several commands does not pay for a cold page cache. Returns bytes."""
    size = 0
    for file in sorted(directory.rglob("*.parquet")):
        with file.open("rb") as content:
            while block := content.read(1 << 24):
                size += len(block)
    return size


if __name__ == "__main__":
    print(ensure(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
