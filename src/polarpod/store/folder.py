"""A folder of small documents, local or in S3, with the two conditional writes that safe publishing depends on.

`create` writes only where no document exists; `swap` writes only where the document is unchanged since it was read. S3 has
both as preconditions of a PUT. A local file system has the first (link fails where a name exists), and a lock held during
compare and rename gives the second. The object clients are obstore's; only the local swap is implemented here.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from polarpod.contract.context import Storage
from polarpod.store.folder_errors import absent, below_a_file, client, lost, refusal
from polarpod.store.location import bucket_and_key, is_local, local_path, normal
from polarpod.store.parallel_requests import at_once
from polarpod.store.storage_options import for_obstore

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

# objects in one S3 list request
_PAGE = 1000

# keys that mean the same to obstore and to a file system
_PLAIN = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(?:/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*")


class Entry(NamedTuple):
    """One object: its key below the folder, its size in bytes, and a tag that changes with its content."""

    key: str
    size: int
    tag: str


# aliases, because a method of Folder is called list
Entries: TypeAlias = list[Entry]
Names: TypeAlias = list[str]


class Document(NamedTuple):
    """A document's content, and the tag that `swap` expects."""

    data: bytes
    tag: str


class Folder:
    """The documents below one URI. Keys are relative, with forward slashes.

    Every method raises PolarpodError (`storage_denied`, `storage_unavailable`) where the store denies access or cannot be
    reached; a missing document is a result (None), not an error.
    """

    def __init__(self, uri: str, storage: Storage | None = None) -> None:
        self.uri = normal(uri)
        self._local = is_local(self.uri)
        self._storage = storage or Storage()

    @cached_property
    def _store(self) -> LocalStore | S3Store:
        """The obstore client, opened at first use: a local store cannot be opened before its folder exists."""
        if self._local:
            return client().store.LocalStore(self.uri)
        bucket, prefix = bucket_and_key(self.uri)
        return client().store.S3Store(bucket, prefix=prefix or None, **for_obstore(self._storage))

    def _absent(self) -> bool:
        with self._errors("look at", ""):
            return self._local and not local_path(self.uri).is_dir()

    def read(self, key: str) -> Document | None:
        if self._absent():
            return None
        if self._local and _PLAIN.fullmatch(key):
            # obstore takes 10 ms to import, which a worker with nothing but a local Delta table has no other use for
            with suppress(OSError):  # obstore's to tell
                data = (local_path(self.uri) / key).read_bytes()
                return Document(data, _content_tag(data))
        with self._errors("read", key):
            try:
                found = client().get(self._store, key)
                data = bytes(found.bytes())
            except absent():
                return None
            except client().exceptions.BaseError as error:
                if below_a_file(error):
                    return None
                raise
            return Document(data, _content_tag(data) if self._local else str(found.meta["e_tag"]))

    def end(self, key: str, size: int, length: int) -> bytes:
        """The last `length` bytes of an object of `size` bytes, or all of a shorter one."""
        start = max(0, size - length)
        with self._errors("read", key):
            return bytes(client().get_range(self._store, key, start=start, length=size - start))

    def write(self, key: str, data: bytes) -> None:
        """Writes atomically: a reader sees the old document or the new one."""
        self._prepare()
        with self._errors("write", key):
            client().put(self._store, key, data)

    def create(self, key: str, data: bytes) -> bool:
        """Writes a document where none exists. Returns False where one exists already."""
        self._prepare()
        with self._errors("create", key):
            try:
                client().put(self._store, key, data, mode="create")
            except lost():
                return False
            return True

    def swap(self, key: str, data: bytes, *, expected: str | None) -> bool:
        """Replaces the document with the tag `expected` (None: no document). Returns False where it has changed since."""
        if expected is None:
            return self.create(key, data)
        if self._absent():
            return False
        with self._errors("swap", key):
            if self._local:
                # a missing document has changed, and its folder, which would hold the lock, may not exist
                if self.head(key) is None:
                    return False
                with self._locked(key):
                    current = self.read(key)
                    if current is None or current.tag != expected:
                        return False
                    client().put(self._store, key, data)
                    return True
            try:
                client().put(self._store, key, data, mode={"e_tag": expected})
            except lost():
                return False
            return True

    def list(self, prefix: str = "", *, after: str | None = None) -> Entries:
        """Every object whose key is below the prefix folder, in key order; with `after` only the keys after that one.

        Markers of folders that hold other objects (see `is_marker`) are excluded.
        """
        if self._absent():
            return []
        with self._errors("list", prefix):
            chunks = client().list(self._store, prefix=prefix or None, offset=after)
            found = sorted(Entry(meta["path"], meta["size"], str(meta["e_tag"])) for chunk in chunks for meta in chunk)
        return found if self._local else self._objects(found, prefix)

    def keys_after(self, prefix: str, after: str) -> Iterator[str]:
        """Yields the keys below the prefix folder after a given key, in order.

        From S3 in pages of 1,000, fetched as they are consumed: keys before the given one cost nothing.
        """
        if self._absent():
            return
        with self._errors("list", prefix):
            pages = client().list(self._store, prefix=prefix, offset=after, chunk_size=_PAGE)
            keys = (meta["path"] for page in pages for meta in page)
            # a local listing has no order
            yield from sorted(keys) if self._local else keys

    def _objects(self, found: Entries, prefix: str) -> Entries:
        """The objects of an S3 listing, each key once, without the markers of folders that hold listed objects."""
        folders = {prefix} | {parent for entry in found for parent in _parents(entry.key)}
        objects: dict[str, Entry] = {}
        for entry in found:
            if not entry.size and entry.key in folders:
                continue
            # `name` and `name/` are two objects; obstore can read only the first
            twice = entry.key in objects
            objects[entry.key] = (self.head(entry.key) if twice else None) or entry
        return list(objects.values())

    def is_marker(self, entry: Entry) -> bool:
        """Whether a listed entry is only a folder marker: in S3 an empty object whose key ends in a slash.

        Consoles and Hadoop make them. obstore lists them without the slash, under a key that cannot be read.
        """
        return not self._local and not entry.size and self.head(entry.key) is None

    def head(self, key: str) -> Entry | None:
        """One object's entry, without reading its content; None where there is no object."""
        if self._absent():
            return None
        with self._errors("look at", key):
            try:
                meta = client().head(self._store, key)
            except absent():
                return None
            except client().exceptions.BaseError as error:
                if below_a_file(error):
                    return None
                raise
            return Entry(meta["path"], meta["size"], str(meta["e_tag"]))

    def children(self, prefix: str = "") -> Names:
        """Names of the folders directly below the prefix, sorted; deeper ones are not listed."""
        if self._absent():
            return []
        with self._errors("list", prefix):
            found = client().list_with_delimiter(self._store, prefix=prefix or None)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def delete(self, keys: Names) -> None:
        """Deletes documents; a missing one is no error."""
        if self._absent():
            return
        with self._errors("delete", f"{len(keys)} objects"):
            at_once(self._delete, keys)

    def _delete(self, key: str) -> None:
        with suppress(*absent()):
            client().delete(self._store, key)

    def _prepare(self) -> None:
        if self._local:
            with self._errors("create", ""):
                local_path(self.uri).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        path = local_path(self.uri) / f"{key}.lock"
        with path.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _errors(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError, client().exceptions.BaseError, NotImplementedError) as error:
            raise refusal(self.uri, key, verb, error) from error


def put_once(folder: Folder, key: str, data: bytes) -> bool:
    """Creates a document that must not be replaced. Returns True also where it exists with the same bytes."""
    if folder.create(key, data):
        return True
    found = folder.read(key)
    return found is not None and found.data == data


def _parents(key: str) -> Iterator[str]:
    """Yields the folders above a key, innermost first."""
    while (cut := key.rfind("/")) >= 0:
        yield (key := key[:cut])


def _content_tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
