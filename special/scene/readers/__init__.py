"""Readers of scenes: one module per file format, each with an object that ``setup.cfg`` lists; see ``base``."""
