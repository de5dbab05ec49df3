"""Detectors laid on one another by their RPCs: positions, displacements, blocks at the edge."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.rpc import RPC

from special.scene.readers.detectors import RpcPositions, Shift, ShiftedBlockReader, Unseen, shift_between

SHAPE = (90, 70)


def rpc(down: float = 0.0, right: float = 0.0) -> RPC:
    """A straight swath whose pixels are 1e-4 degrees wide and 2e-4 high; the centre of the first is at 48 N, 11 E."""
    terms = np.eye(20)
    return RPC(
        height_off=500,
        height_scale=500,
        lat_off=48,
        lat_scale=1,
        long_off=11,
        long_scale=1,
        line_off=down,
        line_scale=1 / 2e-4,
        samp_off=right,
        samp_scale=1 / 1e-4,
        line_num_coeff=(-terms[2]).tolist(),
        line_den_coeff=terms[0].tolist(),
        samp_num_coeff=terms[1].tolist(),
        samp_den_coeff=terms[0].tolist(),
    )


def test_positions_are_those_of_the_centres_of_pixels() -> None:
    lat, lon = RpcPositions(rpc(), SHAPE)()
    rows, cols = np.indices(SHAPE)
    np.testing.assert_allclose(lat, 48 - 2e-4 * rows, atol=2e-4 / 1000)
    np.testing.assert_allclose(lon, 11 + 1e-4 * cols, atol=1e-4 / 1000)


@pytest.mark.parametrize(("down", "right", "found"), [(-20, 1, (-20, 1)), (3.4, -0.3, (3, 0)), (0, 0, (0, 0))])
def test_a_displacement_is_found_in_whole_pixels_and_the_rest_is_said(
    down: float, right: float, found: tuple[int, int]
) -> None:
    shift = shift_between(rpc(), rpc(down, right), SHAPE)
    assert (shift.rows, shift.cols) == found
    assert shift.left == pytest.approx(max(abs(down - found[0]), abs(right - found[1])), abs=1e-3)


@pytest.mark.parametrize("shift", [Shift(-20, 1, 0), Shift(5, -3, 0), Shift(0, 0, 0)])
def test_a_shifted_block_is_what_the_other_detector_sees_there(shift: Shift) -> None:
    cube = np.random.default_rng(0).integers(1, 100, (*SHAPE, 3)).astype("u2")
    padded = np.zeros((300, 300, 3), "u2")
    padded[100 : 100 + SHAPE[0], 100 : 100 + SHAPE[1]] = cube
    start = (100 + shift.rows, 100 + shift.cols)
    wanted = padded[start[0] : start[0] + SHAPE[0], start[1] : start[1] + SHAPE[1]]
    read = ShiftedBlockReader(lambda rows, cols, bands: cube[rows, cols][:, :, bands], SHAPE, shift, 0)
    for rows in (slice(0, 90), slice(0, 7), slice(15, 40), slice(84, 90)):
        for cols in (slice(0, 70), slice(0, 2), slice(69, 70)):
            found = read(rows, cols, np.array([2, 0]))
            np.testing.assert_array_equal(found, wanted[rows, cols][:, :, [2, 0]])
        np.testing.assert_array_equal(Unseen(SHAPE, shift)(rows), wanted[rows, :, 0] == 0)
