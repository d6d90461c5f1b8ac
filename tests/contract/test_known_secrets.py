"""The values of credential variables are known, and hidden however they are spelled."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

import pytest

from polarpod.contract.known_secrets import masked, secret_values, without
from polarpod.contract.verdict import Category, Verdict

AWKWARD = "p@ss/w\"rd+9 'Zq\\77Ω"


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASS",
        "PASS",
        "pass",
        "DB_PASS_2",
        "PASS_PROD",
        "PASSPHRASE",
        "GPG_PASSPHRASE",
        "PASSWD",
        "DB_PASSWD",
        "DB_PW",
        "PASSCODE",
    ],
)
def test_a_password_by_any_of_its_names_is_a_secret(name: str) -> None:
    assert secret_values({name: "Tr0ub4dor"}) == ["Tr0ub4dor"]


@pytest.mark.parametrize(
    "name",
    [
        "COMPASS",
        "BYPASS",
        "BYPASS_CACHE",
        "PASSENGERS",
        "PASSAGE",
        "COMPASS_API",
        "SURPASS",
        "PWM",
        "DB_PASS_FILE",
        "PGPASSFILE",
    ],
)
def test_a_name_that_only_contains_the_letters_is_no_secrets(name: str) -> None:
    assert secret_values({name: "Tr0ub4dor"}) == []


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(AWKWARD, id="as it is"),
        pytest.param(repr(AWKWARD), id="in a repr"),
        pytest.param(repr({"column": AWKWARD}), id="in a repr of a dict"),
        pytest.param(json.dumps(AWKWARD), id="in JSON of ASCII"),
        pytest.param(json.dumps(AWKWARD, ensure_ascii=False), id="in JSON"),
        pytest.param(json.dumps(json.dumps(AWKWARD)), id="in JSON within JSON"),
        pytest.param(quote(AWKWARD), id="quoted for a path"),
        pytest.param(quote(AWKWARD, safe=""), id="quoted for a part of a path"),
        pytest.param(quote_plus(AWKWARD), id="quoted for a query"),
        pytest.param(re.sub("%..", lambda code: code[0].lower(), quote(AWKWARD)), id="quoted in lower case"),
        pytest.param(
            re.sub("%..", lambda code: code[0].lower(), quote_plus(AWKWARD)), id="quoted for a query in lower case"
        ),
    ],
)
def test_a_known_value_is_hidden_however_it_is_escaped(spelled: str) -> None:
    hidden = without(f"before {spelled} after", secret_values({"DB_PASSWORD": AWKWARD}))
    assert re.fullmatch(r"""before (\{'column': )?[\\"']*\*\*\*[\\"']*\}? after""", hidden)


def test_a_value_of_several_lines_is_hidden_in_one_line_of_evidence() -> None:
    values = secret_values({"SIGNING_KEY": "first-half\n  second-half\n"})
    assert without("cannot use first-half second-half", values) == "cannot use ***"


def test_a_short_value_is_no_more_hidden_for_being_escaped() -> None:
    assert secret_values({"DB_PASSWORD": '"a"'}) == []


def test_a_plain_value_has_one_form() -> None:
    assert secret_values({"DB_PASSWORD": "Tr0ub4dor-and-3"}) == ["Tr0ub4dor-and-3"]


def test_every_text_of_a_verdict_is_masked_and_its_category_is_not() -> None:
    verdict = Verdict(
        category=Category.JOB_FAILED, summary="no Tr0ub4dor", evidence=["a", "b Tr0ub4dor"], remedy="drop Tr0ub4dor"
    )
    shown = masked(verdict, ["Tr0ub4dor", "job_failed"])
    assert shown == Verdict(category=Category.JOB_FAILED, summary="no ***", evidence=["a", "b ***"], remedy="drop ***")
