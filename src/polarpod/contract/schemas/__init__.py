"""The JSON Schemas of the wire documents, generated from the types: `python -m polarpod.contract.schemas`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.release import Release
from polarpod.contract.verdict import Verdict

DOCUMENTS: dict[str, type] = {
    "context": Context,
    "message": Message,
    "receipt": Receipt,
    "release": Release,
    "verdict": Verdict,
}
FOLDER = Path(__file__).parent


def render(kind: type) -> bytes:
    """The JSON Schema (draft 2020-12) of one document, as indented JSON."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(kind)
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"
