"""Rewrites the checked-in JSON Schemas from the types."""

from polarpod.contract.schemas import DOCUMENTS, path_of, render

for name, kind in DOCUMENTS.items():
    path_of(name).write_bytes(render(kind))
    print(path_of(name).name)
