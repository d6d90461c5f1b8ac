"""Access to documents and tables in local folders and S3, behind one small interface.

The launcher and the runtime must not import each other, yet both list inputs, read the state store and read what a table
holds, and both must get the same result. The shared code is here. Imports `contract`, and no Polars.
"""
