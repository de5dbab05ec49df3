"""The parts of ``benchmarks/worlds.py``: what a world is drawn from, how it is made, and how a map of it is judged."""
