"""values.schema.json: types as JSON Schema, without references, with the words and the defaults of values.yaml."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml
from tools.charts.comments import comments_of

_LEFT_OUT = ("title",)


def render(kind: type, values: str) -> bytes:
    """The JSON Schema of a chart's values.

    Args:
        kind: the type of all of them.
        values: the text of values.yaml.
    """
    schema = msgspec.json.schema(kind)
    made = _inline(schema, schema["$defs"])
    del made["$defs"]
    _describe(made, (), comments_of(values), yaml.safe_load(values))
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return msgspec.json.format(msgspec.json.encode(dialect | made, order="deterministic"), indent=2) + b"\n"


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    """A copy with every reference replaced by what it names: one piece may be described differently in two places."""
    if isinstance(node, list):
        return [_inline(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _inline({key: value for key, value in {**target, **node}.items() if key != "$ref"}, definitions)
    made = {}
    for key, value in node.items():
        if key == "properties":
            # whose keys are names: one may be called title, too
            made[key] = {name: _inline(one, definitions) for name, one in value.items()}
        elif key not in _LEFT_OUT:
            made[key] = _inline(value, definitions)
    return _named(made) if "pattern" in made.get("propertyNames", ()) else made


def _named(node: dict[str, Any]) -> dict[str, Any]:
    """A map whose keys have a form, said so that helm names the right place: of `propertyNames` it tells another one."""
    pattern = node["propertyNames"]["pattern"]
    rest = {key: value for key, value in node.items() if key != "propertyNames"}
    return rest | {"patternProperties": {pattern: node.get("additionalProperties", {})}, "additionalProperties": False}


def _describe(node: dict[str, Any], path: tuple[str, ...], words: dict[tuple[str, ...], str], default: Any) -> None:
    """Adds what values.yaml says of a value and of those within it."""
    if path in words:
        node["description"] = words[path]
    if "properties" not in node or not isinstance(default, dict):
        node["default"] = default
        return
    # there is always a default, and who needs none of it says null
    node.pop("required", None)
    for key, inner in node["properties"].items():
        if key in default:
            _describe(inner, (*path, key), words, default[key])
