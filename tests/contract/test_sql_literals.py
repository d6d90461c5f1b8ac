"""A parameter inside a predicate is one literal, whatever is in it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.placeholders import render_sql, sql_literal

# sqlite reads a literal as the SQL standard has it, apart from NUL, where it stops
SQL_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ATTACKS = [
    "' OR '1'='1",
    "'; DROP TABLE t; --",
    "''",
    "'",
    "\\'",
    "a' --",
    "{ds}",
    "x') OR ('a'='a",
    "\u2019 OR 1=1",
    "\n' OR 1",
]


def evaluate(predicate: str) -> Any:
    """A predicate's value, told by a SQL engine."""
    with sqlite3.connect(":memory:") as connection:
        return connection.execute(f"SELECT {predicate}").fetchone()[0]


@given(text=SQL_TEXT)
def test_whatever_the_text_it_is_one_literal_with_that_value(text: str) -> None:
    assert evaluate(sql_literal(text)) == text


@given(text=SQL_TEXT)
def test_no_value_changes_the_shape_of_a_predicate(text: str) -> None:
    assert evaluate(render_sql("{ds} = 'never' AND 1 = 0", {"ds": text})) == 0


@pytest.mark.parametrize("attack", [pytest.param(attack, id=repr(attack)) for attack in ATTACKS])
def test_an_injected_predicate_stays_text(attack: str) -> None:
    filled = render_sql("day = {ds}", {"ds": attack})
    assert filled == "day = '" + attack.replace("'", "''") + "'"
    assert evaluate(filled.removeprefix("day = ")) == attack


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        pytest.param(7, "7", id="int"),
        pytest.param(1.5, "1.5", id="float"),
        pytest.param(True, "true", id="bool"),
        pytest.param("7", "'7'", id="text of digits"),
    ],
)
def test_numbers_and_booleans_are_literals_of_their_own(value: Any, literal: str) -> None:
    assert sql_literal(value) == literal
