"""Published Parquet datasets, behind the interface in output.py."""

from polarpod.launch.outputs.parquet.garbage import garbage
from polarpod.launch.outputs.parquet.undo import commit_undo, plan_undo, within_undo

__all__ = ["commit_undo", "garbage", "plan_undo", "within_undo"]
