"""Lists inputs: one module for each kind of source, each with a function `list_input`."""
