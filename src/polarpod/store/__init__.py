"""Where documents and tables are: local folders and S3, behind one small interface.

The launcher and the runtime may not know each other, yet both must list inputs, read the state store and ask a table
what it holds, and must come to the same answer. That shared ground is here. Knows `contract`; imports no Polars.
"""
