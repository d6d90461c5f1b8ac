"""Counts what is asked of a store, as S3 would charge it: a request for each object, and for each 1,000 that are listed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import obstore

_PAGE = 1000
_OF_ONE_OBJECT = ("get", "get_range", "put", "head", "delete")


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """What this process asks of any store meanwhile, by kind."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def count(name: str, number: int = 1) -> None:
        with lock:
            counts[name] += number

    def one(name: str, real: Any) -> Any:
        def asked(*args: Any, **options: Any) -> Any:
            count(name)
            return real(*args, **options)

        return asked

    def listing(*args: Any, real: Any = obstore.list, **options: Any) -> Iterator[Any]:
        count("list")
        seen = 0
        for chunk in real(*args, **options):
            if seen and seen % _PAGE < len(chunk):
                count("list")
            seen += len(chunk)
            yield chunk

    def children(*args: Any, real: Any = obstore.list_with_delimiter, **options: Any) -> Any:
        found = real(*args, **options)
        count("list", 1 + (len(found["common_prefixes"]) + len(found["objects"])) // _PAGE)
        return found

    with patch.multiple(
        obstore,
        list=listing,
        list_with_delimiter=children,
        **{name: one(name, getattr(obstore, name)) for name in _OF_ONE_OBJECT},
    ):
        yield counts
