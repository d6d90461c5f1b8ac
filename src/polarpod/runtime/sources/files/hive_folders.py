"""The columns from the folders of one Parquet input: names, types and values."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from polarpod.contract.dataset import Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.sources.files import hive
from polarpod.runtime.types.dtype import describe, from_text, parse_dtype
from polarpod.store.glob import split_glob
from polarpod.store.listing import Listing
from polarpod.store.location import normal


class Folders(NamedTuple):
    """Attributes:
    columns: name -> type.
    texts: name -> file -> value in the folder's name, None for null.
    above: columns that Polars would read from folders above the input, which do not belong to it.
    is_plain: whether Polars reads the same values from the paths.
    """

    columns: dict[str, pl.DataType]
    texts: dict[str, dict[str, str | None]]
    above: set[str]
    is_plain: bool

    def values(self, name: str, column: str, dtype: pl.DataType, files: list[str]) -> pl.Series:
        """Returns the column's value for each file.

        Raises:
            PolarpodError: `input_mismatch` where a folder's name is not a value of the type.
        """
        values = [self._value(name, column, file, dtype) for file in files]
        return pl.Series(values, dtype=dtype, strict=True)

    def _value(self, name: str, column: str, file: str, dtype: pl.DataType) -> object:
        text = self.texts[column][file]
        try:
            return None if text is None else from_text(text, dtype)
        except ValueError:
            raise PolarpodError(
                Category.INPUT_MISMATCH,
                f"a folder of input {name!r} says {column} = {text!r}, which is not {describe(dtype)}",
                evidence=[file],
                remedy="Rename the folder, or declare the column as String in the input's schema.",
            ) from None


def folders_of(name: str, dataset: Parquet, listing: Listing) -> Folders:
    """Returns the columns of an input's folders, typed by its declaration, its manifest or its files' paths.

    Raises:
        PolarpodError: `input_mismatch` where files do not have the same folders, or a name is not a value of its declared
            type.
    """
    if dataset.hive is False:
        return Folders({}, {}, set(), is_plain=True)
    root, pattern = split_glob(normal(dataset.uri))
    if not pattern and listing.files == (root,):
        root = root.rpartition("/")[0]
    above = hive.parts(f"{root}/")
    below = {file: hive.parts(file.removeprefix(root)) for file in listing.files}
    # With hive=True the folders in the input's own URI count too.
    own = {file: [*above, *parts] for file, parts in below.items()} if dataset.hive else below
    names = hive.columns_of(name, own)
    texts = {column: {file: hive.text_of(parts, column) for file, parts in own.items()} for column in names}
    found = Folders(
        {column: _type(dataset, listing, column, set(texts[column].values())) for column in names},
        texts,
        {part.column for part in above} - set(names),
        is_plain=all(hive.is_plain([*above, *parts]) for parts in below.values()),
    )
    declared = [column for column in names if column in (dataset.schema or {})]
    for column in declared:
        found.values(name, column, found.columns[column], list(listing.files))
    # Polars would round or guess a text that only looks like a value of its declared type.
    guessed = any(found.columns[column] != hive.type_of(set(texts[column].values())) for column in declared)
    return found._replace(is_plain=found.is_plain and not guessed)


def _type(dataset: Parquet, listing: Listing, column: str, texts: set[str | None]) -> pl.DataType:
    if column in (dataset.schema or {}):
        return parse_dtype((dataset.schema or {})[column])
    if listing.manifest is None:
        return hive.type_of(texts)
    try:
        # The manifest states the types: a text that looks like a date may have been published as String.
        return parse_dtype(listing.manifest.schema.get(column, "String"))
    except PolarpodError:
        return pl.String()  # a Categorical, whose name no schema can contain
