"""Published Delta tables, behind the interface in output.py."""

from polarpod.launch.outputs.delta.garbage import garbage
from polarpod.launch.outputs.delta.undo import commit_undo, plan_undo, within_undo

__all__ = ["commit_undo", "garbage", "plan_undo", "within_undo"]
