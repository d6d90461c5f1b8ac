"""Text files as inputs: CSV and NDJSON, read exactly or refused with file and line."""
