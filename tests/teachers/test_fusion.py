"""Fusing teachers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fixed_teacher import FixedTeacher
from hypothesis import given
from hypothesis import strategies as st

from special.classnames.class_list import ClassList
from special.errors import SceneError
from special.progress import Progress
from special.scene.scene import Scene
from special.teachers.fusion import FusionSettings, agreement, fuse, pseudo_labels

CLASSES = ClassList.parse(["Water", "Grass", "Asphalt"])
TRUTH = np.repeat([0, 1, 2], 10)[None].repeat(20, axis=0)

SETTINGS = FusionSettings(("spectrum-text", "image-text"), image_weight=1.0, image_doubt=0.2)


def confident(labels: np.ndarray, p: float = 0.8) -> np.ndarray:
    rest = (1 - p) / 2
    return (np.eye(3)[labels] * (p - rest) + rest).astype(np.float32)


def random_labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, TRUTH.shape)


@pytest.fixture
def scene() -> Scene:
    cube = np.random.default_rng(0).uniform(0.1, 0.5, (*TRUTH.shape, 6)).astype(np.float32)
    return Scene.from_array(cube, np.linspace(450, 850, 6))


def test_agreement_is_one_for_the_same_labels_and_about_zero_for_unrelated_ones() -> None:
    valid = np.ones(TRUTH.shape, dtype=bool)
    assert agreement(confident(TRUTH), confident(TRUTH), valid) == pytest.approx(1)
    assert agreement(confident(TRUTH), confident(random_labels(1)), valid) < 0.1


def test_a_teacher_that_always_says_the_same_earns_no_weight() -> None:
    valid = np.ones(TRUTH.shape, dtype=bool)
    assert agreement(confident(TRUTH), confident(np.zeros_like(TRUTH)), valid) == 0


def test_a_teacher_that_knows_nothing_changes_next_to_nothing(scene: Scene) -> None:
    first = FixedTeacher("spectrum-text", confident(TRUTH, 0.6))
    second = FixedTeacher("image-text", confident(random_labels(2), 0.98))
    result = pseudo_labels(
        scene,
        np.zeros((*TRUTH.shape, 3), np.uint8),
        CLASSES,
        [first, second],
        SETTINGS,
    )
    assert (result.probabilities.argmax(axis=-1) == TRUTH).mean() > 0.97


def test_a_teacher_that_agrees_where_the_first_is_sure_decides_where_it_is_not(scene: Scene) -> None:
    unsure = confident(TRUTH, 0.9)
    unsure[:5] = np.array([0.34, 0.33, 0.33], np.float32)
    teachers = [FixedTeacher("spectrum-text", unsure), FixedTeacher("image-text", confident(TRUTH))]
    result = pseudo_labels(scene, np.zeros((*TRUTH.shape, 3), np.uint8), CLASSES, teachers, SETTINGS)
    assert (result.probabilities.argmax(axis=-1) == TRUTH).all()


def test_without_rgb_a_teacher_that_needs_it_is_left_out_and_said_to_be(scene: Scene) -> None:
    said: list[str] = []

    class Listener(Progress):
        def say(self, line: str) -> None:
            said.append(line)

    teachers = [
        FixedTeacher("spectrum-text", confident(TRUTH)),
        FixedTeacher("image-text", confident(TRUTH), needs_rgb=True),
    ]
    result = pseudo_labels(scene, None, CLASSES, teachers, SETTINGS, Listener())
    assert list(result.parts) == ["spectrum-text"]
    assert result.record["left_out"] == ["image-text"]
    assert any("visible" in line for line in said)


def test_a_teacher_that_needs_rgb_alone_without_it_is_an_error(scene: Scene) -> None:
    with pytest.raises(SceneError, match="visible"):
        pseudo_labels(scene, None, CLASSES, [FixedTeacher("other", confident(TRUTH), needs_rgb=True)], SETTINGS)


def test_the_record_names_teachers_and_weights(scene: Scene) -> None:
    teachers = [FixedTeacher("spectrum-text", confident(TRUTH)), FixedTeacher("image-text", confident(TRUTH))]
    result = pseudo_labels(
        scene, np.zeros((*TRUTH.shape, 3), np.uint8), CLASSES, teachers, replace(SETTINGS, image_weight=0.5)
    )
    assert result.record["teachers"]["spectrum-text"]["weight"] == 1
    assert result.record["teachers"]["image-text"]["weight"] == pytest.approx(0.5)


@given(st.integers(0, 2**31), st.floats(0, 3))
def test_fused_probabilities_sum_to_one_where_valid(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(4, 0.3), (2, 5, 6)).astype(np.float32)
    first[2, 3] = second[2, 3] = 0
    fused = fuse([first, second], [1.0, weight])
    assert not fused[2, 3].any()
    assert fused.min() >= 0
    np.testing.assert_allclose(np.delete(fused.reshape(-1, 4), 2 * 6 + 3, axis=0).sum(axis=1), 1, rtol=1e-5)


def test_pixels_without_data_do_not_count_for_agreement() -> None:
    valid = np.ones(TRUTH.shape, dtype=bool)
    valid[:10] = False
    other = confident(TRUTH)
    other[:10] = confident(random_labels(3))[:10]
    assert agreement(confident(TRUTH), other, valid) == pytest.approx(1)


def test_agreement_up_to_the_doubt_earns_no_weight() -> None:
    settings = SETTINGS
    assert settings.weight(0.0) == settings.weight(0.2) == 0.0
    assert 0 < settings.weight(0.6) < settings.weight(1.0) == 1.0
