"""Classifiers: who learns from the pseudo-labels, and what they are built of."""
