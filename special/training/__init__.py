"""The classifier learns: warmup on pseudo-labels, refinement on labels it makes itself, and what both are made of."""
