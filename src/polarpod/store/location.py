"""URIs: which are local, which are S3, and how relative ones resolve."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from polarpod.contract.placeholders import refuse_credentials
from polarpod.contract.verdict import Category, PolarpodError

_S3_SCHEMES = ("s3", "s3a")
# the object store client panics on a bucket name that cannot be part of a URL
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


def is_local(uri: str) -> bool:
    return "://" not in uri or uri.startswith("file://")


def local_path(uri: str) -> Path:
    """The absolute path of a local URI. Raises PolarpodError for a `file://` URI of another host or a relative path."""
    if not uri.startswith("file://"):
        return Path(uri).absolute()
    # not urlsplit: "?" and "[" are globs here, and "#" is an ordinary character
    path = uri.removeprefix("file://").removeprefix("localhost")
    if not path.startswith("/"):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{uri!r} is not a local file",
            evidence=["after file:// stands another machine's name, or a relative path"],
            remedy="Write file:///absolute/path, or the path alone.",
        )
    return Path(unquote(path))


def normal(uri: str) -> str:
    """The canonical URI of a place: absolute local paths, s3:// for S3, no trailing slash.

    Raises:
        PolarpodError: the scheme is neither local nor S3, the URI holds credentials, or the bucket's name is invalid.
    """
    if is_local(uri):
        return str(local_path(uri))
    refuse_credentials(uri)
    scheme, _, rest = uri.partition("://")
    if scheme not in _S3_SCHEMES:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{scheme}:// is not a place polarpod reads or writes",
            evidence=[uri],
            remedy="Use a local path or an s3:// URI.",
        )
    bucket = rest.partition("/")[0]
    if not _BUCKET.fullmatch(bucket):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{bucket!r} cannot be the name of a bucket",
            evidence=[uri],
            remedy="Write s3://bucket/prefix; a bucket's name has no globs and no placeholders left.",
        )
    return f"s3://{rest.rstrip('/')}"


def refuse_below_a_file(what: str, uri: str) -> None:
    """Raises PolarpodError where a local place cannot be a folder, because it or a parent is a file.

    Args:
        what: what the place is for, as in "the output".
    """
    if not is_local(uri):
        return
    place = local_path(uri)
    for path in (place, *place.parents):
        if os.path.isdir(path):  # noqa: PTH112  # returns False where Path.is_dir raises
            return
        if os.path.lexists(path):
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"{what} cannot be in {place}: {'that' if path == place else path} is not a folder",
                evidence=[f"{path}: {_kind_of(path)}"],
                remedy="Move that file away, or name another place.",
            )


def _kind_of(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return f"a link to {path.readlink()}, which is not there"
    return "a file" if path.is_file() else "not a regular file"


def absolute(uri: str, root: Path) -> str:
    """The URI with a relative path resolved against `root`; any other URI is returned unchanged.

    Raises:
        PolarpodError: it begins with "~", which only a shell expands.
    """
    if not is_local(uri) or uri.startswith(("file://", "/")):
        return uri
    if uri.startswith("~"):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{uri!r} begins with ~, which only a shell makes into a home directory",
            evidence=["here it would be a folder of that name"],
            remedy="Write ${HOME}/... in planes.yaml, or an absolute path.",
        )
    # normpath, not resolve(): links in the path are kept, as in an absolute path
    return os.path.normpath(root.absolute() / uri)


def bucket_and_key(uri: str) -> tuple[str, str]:
    """s3://bucket/some/key -> ("bucket", "some/key")."""
    bucket, _, key = normal(uri).removeprefix("s3://").partition("/")
    return bucket, key


def join(uri: str, *parts: str) -> str:
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])
