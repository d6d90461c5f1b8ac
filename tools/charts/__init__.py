"""What of a chart is generated: `values.schema.json` from types and the comments in `values.yaml`, README.md by helm-docs.

`python -m tools.charts` writes them; a test holds them to be fresh.
"""
