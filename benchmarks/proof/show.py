"""Markdown tables of means and spreads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def head(*columns: str) -> None:
    """Begin a table."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def line(*cells: str) -> None:
    """Print one row."""
    print(f"| {' | '.join(cells)} |", flush=True)


def cell(values: Sequence[float]) -> str:
    """Mean ± standard deviation; of one value, the value; of none, a dash."""
    if not len(values):
        return "-"
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def spread(plain: float, values: Sequence[float]) -> tuple[str, ...]:
    """Cells for one value, then mean, standard deviation and least of others."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{plain:.3f}", f"{np.mean(values):.3f}", f"{deviation:.3f}", f"{min(values):.3f}"


def over_scenes(rows: Sequence[Sequence[float]]) -> list[float]:
    """The mean over scenes, for every seed or table: its spread is that of the mean."""
    return [float(value) for value in np.mean(rows, axis=0)]
