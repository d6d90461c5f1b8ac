"""Rewrites what is generated of the charts."""

from __future__ import annotations

import shutil
import subprocess

from tools.charts.charts import CHARTS, README_COMMAND, schema_of, schema_path


def main() -> None:
    for name in CHARTS:
        path = schema_path(name)
        path.write_bytes(schema_of(name))
        print(path.name, name)
        if shutil.which(README_COMMAND[0]):
            subprocess.run([*README_COMMAND, "--chart-search-root", str(path.parent)], check=True)
            print("README.md", name)
        else:
            print(f"README.md {name}: not written, there is no {README_COMMAND[0]} on $PATH")


if __name__ == "__main__":
    main()
