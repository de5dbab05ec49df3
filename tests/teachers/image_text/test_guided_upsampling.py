"""Upsampling guided by spectra: probabilities stay probabilities, and follow the edges of the guide."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from special.teachers.image_text import guided_upsampling
from special.teachers.image_text.guided_upsampling import upsample

WIDTHS = {"sigma_space": 1.0, "sigma_guide": 0.5}


def probabilities(rng, rows, cols, classes):
    return rng.dirichlet(np.ones(classes), (rows, cols)).astype(np.float32)


@settings(deadline=None)
@given(
    rows=st.integers(1, 23),
    cols=st.integers(1, 23),
    coarseness=st.integers(1, 9),
    sigma_space=st.floats(0.3, 3.0),
    sigma_guide=st.floats(1e-3, 1e3),
    seed=st.integers(0, 9),
)
def test_probabilities_stay_probabilities(rows, cols, coarseness, sigma_space, sigma_guide, seed):
    rng = np.random.default_rng(seed)
    coarse = probabilities(rng, -(-rows // coarseness), -(-cols // coarseness), 3)
    out = upsample(coarse, rng.normal(size=(rows, cols, 2)), sigma_space=sigma_space, sigma_guide=sigma_guide)
    assert out.shape == (rows, cols, 3)
    assert out.dtype == np.float32
    assert out.min() >= 0
    np.testing.assert_allclose(out.sum(axis=2), 1.0, atol=1e-5)


def test_an_edge_inside_a_cell_is_found_where_the_spectra_have_it():
    guide = np.zeros((20, 20, 1), np.float32)
    guide[:, 7:] = 5.0
    truth = (guide[:, :, 0] > 0).astype(int)
    share = truth.reshape(5, 4, 5, 4).mean(axis=(1, 3))
    out = upsample(np.stack([1 - share, share], axis=2).astype(np.float32), guide, **WIDTHS)
    np.testing.assert_array_equal(out.argmax(axis=2), truth)


def test_a_pixel_unlike_its_whole_neighbourhood_still_gets_an_answer():
    guide = np.zeros((8, 8, 1), np.float32)
    guide[3, 3] = 1e6
    out = upsample(probabilities(np.random.default_rng(0), 4, 4, 3), guide, **WIDTHS)
    np.testing.assert_allclose(out.sum(axis=2), 1.0, atol=1e-5)


def test_invalid_pixels_get_nothing_and_lend_nothing():
    rng = np.random.default_rng(0)
    coarse, guide = probabilities(rng, 4, 4, 3), rng.normal(size=(12, 12, 2))
    valid = rng.random((12, 12)) > 0.4
    valid[:3, :3] = False
    out = upsample(coarse, guide, valid=valid, **WIDTHS)
    assert not out[~valid].any()
    np.testing.assert_allclose(out[valid].sum(axis=1), 1.0, atol=1e-5)
    other = np.where(valid[:, :, None], guide, np.nan)
    np.testing.assert_array_equal(upsample(coarse, other, valid=valid, **WIDTHS), out)


def test_classes_are_treated_alike():
    rng = np.random.default_rng(1)
    coarse, guide = probabilities(rng, 3, 5, 4), rng.normal(size=(9, 14, 2))
    order = [2, 0, 3, 1]
    out = upsample(coarse, guide, **WIDTHS)
    np.testing.assert_allclose(upsample(coarse[:, :, order], guide, **WIDTHS), out[:, :, order], atol=1e-6)


def test_working_in_chunks_of_rows_changes_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    coarse, guide = probabilities(rng, 5, 4, 3), rng.normal(size=(19, 13, 2))
    whole = upsample(coarse, guide, **WIDTHS)
    monkeypatch.setattr(guided_upsampling, "_VALUES_AT_ONCE", 700)
    np.testing.assert_allclose(upsample(coarse, guide, **WIDTHS), whole, atol=1e-6)
