"""Groups of like and near pixels, in scenes that are read whole and by windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fields import NAMES, fields

from special.answers import features
from special.answers.groups import Groups, group


def test_groups_keep_to_what_looks_alike() -> None:
    given = fields()
    groups = group(given.scene, len(NAMES), given.settings, seed=0)
    shares = [
        np.bincount(given.truth[groups.of_pixels == one], minlength=5).max() / groups.sizes[one]
        for one in range(len(groups))
    ]
    assert np.average(shares, weights=groups.sizes) > 0.9
    assert groups.sizes.sum() == given.truth.size


def test_pixels_without_data_have_no_group() -> None:
    given = fields()
    cube = given.scene.read()
    cube[3, 4] = np.nan
    scene = type(given.scene).from_array(cube, given.scene.wavelengths)
    groups = group(scene, len(NAMES), given.settings, seed=0)
    assert groups.of_pixels[3, 4] == -1
    assert (np.delete(groups.of_pixels.ravel(), 3 * 40 + 4) >= 0).all()


def test_a_scene_read_by_windows_has_the_groups_of_one_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    given = fields()
    whole = group(given.scene, len(NAMES), given.settings, seed=0)
    monkeypatch.setattr(features, "_BYTES", 40 * 20 * 4 * 7)  # seven rows at once
    parts = group(given.scene, len(NAMES), given.settings, seed=0)
    assert len(list(parts.features.windows())) > 4
    np.testing.assert_array_equal(parts.of_pixels, whole.of_pixels)


def test_a_sample_finds_the_groups_of_a_large_scene() -> None:
    given = fields()
    settings = replace(given.settings, group_pixels=300)
    groups = group(given.scene, len(NAMES), settings, seed=0)
    assert len(groups.features.sample) <= 300
    assert groups.sizes.sum() == given.truth.size


def test_a_scene_of_a_few_pixels_has_a_few_groups() -> None:
    given = fields()
    scene = type(given.scene).from_array(given.scene.read()[:2, :3], given.scene.wavelengths)
    assert len(group(scene, len(NAMES), given.settings, seed=0)) == 1


def test_means_are_of_the_pixels_of_a_group() -> None:
    given = fields()
    groups = group(given.scene, len(NAMES), given.settings, seed=0)
    (means,) = groups.means(np.stack([given.truth, groups.of_pixels], axis=2).astype(np.float32))
    np.testing.assert_allclose(means[:, 1], np.arange(len(groups)), rtol=1e-6)
    assert means[5, 0] == pytest.approx(given.truth[groups.of_pixels == 5].mean())


def test_parts_are_the_connected_pixels_of_a_group() -> None:
    of_pixels = np.array([[0, 0, 1], [1, 0, 1], [0, 1, -1]], dtype=np.int32)
    none = np.zeros((0, 0))
    parts = Groups(of_pixels, none, none, none, None).parts  # type: ignore[arg-type]
    assert parts[2, 2] == -1
    same = [[(0, 0), (0, 1), (1, 1)], [(0, 2), (1, 2)], [(1, 0)], [(2, 0)], [(2, 1)]]
    numbers = [{int(parts[place]) for place in one} for one in same]
    assert all(len(one) == 1 for one in numbers) and len(set.union(*numbers)) == len(same)
