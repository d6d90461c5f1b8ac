"""One spelling a place, and no place that only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.mutations import assert_explains

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.location import bucket_and_key, is_local, join, normal
from polarpod.store.storage_options import checked, for_deltalake, for_obstore, for_polars


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("/a/b/", "/a/b", id="a slash at the end"),
        pytest.param("/a//b", "/a/b", id="two slashes"),
        pytest.param("file:///a/b", "/a/b", id="a file URI"),
        pytest.param("file://localhost/a", "/a", id="a file URI with this machine's name"),
        pytest.param("file:///a%20b", "/a b", id="an escaped blank"),
        pytest.param("file:///a/part-?.csv", "/a/part-?.csv", id="a glob in a file URI"),
        pytest.param("file:///a/[ab]#1.csv", "/a/[ab]#1.csv", id="brackets and a hash in a file URI"),
        pytest.param("s3://bucket/key/", "s3://bucket/key", id="S3"),
        pytest.param("s3a://bucket/key", "s3://bucket/key", id="Hadoop's S3"),
        pytest.param("s3://bucket", "s3://bucket", id="a bucket alone"),
    ],
)
def test_a_place_has_one_spelling(uri: str, expected: str) -> None:
    assert normal(uri) == expected
    assert normal(expected) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bob:hunter2@bucket/x",
        "s3://bob:hun/ter2@bucket/x",
        "s3a://hunter2@bucket/x",
        "https://bob:hunter2@host/x",
        "postgresql://bob:hunter2@host/x",
    ],
)
def test_a_password_in_a_place_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(PolarpodError, match=r"a user or a password") as caught:
        normal(uri)
    assert "***@" in caught.value.verdict.text()
    for secret in ("hunter2", "ter2", "bob"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("uri", ["s3://bucket/mail@host/x:y@z.csv", "s3://bucket/a:b/c@d"])
def test_a_key_may_have_an_at_sign(uri: str) -> None:
    assert normal(uri) == uri


def test_a_relative_path_is_relative_to_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert normal("lake/raw") == str(tmp_path / "lake/raw")


@pytest.mark.parametrize(
    ("uri", "phrase"),
    [
        pytest.param("gs://bucket/key", "gs:// is not a place polarpod reads or writes", id="another cloud"),
        pytest.param("http://host/x", "http:// is not a place", id="the web"),
        pytest.param("file://host/x", "is not a local file", id="another machine"),
        pytest.param("file://x", "is not a local file", id="a relative file URI"),
        pytest.param("file://[x", "is not a local file", id="a broken file URI"),
        pytest.param("s3://", "'' cannot be the name of a bucket", id="no bucket"),
        pytest.param("s3:///key", "'' cannot be the name of a bucket", id="a slash too many"),
        pytest.param("s3://*/key", "'*' cannot be the name of a bucket", id="a glob for a bucket"),
        pytest.param("s3://{lake}/key", "'{lake}' cannot be the name of a bucket", id="a placeholder left over"),
        pytest.param("s3://my bucket/key", "'my bucket' cannot be the name of a bucket", id="a blank"),
    ],
)
def test_what_is_no_place_is_refused(uri: str, phrase: str) -> None:
    with pytest.raises(PolarpodError) as caught:
        normal(uri)
    assert phrase in str(caught.value)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.remedy


@given(uri=st.text(max_size=30).map("file://".__add__) | st.text(max_size=30).map("s3://".__add__) | st.text(max_size=30))
def test_any_text_is_a_place_or_is_refused_with_words(uri: str) -> None:
    try:
        assert normal(normal(uri)) == normal(uri)
    except PolarpodError as error:
        assert_explains(error)


def test_bucket_and_key_are_told_apart() -> None:
    assert bucket_and_key("s3://bucket/some/key/") == ("bucket", "some/key")
    assert bucket_and_key("s3a://bucket") == ("bucket", "")
    assert is_local("/a") is is_local("file:///a") is True
    assert is_local("s3://a") is False


def test_parts_are_joined_by_one_slash() -> None:
    assert join("s3://bucket/", "/a/", "b") == "s3://bucket/a/b"


ENDPOINTS = [
    "http://store:9000",
    "https://s3.eu-central-1.amazonaws.com",
    "http://[::1]:9",
    "http://a_b/path",
    "http://1.2.3.4",
]
NO_ENDPOINTS = [
    "store:9000",
    "localhost",
    "ftp://store",
    "http://",
    "http://a b",
    "http://store:99999",
    "http://store:0",
]


@pytest.mark.parametrize("url", [pytest.param(url, id=url) for url in ENDPOINTS])
def test_an_endpoint_is_a_url(url: str) -> None:
    assert checked(url) == url
    assert for_obstore(Storage(endpoint_url=url))["endpoint"] == url


@pytest.mark.parametrize("url", [pytest.param(url, id=url) for url in NO_ENDPOINTS])
def test_an_endpoint_that_would_crash_the_clients_is_refused_with_words(url: str) -> None:
    for dialect in (for_obstore, for_deltalake, for_polars):
        with pytest.raises(PolarpodError, match="the object store's endpoint is not a URL") as caught:
            dialect(Storage(endpoint_url=url))
        assert "http://host:9000 together with allow_http" in caught.value.verdict.remedy


def test_the_three_libraries_are_told_the_same() -> None:
    storage = Storage(endpoint_url="http://store:9000", allow_http=True, virtual_hosted=True)
    assert for_polars(storage)["aws_endpoint_url"] == for_deltalake(storage)["aws_endpoint_url"] == "http://store:9000"
    assert for_polars(storage)["aws_region"] == for_deltalake(storage)["aws_region"] == for_obstore(storage)["region"]
    assert for_deltalake(storage)["allow_http"] == "true"
    assert for_obstore(storage)["client_options"]["allow_http"] is True
    assert not any(
        "key" in name.lower() or "secret" in name.lower() for name in for_polars(storage) | for_deltalake(storage)
    )


@pytest.mark.parametrize("url", [pytest.param(None, id="none"), pytest.param("", id="an empty variable's")])
def test_without_an_endpoint_it_is_aws_itself(url: str | None) -> None:
    assert "aws_endpoint_url" not in for_polars(Storage(endpoint_url=url))
    assert "aws_endpoint_url" not in for_deltalake(Storage(endpoint_url=url))
    assert "endpoint" not in for_obstore(Storage(endpoint_url=url))
