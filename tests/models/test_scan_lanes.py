"""Vectors as values in compiled kernels: their functions are accurate, and what moves them puts them in their place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numba import njit

from special.models.scan import lanes
from special.models.scan.lanes import LANES


@pytest.mark.parametrize(
    ("name", "exact", "low", "high"),
    [
        ("exp2", np.exp2, -99.5, 20.0),
        ("softplus", lambda x: np.logaddexp(0, x), -60.0, 60.0),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -60.0, 60.0),
    ],
)
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_functions_of_lanes_are_accurate(
    name: str, exact: Callable[[np.ndarray], np.ndarray], low: float, high: float, real: type
) -> None:
    function, get, put, stack = getattr(lanes, name), lanes.get, lanes.put, lanes.stack

    @njit
    def apply(x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x)
        tile = stack(x, LANES)
        for start in range(0, len(x), LANES):
            for k in range(LANES):
                tile[k] = x[start + k]
            put(tile, 0, function(get(tile, 0)))
            for k in range(LANES):
                y[start + k] = tile[k]
        return y

    x = np.linspace(low, high, 10_000 * LANES).astype(real)
    error = np.abs(apply(x) / exact(x.astype(np.float64)) - 1)
    # exp(-x) as 2**(-x / ln 2) inherits the rounding of the exponent, which grows with x.
    single = 3e-7 if name == "exp2" else 3e-7 + 1e-7 * np.abs(x)
    assert np.all(error < (single if real == np.float32 else 1e-13))
    outside = apply(np.array([-200.0, np.nan] * (LANES // 2), dtype=real))
    assert np.all(np.abs(outside[::2]) < 1e-30) and np.isnan(outside[1::2]).all()


def _on_a_tile(change: Callable[..., None]) -> np.ndarray:
    """Apply ``change`` to a tile of 0, 1, 2, ... in order, (vector, lane)."""
    stack = lanes.stack

    @njit
    def apply(rows: np.ndarray) -> np.ndarray:
        tile = stack(rows, LANES * LANES)
        for i in range(LANES * LANES):
            tile[i] = rows[i // LANES, i % LANES]
        change(tile)
        for i in range(LANES * LANES):
            rows[i // LANES, i % LANES] = tile[i]
        return rows

    return apply(np.arange(LANES * LANES, dtype=np.float32).reshape(LANES, LANES))


def test_a_tile_is_transposed() -> None:
    transpose = lanes.transpose

    @njit
    def change(tile: object) -> None:
        transpose(tile)

    np.testing.assert_array_equal(_on_a_tile(change), np.arange(LANES * LANES).reshape(LANES, LANES).T)


def test_lanes_are_summed_vector_by_vector() -> None:
    put, totals = lanes.put, lanes.totals

    @njit
    def change(tile: object) -> None:
        put(tile, 1, totals(tile))

    expected = np.arange(LANES * LANES).reshape(LANES, LANES)
    np.testing.assert_array_equal(_on_a_tile(change)[1], expected.sum(axis=1))


def test_numbers_and_vectors_mix() -> None:
    get, put, splat = lanes.get, lanes.put, lanes.splat

    @njit
    def change(tile: object) -> None:
        x = get(tile, 1)
        x -= splat(x, 16.0)  # 0 to 15
        put(tile, 0, (2.0 * x + 1.0) / splat(x, 4.0) - x)

    x = np.arange(LANES)
    np.testing.assert_array_equal(_on_a_tile(change)[0], (2 * x + 1) / 4 - x)
