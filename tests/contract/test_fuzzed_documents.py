"""Whatever bytes arrive, a PolarpodError that explains itself is all that can come back. 23,400 cases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.contract.mutations import MUTATIONS, assert_explains
from tests.contract.samples import CONTEXT, DOCUMENTS

from polarpod.contract.codec import decode
from polarpod.contract.context import MAXIMUM_BYTES, Context
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.read_context import INLINE, SHA256, URI, load

CASES = 500  # of each of 9 mutations of 4 documents: 18,000
LOADED = 300  # of each of 9 mutations of a context, in by a file and by a variable: 5,400
PER_MUTATION = [pytest.param(mutation, id=mutation.__name__) for mutation in MUTATIONS]
Mutation = Callable[[bytes, Random], bytes]


def test_the_count_of_cases_is_as_stated() -> None:
    assert len(MUTATIONS) * (CASES * len(DOCUMENTS) + LOADED * 2) == 23_400


@pytest.mark.parametrize("mutation", PER_MUTATION)
@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in DOCUMENTS])
def test_a_broken_document_is_read_or_refused_with_words(kind: type, mutation: Mutation) -> None:
    for case in range(CASES):
        data = mutation(DOCUMENTS[kind], Random(f"{kind.__name__} {mutation.__name__} {case}"))
        try:
            found = decode(data, kind, source="here")
        except PolarpodError as error:
            assert_explains(error, Category.CONTEXT_INVALID, source="here")
        else:
            assert isinstance(found, kind)


@pytest.mark.parametrize("mutation", PER_MUTATION)
def test_a_broken_context_is_loaded_or_refused_with_words(mutation: Mutation, tmp_path: Path) -> None:
    path = tmp_path / "context.json"
    for case in range(LOADED):
        data = mutation(DOCUMENTS[Context], Random(f"load {mutation.__name__} {case}"))
        path.write_bytes(data)
        named = {URI: str(path), SHA256: hashlib.sha256(data).hexdigest()}
        # as os.environ would hand out such bytes
        inline = {INLINE: data.replace(b"\0", b"").decode("utf-8", "surrogateescape")}
        for environment in (named, inline):
            try:
                assert isinstance(load(environment), Context)
            except PolarpodError as error:
                assert_explains(error)


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    data = b"\xff" * (MAXIMUM_BYTES + 1)
    with pytest.raises(PolarpodError) as caught:
        decode(data, Context, source="here", maximum_bytes=MAXIMUM_BYTES)
    assert caught.value.verdict.summary == "the context is too large"
    assert caught.value.verdict.evidence == ["here: 1,048,577 bytes, at most 1,048,576"]
    assert_explains(caught.value)


def test_the_last_of_two_equal_keys_counts_and_it_is_the_one_whose_version_is_looked_at() -> None:
    twice = DOCUMENTS[Context].replace(b'"protocol": "1.0"', b'"protocol": "1.0", "protocol": "3.0"')
    with pytest.raises(PolarpodError, match=r"speaks protocol '3\.0'"):
        decode(twice, Context, source="here")


def test_the_unbroken_context_loads(tmp_path: Path) -> None:
    assert load({INLINE: DOCUMENTS[Context].decode()}) == CONTEXT
