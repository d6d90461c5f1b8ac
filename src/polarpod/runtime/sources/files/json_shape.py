"""Types of JSON values: the common type of all rows of an input, or the values that contradict it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from polarpod.runtime.sources.files import text_values as texts
from polarpod.runtime.sources.files.text_lines import excerpt
from polarpod.runtime.types.dtype import describe

# The largest integer up to which a Float64 is exact, and the decimal digits that survive a Float64.
_EXACT_IN_FLOAT = 2**53
_FLOAT_DIGITS = 15
_LARGEST_FLOAT32 = 3.4028235677973366e38
_INT64, _UINT64 = range(-(2**63), 2**63), range(2**64)
_FLOATS = (float, Decimal)
_WORDS = {bool: "a boolean", int: "a whole number", float: "a number", Decimal: "a number", str: "a text", dict: "an object"}
_NONE = type(None)
_PLAIN: dict[type[pl.DataType], set[type]] = {pl.Float64: {float}, pl.Boolean: {bool}, pl.String: {str}}


class Problem(NamedTuple):
    """A value that does not fit: its position among the checked values, and the reason."""

    position: int
    column: str
    value: Any
    why: str


def misfit(values: Sequence[Any], dtype: pl.DataType, column: str) -> Problem | None:
    """Returns the first value that the type cannot hold exactly, or None."""
    if isinstance(dtype, pl.List):
        return _first(values, column, dtype, _is_list) or _misfit_items(values, dtype, column)
    if isinstance(dtype, (pl.Date, pl.Datetime, pl.Time)):
        return _first(values, column, dtype, _is_string) or _misfit_texts(values, dtype, column)
    kinds = set(map(type, values)) - {_NONE}
    if dtype.is_integer() and kinds <= {int}:
        numbers = [value for value in values if value is not None]
        holds = _range(dtype)
        if not numbers or (min(numbers) in holds and max(numbers) in holds):
            return None
    # The common cases, without a test of each value.
    if kinds <= _PLAIN.get(type(dtype), set()):
        return None
    if isinstance(dtype, pl.Decimal):
        written = [value if type(value) is str else None for value in values]
        return _first(values, column, dtype, _TESTS[pl.Decimal]) or _misfit_texts(written, dtype, column)
    return _first(values, column, dtype, _TESTS[type(dtype)])


def _first(values: Sequence[Any], column: str, dtype: pl.DataType, test: Callable[[Any, Any], bool]) -> Problem | None:
    for position, value in enumerate(values):
        if value is not None and not test(value, dtype):
            return Problem(position, column, value, f"is not {describe(dtype)}{_reason(value, dtype)}")
    return None


def _reason(value: Any, dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.String) and type(value) in _FLOATS:
        return ": the way a number is spelled is lost"
    if isinstance(dtype, pl.Decimal) and type(value) in _FLOATS and _digits(value) > _FLOAT_DIGITS:
        return f": of a number's digits {_FLOAT_DIGITS} are exact, write it as text"
    if type(value) is int and value not in _INT64 and value not in _UINT64:
        return ": a whole number of more than 64 bits, write it as text"
    if dtype.is_float() and type(value) is int:
        return ": a whole number that the type does not hold exactly"
    return ""


def _misfit_items(values: Sequence[Any], dtype: pl.List, column: str) -> Problem | None:
    owners = [position for position, value in enumerate(values) if value for _ in value]
    found = misfit(list(itertools.chain.from_iterable(value for value in values if value)), _inner(dtype), f"{column}[]")
    return found and found._replace(position=owners[found.position])


def _misfit_texts(values: Sequence[Any], dtype: pl.DataType, column: str) -> Problem | None:
    frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.String)})
    wrong = frame.select(pl.arg_where((pl.col("v") == "") | texts.unfit(pl.col("v"), dtype).fill_null(False))).to_series()
    if wrong.is_empty():
        return None
    return Problem(wrong[0], column, values[wrong[0]], f"is not {describe(dtype)}")


def _inner(dtype: pl.List) -> pl.DataType:
    return dtype.inner  # type: ignore[return-value]  # Polars types it as class or instance


def _range(dtype: pl.DataType) -> range:
    bits = int(str(dtype).removeprefix("U").removeprefix("Int"))
    return range(2**bits) if str(dtype).startswith("U") else range(-(2 ** (bits - 1)), 2 ** (bits - 1))


def _digits(value: float | Decimal) -> int:
    return len(Decimal(str(value)).normalize().as_tuple().digits)


def _is_list(value: Any, _: pl.DataType) -> bool:
    return type(value) is list


def _is_string(value: Any, _: pl.DataType) -> bool:
    return type(value) is str


def _is_whole(value: Any, dtype: pl.DataType) -> bool:
    return type(value) is int and value in _range(dtype)


def _is_float(value: Any, dtype: pl.DataType) -> bool:
    if type(value) is int:
        return (value in _INT64 or value in _UINT64) and _nearest(value, dtype) == value
    return type(value) in _FLOATS and (isinstance(dtype, pl.Float64) or abs(value) < _LARGEST_FLOAT32)


def _nearest(value: int, dtype: pl.DataType) -> int:
    """Returns the nearest value of this float type to an integer, as an integer."""
    if isinstance(dtype, pl.Float64):
        return int(float(value))
    return int(struct.unpack("f", struct.pack("f", value))[0])


def _is_text(value: Any, _: pl.DataType) -> bool:
    return type(value) in (str, bool) or (type(value) is int and (value in _INT64 or value in _UINT64))


def _is_decimal(value: Any, dtype: pl.Decimal) -> bool:
    if type(value) is str:
        return True
    if type(value) is int:
        return (value in _INT64 or value in _UINT64) and len(str(abs(value))) <= dtype.precision - dtype.scale
    if type(value) not in _FLOATS or _digits(value) > _FLOAT_DIGITS:
        return False
    exact = Decimal(str(value)).normalize()
    exponent = int(exact.as_tuple().exponent)
    return -exponent <= dtype.scale and exact.adjusted() < dtype.precision - dtype.scale


_TESTS: dict[type[pl.DataType], Callable[[Any, Any], bool]] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64), _is_whole),
    pl.Float32: _is_float,
    pl.Float64: _is_float,
    pl.Boolean: lambda value, _: type(value) is bool,
    pl.String: _is_text,
    pl.Decimal: _is_decimal,
}


def readable(dtype: pl.DataType) -> bool:
    """Whether JSON can represent values of this type."""
    if isinstance(dtype, pl.List):
        return readable(_inner(dtype))
    return type(dtype) in _TESTS or isinstance(dtype, (pl.Date, pl.Datetime, pl.Time))


class Shape:
    """The kinds of the values seen so far in one column, or in one field of its objects."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.fields: dict[str, Shape] = {}
        self._items: Shape | None = None
        # Kind -> place and value of its first occurrence.
        self._kinds: dict[type, tuple[str, Any]] = {}
        # The smallest and the largest integer, each with its place.
        self._extremes: list[tuple[int, str]] = []

    def add(self, values: Sequence[Any], place: Callable[[int], str]) -> None:
        """Adds values. `place` returns the file and line of the value at a position."""
        kinds = set(map(type, values)) - {_NONE}
        for kind in kinds - self._kinds.keys():
            position = next(index for index, value in enumerate(values) if type(value) is kind)
            self._kinds[kind] = (place(position), values[position])
        if int in kinds:
            numbers = [(value, position) for position, value in enumerate(values) if type(value) is int]
            ends = [(value, place(position)) for value, position in (min(numbers), max(numbers))]
            self._extremes = [min(*self._extremes, *ends), max(*self._extremes, *ends)]
        if dict in kinds:
            owners = [position for position, value in enumerate(values) if type(value) is dict]
            self.add_objects([values[position] for position in owners], lambda index: place(owners[index]))
        if list in kinds:
            self._items = self._items or Shape(f"{self.column}[]")
            lists = [(position, item) for position, value in enumerate(values) if type(value) is list for item in value]
            self._items.add([item for _, item in lists], lambda index: place(lists[index][0]))

    def add_objects(self, objects: Sequence[dict[str, Any]], place: Callable[[int], str]) -> None:
        for name in dict.fromkeys(itertools.chain.from_iterable(objects)):
            if name not in self.fields:
                self.fields[name] = Shape(f"{self.column}.{name}" if self.column else name)
            self.fields[name].add([value.get(name) for value in objects], place)

    def problems(self) -> list[str]:
        """Returns one line for each kind where the values have no common type; empty where they have one."""
        mixed = set(self._kinds) not in (*({kind} for kind in self._kinds), {int, float})
        found = [f"{place}: {self.column} = {show(value)} is {name_of(value)}"
                 for place, value in self._kinds.values() if mixed]  # fmt: skip
        return found + [problem for shape in self._nested() for problem in shape.problems()]

    def too_large(self) -> list[str]:
        """Returns one line for each integer that the common type cannot hold exactly. Requires that `problems` is empty."""
        exact = range(-_EXACT_IN_FLOAT, _EXACT_IN_FLOAT + 1) if float in self._kinds else self._range()
        found = [
            f"{place}: {self.column} = {value} is too large {self._for_what(value)}"
            for value, place in dict.fromkeys(self._extremes)
            if value not in exact
        ]
        return found + [problem for shape in self._nested() for problem in shape.too_large()]

    def _for_what(self, value: int) -> str:
        if value not in _INT64 and value not in _UINT64:
            return "for 64 bits"
        return "to be exact beside fractions" if float in self._kinds else "for Int64, which the negative numbers need"

    def _nested(self) -> list[Shape]:
        return [*self.fields.values(), *([self._items] if self._items else [])]

    def dtype(self) -> pl.DataType:
        """Returns the common type of all values. Requires that `problems` is empty."""
        if dict in self._kinds:
            return pl.Struct({name: shape.dtype() for name, shape in self.fields.items()})
        if self._items is not None:
            return pl.List(self._items.dtype())
        plain: dict[type, pl.DataType] = {float: pl.Float64(), bool: pl.Boolean(), str: pl.String()}
        whole = pl.UInt64() if self._range() == _UINT64 else pl.Int64()
        return next((dtype for kind, dtype in plain.items() if kind in self._kinds), whole if self._extremes else pl.Null())

    def _range(self) -> range:
        """Returns the range of the integer type for all values: UInt64 where only it fits, else Int64."""
        low, high = (value for value, _ in self._extremes) if self._extremes else (0, 0)
        return _UINT64 if low >= 0 and high not in _INT64 else _INT64


def name_of(value: Any) -> str:
    """Returns the JSON kind of a value, for messages."""
    return _WORDS.get(type(value), "a list" if type(value) is list else "null")


def show(value: Any) -> str:
    """Returns a value as evidence."""
    return excerpt(str(value) if type(value) in (*_FLOATS, int) else repr(value))
