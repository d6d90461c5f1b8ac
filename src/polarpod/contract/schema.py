"""Declared columns."""

from __future__ import annotations

from typing import TypeAlias

# column name -> Polars type, in Polars' words
Schema: TypeAlias = dict[str, str]
