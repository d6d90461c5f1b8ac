"""Whoever refuses a place quotes it: an error shows no key that a URL has in it."""

from __future__ import annotations

import pytest

from polarpod.contract.verdict import Category, PolarpodError


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?sig={}", id="Azure"),
        pytest.param("?sv=2022&sig={}", id="Azure, not first"),
        pytest.param("?X-Amz-Credential=x&X-Amz-Signature={}", id="AWS"),
        pytest.param("?X-Goog-Signature={}", id="Google"),
        pytest.param("?Expires=1&Signature={}", id="CloudFront"),
        pytest.param("?X-Amz-Security-Token={}", id="AWS token"),
    ],
)
@pytest.mark.parametrize(
    "user", ["", "al:pa55word@", "al:pa55word?token=1@"], ids=["no user", "a user", "a password like a query"]
)
def test_no_error_shows_the_signature_of_a_url(query: str, user: str) -> None:
    url = f"https://{user}h.example/x.csv{query.format('SigSecret1%2Babc')}"
    error = PolarpodError(Category.REQUEST_INVALID, f"no place: {url}", evidence=[f"input {url!r}"], remedy=f"Not {url}.")
    for text in (str(error), error.verdict.text()):
        assert "SigSecret1" not in text
        assert "pa55word" not in text
        assert "h.example/x.csv?" in text


def test_an_error_that_asks_a_question_is_shown_as_it_is() -> None:
    error = PolarpodError(
        Category.REQUEST_INVALID, "is x=1?", evidence=["files: a?.csv, n=2"], remedy="Is `key=value` meant?"
    )
    assert "files: a?.csv, n=2" in str(error)
    assert "Is `key=value` meant?" in str(error)
