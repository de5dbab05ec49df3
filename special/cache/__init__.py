"""Steps whose results are kept: an engine that knows no scene, no teacher and no classifier."""
