"""A value that cannot be, in the words of whoever wrote it: key, value, and what is allowed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from polarpod.contract.validation_errors import complaint


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size_bytes: Annotated[int, msgspec.Meta(ge=2**28, le=2**40)] = 2**30
    kind: Literal["day", "hour"] = "day"
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}$(?!\n)")]
    inner: Inner = Inner()
    texts: list[str] = []
    named: dict[Annotated[str, msgspec.Meta(max_length=3)], Inner] = {}
    short: Annotated[str, msgspec.Meta(min_length=1, max_length=5)] = "x"
    code: Annotated[str, msgspec.Meta(pattern="^[A-Z]$")] = "A"
    on: bool = False
    either: int | str = 0


@pytest.mark.parametrize(
    ("value", "text", "keys"),
    [
        pytest.param({"name": "a", "on": 7}, "on is 7; allowed: true or false", ["on"], id="a type"),
        pytest.param(
            {"name": "a", "either": []}, "either is []; allowed: a whole number or text", ["either"], id="two types"
        ),
        pytest.param(
            {"name": "a", "inner": "x"},
            "inner is 'x'; allowed: a mapping of names to values",
            ["inner"],
            id="text for a struct, whose name is nobody's business",
        ),
        pytest.param({"name": "a", "texts": ["b", None]}, "texts[1] is None; allowed: text", ["texts"], id="in a list"),
        pytest.param(
            {"name": "a", "inner": {"size_bytes": 2**20}},
            "size is 1.0 MiB; allowed: from 256 MiB to 1024 GiB",
            ["inner", "size_bytes"],
            id="an amount, by its author's name",
        ),
        pytest.param(
            {"name": "a", "inner": {"size_bytes": 5}},
            "size is 5; allowed: from 256 MiB to 1024 GiB",
            ["inner", "size_bytes"],
            id="an amount that is small",
        ),
        pytest.param(
            {"name": "a", "inner": {"share": 1}},
            "inner.share is 1; allowed: a number from 0 below 1",
            ["inner", "share"],
            id="a bound within an alternative",
        ),
        pytest.param(
            {"name": "a", "inner": {"kind": "week"}},
            "inner.kind is 'week'; allowed: day, hour",
            ["inner", "kind"],
            id="a choice",
        ),
        pytest.param(
            {"name": "a", "named": {"b": {"kind": "week"}}},
            "a value of named.kind is not allowed; allowed: day, hour",
            ["named", "kind"],
            id="within a mapping",
        ),
        pytest.param(
            {"name": "a", "named": {"long": {}}},
            "a key of named is not allowed; allowed: text of length <= 3",
            ["named"],
            id="a key",
        ),
        pytest.param({"name": "a", "short": ""}, "short is ''; allowed: text from 1 to 5", ["short"], id="a length"),
        pytest.param(
            {"name": "A"},
            "name is 'A'; allowed: at most 48 of a-z, 0-9 and _, beginning with a letter",
            ["name"],
            id="a pattern of the contract",
        ),
        pytest.param(
            {"name": "a", "code": "?"}, "code is '?'; allowed: text that matches '^[A-Z]$'", ["code"], id="another"
        ),
        pytest.param({}, "name is missing", [], id="a key that is missing"),
        pytest.param({"nam": "a", "name": "a"}, "unknown key 'nam'; did you mean 'name'?", ["nam"], id="a slip"),
        pytest.param(
            {"name": "a", "inner": {"zz": 1}},
            "unknown key 'zz'; known: size_bytes, kind, share",
            ["inner", "zz"],
            id="an unknown key within",
        ),
        pytest.param(
            {"name": "a", "on": "password=hunter2"}, "on is 'password=***; allowed: true or false", ["on"], id="a secret"
        ),
        pytest.param(
            {"name": "a", "on": "x" * 200}, f"on is '{'x' * 79}...; allowed: true or false", ["on"], id="a long text"
        ),
        pytest.param([], "the whole is []; allowed: a mapping of names to values", [], id="the whole"),
    ],
)
def test_it_says(value: Any, text: str, keys: list[str]) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Outer)
    assert complaint(caught.value, Outer, value, names={"inner.size_bytes": "size"}) == (text, keys)
