"""What an exception means: tables of rules over its type and its text, and what of its text a person needs.

Pure, and free of Polars, obstore and deltalake: errors are told apart by the names of their types and by their words,
so that this can be imported where those are not. The words are those of the pinned versions; the tests provoke the
real errors, so a version that words them otherwise fails there.
"""
