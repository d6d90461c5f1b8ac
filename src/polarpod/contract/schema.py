"""Declared columns."""

from __future__ import annotations

from typing import TypeAlias

# column name -> Polars type, by Polars' name
Schema: TypeAlias = dict[str, str]
