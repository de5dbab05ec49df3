"""The parts of ``benchmarks/accuracy.py``: peers, runs that are kept, perturbed tables, held-out scenes."""
