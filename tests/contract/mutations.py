"""The ways in which a document's bytes go bad, and what every refusal must say."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import msgspec

from polarpod.contract.verdict import Category, PolarpodError

# what no reader expects in the place of a value; those that are text stand for themselves in the JSON
STRANGE: list[Any] = [
    None, True, -1, 0, 2**53 + 1, 2**63, 2**64, 10**30, 1e308, "", "x" * 5000, "\x00", "{ds}", "../../etc", [], {}, [[]],
    {"": ""}, {"protocol": "9.9"}, "2013-02-30", "s3://", "file://[", b"\xff".decode("latin1"),
]  # fmt: skip
RAW = [b"NaN", b"-Infinity", b"1e999", b'"\\ud800"', b'"\\udc00\\ud800"', b"9" * 500, b"-0", b"01", b"tru", b'"\xff"', b""]


def flip(data: bytes, rng: Random) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def truncate(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data))]


def splice(data: bytes, rng: Random) -> bytes:
    start, end = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:start] + data[rng.randrange(len(data)) :] + data[end:]


def swap_type(data: bytes, rng: Random) -> bytes:
    return json.dumps(put_somewhere(json.loads(data), rng.choice(STRANGE), rng)).encode()


def put_raw(data: bytes, rng: Random) -> bytes:
    marked = json.dumps(put_somewhere(json.loads(data), "<here>", rng)).encode()
    return marked.replace(b'"<here>"', rng.choice(RAW))


def nest(data: bytes, rng: Random) -> bytes:
    depth = rng.choice([10, 200, 1000, 50_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    value = opening * depth + b"1" + closing * (depth if rng.random() < 0.7 else 0)
    marked = json.dumps(put_somewhere(json.loads(data), "<here>", rng)).encode()
    return marked.replace(b'"<here>"', value)


def repeat_key(data: bytes, rng: Random) -> bytes:
    lines = data.decode().splitlines()
    at = rng.randrange(1, len(lines) - 1)
    return "\n".join([*lines[: at + 1], lines[rng.randrange(len(lines))], *lines[at:]]).encode()


def lose_key(data: bytes, rng: Random) -> bytes:
    lines = data.decode().splitlines()
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines).encode()


def noise(data: bytes, rng: Random) -> bytes:
    return rng.randbytes(rng.randrange(200))


MUTATIONS: list[Callable[[bytes, Random], bytes]] = [
    flip, truncate, splice, swap_type, put_raw, nest, repeat_key, lose_key, noise
]  # fmt: skip


def put_somewhere(document: Any, value: Any, rng: Random) -> Any:
    """The document with one value, however deep, replaced."""
    if not isinstance(document, dict | list) or not document or rng.random() < 0.15:
        # a copy: a list that is put into what another case kept would one day be put into itself
        return deepcopy(value)
    key = rng.choice(list(document) if isinstance(document, dict) else range(len(document)))
    document[key] = put_somewhere(document[key], value, rng)
    return document


def assert_explains(error: PolarpodError, category: Category | None = None, *, source: str = "") -> None:
    """Every refusal says what happened and what to do, in words that can be printed and kept."""
    verdict = error.verdict
    assert category in (None, verdict.category)
    assert "".join(verdict.evidence[:1]).startswith(source)
    assert verdict.summary.strip(), "says not what happened"
    assert verdict.remedy.strip(), "says not what to do"
    assert str(error).startswith(f"{verdict.category}: {verdict.summary}")
    assert f"what to do: {verdict.remedy}" in str(error)
    for internal in ("`$", "Expected `", "got `", "- at "):
        assert internal not in verdict.summary, "words of the library"
        assert not any(internal in fact for fact in verdict.evidence), "words of the library"
    assert len(str(error)) < 20_000, "an error that nobody can read"
    msgspec.json.encode(verdict)
