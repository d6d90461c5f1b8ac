"""Finds a plane kind by its name. A kind is loaded when a planes file uses it, its clients when a method needs them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kind import PlaneKind
from polarpod.launch.planes.plane import Plane
from polarpod.launch.worker import Launcher

# by name and not by entry point: reading the metadata of every installed package takes longer than parsing a DAG
_BUILT_IN = {
    "process": "polarpod.launch.planes.process.kind",
    "kubernetes": "polarpod.launch.planes.kubernetes.kind",
}
# the group in which an installed package declares a kind of its own: name = "package.module:OBJECT"
ENTRY_POINTS = "polarpod.planes"


def kind_names() -> list[str]:
    """Every kind that planes.yaml may name here."""
    return [*_BUILT_IN, *sorted(entry_points(group=ENTRY_POINTS).names - _BUILT_IN.keys())]


@cache
def kind_named(name: str) -> PlaneKind[Any]:
    """The kind of that name.

    Raises:
        LookupError: there is none.
        PolarpodError: a package declares one that cannot be used.
    """
    if name in _BUILT_IN:
        kind: PlaneKind[Any] = import_module(_BUILT_IN[name]).KIND
        return kind
    (entry,) = entry_points(group=ENTRY_POINTS, name=name) or (None,)
    if entry is None:
        raise LookupError(name)
    try:
        kind = entry.load()
        tag = kind.config.__struct_config__.tag
    except Exception as error:  # another package's code
        raise _unusable(name, entry.value, f"{type(error).__name__}: {error}") from error
    if tag != name or not issubclass(kind.config, Plane):
        raise _unusable(name, entry.value, f"its config must be a Plane with the tag {name!r}")
    return kind


def kind_of(plane: Plane) -> PlaneKind[Any]:
    """The kind of a plane."""
    return kind_named(plane.kind)


def launcher_of(plane: Plane) -> Launcher:
    """The launcher of a plane."""
    return kind_of(plane).launcher(plane)


def _unusable(name: str, value: str, why: str) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        f"plane kind {name!r} cannot be used",
        evidence=[f"entry point {ENTRY_POINTS}: {value}", why],
        remedy="Correct or remove the package that declares it.",
    )
