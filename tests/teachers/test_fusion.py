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
from special.teachers.fusion import FusionSettings, fuse, pseudo_labels, weigh

CLASSES = ClassList.parse(["Water", "Grass", "Asphalt"])
TRUTH = np.repeat([0, 1, 2], 10)[None].repeat(20, axis=0)

SETTINGS = FusionSettings(("spectrum-text", "image-text"), image_weight=1.0, luck=1.0, no_luck=2.0)
VALID = np.ones(TRUTH.shape, dtype=bool)


def confident(labels: np.ndarray, p: float = 0.8) -> np.ndarray:
    rest = (1 - p) / 2
    return (np.eye(3)[labels] * (p - rest) + rest).astype(np.float32)


def random_labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, TRUTH.shape)


@pytest.fixture
def scene() -> Scene:
    cube = np.random.default_rng(0).uniform(0.1, 0.5, (*TRUTH.shape, 6)).astype(np.float32)
    return Scene.from_array(cube, np.linspace(450, 850, 6))


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
    assert 0.5 < result.record["teachers"]["spectrum-text"]["weight"] <= 1
    assert 0.15 < result.record["teachers"]["image-text"]["weight"] <= 0.5
    assert result.record["agreement"]["image-text"]["skill"] > 0.7
    assert result.record["agreement"]["image-text"]["sure"] > 1.2


def test_a_first_teacher_that_knows_nothing_vouches_for_nobody(scene: Scene) -> None:
    hardly = 1 / len(CLASSES) + 0.01
    teachers = [FixedTeacher("spectrum-text", confident(TRUTH, hardly)), FixedTeacher("image-text", confident(TRUTH))]
    result = pseudo_labels(scene, np.zeros((*TRUTH.shape, 3), np.uint8), CLASSES, teachers, SETTINGS)
    assert result.record["teachers"]["image-text"]["weight"] == 0


@given(st.integers(0, 2**31), st.floats(0, 3))
def test_fused_probabilities_sum_to_one_where_valid(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(4, 0.3), (2, 5, 6)).astype(np.float32)
    first[2, 3] = second[2, 3] = 0
    fused = fuse([first, second], [1.0, weight])
    assert not fused[2, 3].any()
    assert fused.min() >= 0
    np.testing.assert_allclose(np.delete(fused.reshape(-1, 4), 2 * 6 + 3, axis=0).sum(axis=1), 1, rtol=1e-5)


def test_a_teacher_alone_is_passed_on_bit_by_bit(scene: Scene) -> None:
    sharp = confident(TRUTH, 0.999)
    result = pseudo_labels(scene, None, CLASSES, [FixedTeacher("spectrum-text", sharp)], SETTINGS)
    np.testing.assert_array_equal(result.probabilities, fuse([sharp], [1.0]))
    assert result.record["teachers"]["spectrum-text"]["weight"] == 1
    assert "agreement" not in result.record


def test_beside_one_that_earns_nothing_the_first_keeps_its_weight() -> None:
    weights, _ = weigh([confident(TRUTH, 0.999), confident(np.zeros_like(TRUTH))], VALID, SETTINGS)
    assert weights == [1.0, 0.0]


def test_names_that_are_those_of_other_classes_earn_nothing() -> None:
    weights, _ = weigh([confident(TRUTH), confident((TRUTH + 1) % 3, 0.98)], VALID, SETTINGS)
    assert weights == [1.0, 0.0]


def test_one_that_is_surer_than_its_skill_is_flattened_to_it() -> None:
    wrong = np.where(np.random.default_rng(4).random(TRUTH.shape) < 0.5, random_labels(5), TRUTH)
    honest, boasting = (weigh([confident(TRUTH), confident(wrong, p)], VALID, SETTINGS)[0] for p in (0.4, 0.99))
    assert honest[1] > 0.9
    assert 0 < boasting[1] < 0.5 * honest[1]


def test_others_that_agree_with_each_other_and_not_with_the_first_outvote_it(scene: Scene) -> None:
    wrong = np.where(np.random.default_rng(6).random(TRUTH.shape) < 0.8, random_labels(7), TRUTH)
    teachers = [FixedTeacher("spectrum-text", confident(wrong, 0.9))]
    teachers += [FixedTeacher(f"other-{number}", confident(TRUTH, 0.8)) for number in range(2)]
    result = pseudo_labels(scene, np.zeros((*TRUTH.shape, 3), np.uint8), CLASSES, teachers, SETTINGS)
    assert (result.probabilities.argmax(axis=-1) == TRUTH).mean() > 0.95


def test_the_order_of_the_others_does_not_matter() -> None:
    first, second, third = confident(TRUTH), confident(random_labels(8)), confident(np.where(TRUTH == 2, 0, TRUTH))
    one, _ = weigh([first, second, third], VALID, SETTINGS)
    other, _ = weigh([first, third, second], VALID, SETTINGS)
    assert one == pytest.approx([other[0], other[2], other[1]])


def test_between_luck_and_no_luck_a_part_is_earned() -> None:
    assert SETTINGS.earned(0.0) == SETTINGS.earned(1.0) == 0.0
    assert SETTINGS.earned(1.5) == 0.5
    assert SETTINGS.earned(2.0) == SETTINGS.earned(9.0) == 1.0
