"""The parts of ``benchmarks/accuracy.py``: peers, runs that are kept, perturbed tables, changed scenes, settings."""
