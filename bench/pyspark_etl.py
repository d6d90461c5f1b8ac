"""The revenue job in PySpark on one machine, what many pipelines come from. Needs Java 17 or newer.

Usage: python -m bench.pyspark_etl TPCH OUT [DRIVER_MEMORY]

Local mode has one JVM: the driver's heap is all the memory there is.
"""

from __future__ import annotations

import shutil
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

NO_JAVA = 3  # exit status: the table says "no Java" instead of failing


def main(tpch: str, out: str, driver_memory: str = "4g") -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("tpch_revenue")
        .config("spark.driver.memory", driver_memory)
        .config("spark.sql.shuffle.partitions", 8)  # 200 tiny ones are for clusters
        .config("spark.ui.enabled", value=False)
        .getOrCreate()
    )
    lineitem, orders = spark.read.parquet(f"{tpch}/lineitem"), spark.read.parquet(f"{tpch}/orders")
    (
        lineitem.where(sf.col("l_shipdate").between("1993-01-01", "1997-12-31"))
        .join(orders, sf.col("l_orderkey") == sf.col("o_orderkey"))
        .withColumn("ship_year", sf.year("l_shipdate"))
        .withColumn("revenue", sf.col("l_extendedprice") * (1 - sf.col("l_discount")))
        .groupBy("ship_year", "l_shipmode", "o_orderpriority")
        .agg(
            sf.sum("revenue").alias("revenue"),
            sf.sum("l_quantity").alias("quantity"),
            sf.count("*").alias("lines"),
        )
        .write.mode("overwrite")
        .partitionBy("ship_year")
        .parquet(out)
    )
    spark.stop()


if __name__ == "__main__":
    if not shutil.which("java"):
        print("no java on the PATH", file=sys.stderr)
        sys.exit(NO_JAVA)
    main(*sys.argv[1:])
