"""That the S3 servers we test against honour the conditional writes our commits rest on.

Excluded: concurrent writers on moto. It looks and then writes, so two creators of one object can both succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store, from_url
from tests.fixtures.object_store import Lake
from tests.s3.servers import S3Server

WRITERS = 8
# Once may be luck; ten rounds of eight take a quarter of a second.
ROUNDS = 10


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Store:
    environment = s3_server.environment
    return S3Store(
        s3_server.new_bucket(),
        endpoint=s3_server.endpoint_url,
        region=environment["AWS_REGION"],
        access_key_id=environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )


def race(write: Callable[[bytes], object], refusal: type[Exception]) -> list[bytes]:
    """Lets writers write at the same moment. Returns what those wrote who were not refused."""
    start = Barrier(WRITERS)

    def writer(number: int) -> bytes | None:
        start.wait()
        try:
            write(body := b"%d" % number)
        except refusal:
            return None
        return body

    with ThreadPoolExecutor(WRITERS) as pool:
        return [body for body in pool.map(writer, range(WRITERS)) if body is not None]


def test_an_object_is_created_only_once(bucket: S3Store) -> None:
    obstore.put(bucket, "log/1.json", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(bucket, "log/1.json", b"second", mode="create")
    assert bytes(obstore.get(bucket, "log/1.json").bytes()) == b"first"


def test_an_object_is_replaced_only_by_who_knows_its_version(bucket: S3Store) -> None:
    first = obstore.put(bucket, "pointer", b"first")["e_tag"]
    second = obstore.put(bucket, "pointer", b"second", mode={"e_tag": first})["e_tag"]
    assert second != first
    with pytest.raises(PreconditionError):
        obstore.put(bucket, "pointer", b"third", mode={"e_tag": first})
    assert bytes(obstore.get(bucket, "pointer").bytes()) == b"second"


def test_an_object_is_listed_under_its_prefix_alone(bucket: S3Store) -> None:
    for path in ("run/a/1", "run/a/2", "run/ab/1", "other"):
        obstore.put(bucket, path, b"")
    assert sorted(entry["path"] for page in obstore.list(bucket, "run/a") for entry in page) == ["run/a/1", "run/a/2"]
    assert obstore.list_with_delimiter(bucket, "run")["common_prefixes"] == ["run/a", "run/ab"]


@pytest.mark.parametrize("s3_server", [pytest.param("versitygw", id="versitygw")], indirect=True)
def test_of_concurrent_creators_exactly_one_wins(bucket: S3Store) -> None:
    for number in range(ROUNDS):
        path = f"log/{number}.json"
        winners = race(lambda body: obstore.put(bucket, path, body, mode="create"), AlreadyExistsError)  # noqa: B023
        assert winners == [bytes(obstore.get(bucket, path).bytes())]


@pytest.mark.parametrize("s3_server", [pytest.param("versitygw", id="versitygw")], indirect=True)
def test_of_concurrent_replacers_exactly_one_wins(bucket: S3Store) -> None:
    e_tag = obstore.put(bucket, "pointer", b"start")["e_tag"]
    for _ in range(ROUNDS):
        known = {"e_tag": e_tag}
        winners = race(lambda body: obstore.put(bucket, "pointer", body, mode=known), PreconditionError)  # noqa: B023
        assert winners == [bytes(obstore.get(bucket, "pointer").bytes())]
        e_tag = obstore.put(bucket, "pointer", b"start")["e_tag"]


def test_each_lake_is_empty_and_reachable_with_what_it_comes_with(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)
    if lake.name == "local":
        store = from_url(f"file://{lake.uri}")
    else:
        options = {"endpoint": lake.storage.endpoint_url, "client_options": {"allow_http": lake.storage.allow_http}}
        store = from_url(lake.uri, **options)
    assert [entry for page in obstore.list(store) for entry in page] == []
    obstore.put(store, "one", b"1", mode="create")
    assert [entry["path"] for page in obstore.list(store) for entry in page] == ["one"]
