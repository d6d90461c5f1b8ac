"""A job's dependencies besides its inputs and parameters: modules, data files and libraries, by name and version.

Derived from the source alone: the job's module and, transitively, the modules of the jobs directory that it imports.
Comments, docstrings and formatting have no effect. Anything undecidable from the source counts as a dependency: a module
that can locate its own folder may read any file there, and one that imports by a computed name may import any module.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import polarpod
from polarpod.store.code_version import files, sources

# Enough of a sha256 to distinguish versions of one file; a release holds a line for each module and file of each job.
_DIGITS = 16
# The most data files that are listed individually.
_FILES = 50
# Names by which a module locates its own folder or another file of the jobs directory.
_PLACES = frozenset({"__file__", "__path__", "__spec__", "__loader__", "resources", "get_data", "POLARPOD_JOBS", "inspect"})
# Names by which a module imports modules that its source does not name.
_DYNAMIC = frozenset({"importlib", "__import__", "exec", "eval", "runpy", "pkgutil", "execfile"})
# Names by which a module reads docstrings.
_DOCSTRINGS = frozenset({"__doc__", "getdoc"})
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Project:
    """A jobs directory. Its files are read once for all its jobs."""

    def __init__(self, jobs: Path) -> None:
        self._jobs = jobs
        self._modules = {_module_name(path.relative_to(jobs)): path for path in sources(jobs)}
        self._trees: dict[str, ast.Module | None] = {}

    def dependencies(self, module: str) -> dict[str, str]:
        """Returns "kind name" -> version of every dependency of this module's jobs.

        A library is a distribution that the modules import, or one that it requires; polarpod and Polars are included.
        """
        modules = self._closure(module)
        trees = [tree for name in modules if (tree := self._tree(name))]
        names = {name for tree in trees for name in _names(tree)}
        unknown = bool(names & _DYNAMIC) or len(trees) < len(modules)
        if unknown:
            modules = set(self._modules)
            trees = [tree for name in modules if (tree := self._tree(name))]
            names |= {name for tree in trees for name in _names(tree)}
        found = {f"module {name}": self._digest(name) for name in modules}
        if unknown or names & _PLACES:
            found |= self._data()
        imported = {name.partition(".")[0] for tree in trees for name, level in _imports(tree) if not level}
        imported -= {name.partition(".")[0] for name in self._modules} | set(sys.stdlib_module_names)
        found |= {f"library {name}": version for name, version in _libraries(frozenset(imported)).items()}
        return dict(sorted(found.items()))

    def _data(self) -> dict[str, str]:
        """Returns a digest for each data file; above `_FILES` one for all, since contexts and receipts list each entry."""
        digests = {
            path.relative_to(self._jobs).as_posix(): _bytes_digest(path)
            for path in files(self._jobs)
            if path.suffix != ".py"
        }
        if len(digests) > _FILES:
            text = "\n".join(f"{name}\t{digest}" for name, digest in digests.items())
            return {"files of the jobs directory": hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}
        return {f"file {name}": digest for name, digest in digests.items()}

    def _closure(self, module: str) -> set[str]:
        """Returns a module, the modules of the directory that it imports transitively, and their packages."""
        found: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name in found or name not in self._modules:
                continue
            found.add(name)
            waiting += _packages(name)
            if tree := self._tree(name):
                is_package = self._modules[name].name == "__init__.py"
                for imported, level in _imports(tree):
                    absolute = _absolute(imported, level, name, is_package=is_package)
                    waiting += [absolute, *_packages(absolute)]
        return found

    def _tree(self, name: str) -> ast.Module | None:
        """Returns a module's syntax tree; None for a module that does not parse, whose imports are unknown."""
        if name not in self._trees:
            try:
                self._trees[name] = ast.parse(self._modules[name].read_bytes())
            except (SyntaxError, ValueError):
                self._trees[name] = None
        return self._trees[name]

    def _digest(self, name: str) -> str:
        tree = self._tree(name)
        if tree is None:
            return _bytes_digest(self._modules[name])
        if not _names(tree) & _DOCSTRINGS:
            tree = _Undocumented().visit(ast.parse(self._modules[name].read_bytes()))
        return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:_DIGITS]


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _packages(module: str) -> list[str]:
    """Returns the packages that contain a module, outermost first; their __init__ runs before it."""
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _imports(tree: ast.Module) -> Iterable[tuple[str, int]]:
    """Yields (module, number of leading dots) for each possible import; a name imported from a module may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base, node.level
            yield from ((f"{base}.{alias.name}".lstrip("."), node.level) for alias in node.names)


def _absolute(name: str, level: int, importer: str, *, is_package: bool) -> str:
    if not level:
        return name
    parts = importer.split(".")
    # One dot is the package of the importing module; a package is its own.
    up = level - 1 if is_package else level
    parents = parts[: len(parts) - up] if up else parts
    return ".".join([*parents, *([name] if name else [])])


def _names(tree: ast.Module) -> set[str]:
    """Returns every identifier, attribute, imported name and string literal that is an identifier in a source."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            found.add(node.value)
    for name, _ in _imports(tree):
        found |= set(name.split("."))
    return found


class _Undocumented(ast.NodeTransformer):
    """Removes docstrings from a syntax tree."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:]
        return node


def _bytes_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def _providers(module: str) -> list[str]:
    """Returns the distributions that provide a module; none where it is not installed or belongs to no distribution."""
    from importlib import metadata

    try:
        # Nearly all distributions have the name of their module; the fallback reads the file lists of all distributions.
        return [metadata.distribution(module).name]
    except metadata.PackageNotFoundError:
        return _provided().get(module, [])


@cache
def _provided() -> Mapping[str, list[str]]:
    from importlib import metadata

    return metadata.packages_distributions()


@cache
def _libraries(modules: frozenset[str]) -> dict[str, str]:
    """Returns distribution -> version of the providers of these modules and their requirements, where installed."""
    from importlib import metadata

    # Listed explicitly: polarpod counts both as an installed wheel and as a checkout.
    found = {"polarpod": polarpod.__version__}
    waiting = [name for module in sorted(modules) for name in _providers(module)]
    seen: set[str] = set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        requirements = [_REQUIREMENT.match(text) for text in distribution.requires or [] if "extra ==" not in text]
        waiting += [match[0] for match in requirements if match]
    return found
