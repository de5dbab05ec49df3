"""Readers: one module per file format, each of which says whether it recognises a file and opens it."""
