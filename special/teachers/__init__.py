"""Teachers: who makes the pseudo-labels, and how several of them are fused."""
