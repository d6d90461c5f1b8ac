"""The revenue job in DuckDB, the honest rival on one machine.

Usage: python -m bench.duckdb_etl TPCH OUT [MEMORY_LIMIT]

DuckDB takes 80 % of the memory it sees; where a limit is only emulated, say it: "1200MB".
"""

from __future__ import annotations

import sys
import tempfile

import duckdb

QUERY = """
COPY (
    SELECT year(l_shipdate) AS ship_year, l_shipmode, o_orderpriority,
           sum(l_extendedprice * (1 - l_discount)) AS revenue,
           sum(l_quantity) AS quantity,
           count(*) AS lines
    FROM read_parquet('{tpch}/lineitem/*.parquet')
    JOIN read_parquet('{tpch}/orders/*.parquet') ON l_orderkey = o_orderkey
    WHERE l_shipdate BETWEEN DATE '1993-01-01' AND DATE '1997-12-31'
    GROUP BY ALL
) TO '{out}' (FORMAT parquet, PARTITION_BY (ship_year), OVERWRITE)
"""


def main(tpch: str, out: str, memory_limit: str | None = None) -> None:
    # in a directory of its own, so that two runs never share spilled files
    with tempfile.TemporaryDirectory(prefix="duckdb-") as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = '{spill}'")
        if memory_limit:
            connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute(QUERY.format(tpch=tpch, out=out))


if __name__ == "__main__":
    main(*sys.argv[1:])
