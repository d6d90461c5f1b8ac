"""Classification of exceptions: tables of rules over their type and text, and the extraction of the relevant text.

Pure, and free of Polars, obstore and deltalake: errors are matched by the names of their types and by their text, so that
this package can be imported without those. The patterns match the pinned versions; the tests provoke the real errors, so a
version with other texts fails there.
"""
