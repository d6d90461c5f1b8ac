"""A parameter never leaves the names of a path that its placeholders stand in, whoever opens the path and however it is
encoded."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.placeholders import LONGEST_NAME, render_path
from polarpod.contract.verdict import Category, PolarpodError

LAKES = ["/srv/lake", "file:///srv/lake", "s3://bucket/lake", "lake"]
# what has a meaning to some reader of paths, beside any text at all
PIECES = [
    "..",
    ".",
    "/",
    "\\",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "%",
    "2e",
    "%25",
    "#",
    "?",
    "\0",
    "//",
    "~",
    ":",
    "@",
    "\u2024",
    "\uff0e",
]
VALUES = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=4).map("".join)
TEMPLATES = [
    "{lake}/in/{a}/x.parquet",
    "{lake}/in/{a}{b}/x.parquet",
    "{lake}/in/{a}.{b}/x.parquet",
    "{lake}/in/%{a}/x.parquet",
]


def refused(template: str, values: dict[str, str], lake: str = "/lake", *, is_url: bool = False) -> str:
    with pytest.raises(PolarpodError) as caught:
        render_path(template, {"lake": lake}, values, is_url=is_url)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.remedy
    return "\n".join([caught.value.verdict.summary, *caught.value.verdict.evidence])


def opened(place: str, *, is_url: bool) -> str:
    """The path that is opened in the end: decoded as often as whoever opens it likes, `..` and `.` followed."""
    path = place
    if is_url or place.startswith("file:"):
        path = urlsplit(place).path if "://" in place else place.partition("#")[0]
        while (decoded := unquote(path)) != path:
            path = decoded
    return posixpath.normpath(path.partition("://")[2] or path)


@given(lake=st.sampled_from(LAKES), template=st.sampled_from(TEMPLATES), a=VALUES, b=VALUES, is_url=st.booleans())
def test_whatever_the_values_the_path_stays_where_its_template_has_it(
    lake: str, template: str, a: str, b: str, is_url: bool
) -> None:
    try:
        place = render_path(template, {"lake": lake}, {"a": a, "b": b}, is_url=is_url)
    except PolarpodError:
        return
    harmless = opened(render_path(template, {"lake": lake}, {"a": "v", "b": "w"}, is_url=is_url), is_url=is_url)
    assert posixpath.dirname(posixpath.dirname(opened(place, is_url=is_url))) == posixpath.dirname(
        posixpath.dirname(harmless)
    )
    assert posixpath.basename(opened(place, is_url=is_url)) == "x.parquet"


UNSAFE = ["", ".", "..", "a/b", "a\\b", "*", "a?", "[a]", "{a}", "a\0", "a\n", "\x7f", "x" * 256, "日" * 86, "\udcff"]


@pytest.mark.parametrize("value", [pytest.param(value, id=ascii(value)[:20]) for value in UNSAFE])
def test_a_value_that_is_no_part_of_any_path_is_refused_by_its_name(value: str) -> None:
    assert "parameter 'a' has a value that cannot be part of a path" in refused("{lake}/x-{a}-y", {"a": value})


@pytest.mark.parametrize(
    "value",
    [pytest.param(value, id=value[:20]) for value in ("2013-02-01", "a b", "ü", "...", "a.b", "%2e%2e", "#1", "日" * 85)],
)
def test_ordinary_values_are_filled_in_as_they_are(value: str) -> None:
    assert render_path("{lake}/{a}", {"lake": "s3://lake"}, {"a": value}) == f"s3://lake/{value}"


@pytest.mark.parametrize(
    ("template", "values", "why"),
    [
        pytest.param("{lake}/{a}", {"a": "%2e%2e"}, "'%2e' means something else", id="an escaped parent folder"),
        pytest.param("{lake}/{a}", {"a": "..%2F..%2Fetc"}, "'%2F' means something else", id="escaped slashes"),
        pytest.param("{lake}/{a}2e", {"a": "%"}, "'%2e' means something else", id="an escape that the template completes"),
        pytest.param("{lake}/%{a}", {"a": "2e"}, "'%2e' means something else", id="an escape that the template begins"),
        pytest.param("{lake}/{a}{b}", {"a": "%2", "b": "f"}, "'%2f' means something else", id="two halves of an escape"),
        pytest.param("{lake}/{a}/t", {"a": "x#"}, "'#' means something else", id="the end of a path"),
        pytest.param("{lake}/%2e{a}", {"a": "%"}, None, id="no escape of the value's own"),
    ],
)
def test_what_is_decoded_as_a_url_is_held_to_the_rules_of_urls(
    template: str, values: dict[str, str], why: str | None
) -> None:
    if why is None:
        render_path(template, {"lake": "/lake"}, values, is_url=True)
        return
    assert why in refused(template, values, is_url=True)
    assert why in refused(template, values, lake="file:///lake")
    render_path(template, {"lake": "/lake"}, values)


def test_values_that_are_too_long_only_together_are_refused() -> None:
    why = f"the name it is part of would be {2 * 128} bytes long"
    assert why in refused("{lake}/{a}{b}/t", {"a": "a" * 128, "b": "b" * 128})
    render_path("{lake}/{a}{b}/t", {"lake": "/lake"}, {"a": "a" * 128, "b": "b" * 127})
    render_path("{lake}/{a}/{b}/t", {"lake": "/lake"}, {"a": "a" * 128, "b": "b" * 128})


@pytest.mark.parametrize(
    ("lake", "place"),
    [
        ("s3://bucket/lake/", "s3://bucket/lake/raw"),
        ("s3://bucket/lake//", "s3://bucket/lake/raw"),
        ("/mnt/lake/", "/mnt/lake/raw"),
        ("/", "//raw"),
        ("s3://", "s3:///raw"),
    ],
)
def test_a_variable_that_ends_in_a_slash_is_joined_by_one(lake: str, place: str) -> None:
    assert render_path("{lake}/raw", {"lake": lake}, {}) == place
    assert render_path("{lake}raw", {"lake": lake}, {}) == f"{lake}raw"


@pytest.mark.parametrize("lake", ["s3://bob:hunter2@bucket", "https://hunter2@host"])
def test_a_place_with_a_password_is_refused_before_it_is_written_anywhere(lake: str) -> None:
    with pytest.raises(PolarpodError, match="a user or a password") as caught:
        render_path("{lake}/raw", {"lake": lake}, {})
    assert "hunter2" not in str(caught.value)


def test_a_planes_variable_may_be_a_whole_prefix() -> None:
    lake = "s3://bucket/../%2e%2e#/" + "x" * LONGEST_NAME
    assert render_path("{lake}/{a}", {"lake": lake}, {"a": "x"}, is_url=True) == f"{lake}/x"
