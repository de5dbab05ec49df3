"""Renderings and turns: what the model is shown, and that it comes back as it lies over the scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_clip

from special.classnames.class_list import ClassList
from special.progress import SILENT, Progress
from special.scene import Scene
from special.scene.rendering import Stretch
from special.settings import load
from special.teachers.image_text.teacher import ImageTextSettings, ImageTextTeacher
from special.teachers.image_text.views import View, colour_infrared, turned
from special.teachers.image_text.weights import LoadedClip, find_clip

CLASSES = ClassList.parse(["water", "tree", "bare soil"])
INFRARED = (850.0, 655.0, 553.0)
STRETCH = Stretch(0.0, 1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> LoadedClip:
    tiny_clip.register()
    path = tiny_clip.save(tmp_path_factory.mktemp("weights") / "tiny.safetensors")
    found, _ = find_clip(f"tiny:{path}", offline=True, device="cpu")
    assert found is not None
    return found


def teacher(clip: LoadedClip, cache: Path | None = None, **changes: object) -> ImageTextTeacher:
    small = {"window": 32, "stride": 16, "shortest_side": 32, "scales": (1, 2), "guide_components": 3}
    settings = replace(load().build(ImageTextSettings), **{**small, **changes})  # type: ignore[arg-type]
    made = ImageTextTeacher(clip, settings, cache, STRETCH)
    made.templates = made.templates[:2]
    return made


def scene(rows: int = 20, cols: int = 33, last_nm: float = 900.0) -> Scene:
    cube = np.random.default_rng(0).random((rows, cols, 24)).astype(np.float32)
    return Scene.from_array(cube, np.linspace(450, last_nm, 24))


def picture(rows: int = 20, cols: int = 33) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (rows, cols, 3), dtype=np.uint8)


def test_what_a_turned_view_gives_comes_back_upright() -> None:
    grid = np.arange(24.0).reshape(4, 6, 1)
    for quarters in range(4):
        view = View(np.rot90(grid, quarters), quarters)
        np.testing.assert_array_equal(view.upright(view.image), grid)


def test_every_picture_is_seen_from_every_side() -> None:
    valid = np.ones((20, 33), bool)
    views = [make() for make in turned([picture(), picture()], valid, 4)]
    assert [view.quarters for view in views] == [0, 1, 2, 3] * 2
    assert {view.image.shape for view in views} == {(20, 33, 3), (33, 20, 3)}


def test_four_turns_give_the_mean_of_four_predictions(clip: LoadedClip) -> None:
    valid, rgb = np.ones((20, 33), bool), picture()
    one = teacher(clip)
    singles = [
        np.rot90(one.coarse(np.ascontiguousarray(np.rot90(rgb, k)), np.rot90(valid, k), CLASSES, SILENT), -k)
        for k in range(4)
    ]
    found = teacher(clip, turns=4).coarse(rgb, valid, CLASSES, SILENT)
    np.testing.assert_allclose(found, np.mean(singles, axis=0), atol=1e-5)


def test_seen_from_four_sides_a_turned_scene_gives_the_turned_answer(clip: LoadedClip) -> None:
    valid, rgb = np.ones((24, 24), bool), picture(24, 24)
    four = teacher(clip, turns=4, scales=(1,), shortest_side=1)
    found = four.coarse(rgb, valid, CLASSES, SILENT)
    other = four.coarse(np.ascontiguousarray(np.rot90(rgb)), valid, CLASSES, SILENT)
    np.testing.assert_allclose(other, np.rot90(found), atol=1e-5)


def test_infrared_beside_rgb_gives_the_mean_of_both(clip: LoadedClip) -> None:
    one, rgb = scene(), picture()
    infrared = colour_infrared(one, INFRARED, STRETCH)
    assert infrared is not None
    singles = [teacher(clip).predict(one, image, CLASSES, SILENT)[:] for image in (rgb, infrared)]
    both = teacher(clip, renderings=("rgb", "infrared")).predict(one, rgb, CLASSES, SILENT)[:]
    alone = teacher(clip, renderings=("infrared",)).predict(one, rgb, CLASSES, SILENT)[:]
    np.testing.assert_allclose(both, np.mean(singles, axis=0), atol=1e-5)
    np.testing.assert_allclose(alone, singles[1], atol=1e-6)


def test_a_scene_without_infrared_is_seen_in_rgb_and_said_so(clip: LoadedClip) -> None:
    lines: list[str] = []

    class Told(Progress):
        def say(self, line: str) -> None:
            lines.append(line)

    visible, rgb = scene(last_nm=700.0), picture()
    found = teacher(clip, renderings=("rgb", "infrared")).predict(visible, rgb, CLASSES, Told())[:]
    np.testing.assert_array_equal(found, teacher(clip).predict(visible, rgb, CLASSES, SILENT)[:])
    assert lines == ["The scene has no bands for colour infrared: the image-text teacher sees its RGB alone."]


# Features that are kept


def test_other_class_names_need_no_second_look_at_the_scene(
    clip: LoadedClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid, rgb = np.ones((20, 33), bool), picture()
    others = ClassList.parse(["roof", "road"])
    expected = [teacher(clip).coarse(rgb, valid, classes, SILENT) for classes in (CLASSES, others)]
    first = teacher(clip, tmp_path).coarse(rgb, valid, CLASSES, SILENT)
    monkeypatch.setattr(ImageTextTeacher, "_features", lambda *_: pytest.fail("the scene was looked at again"))
    second = teacher(clip, tmp_path).coarse(rgb, valid, others, SILENT)
    np.testing.assert_array_equal(first, expected[0])
    np.testing.assert_array_equal(second, expected[1])


@pytest.mark.parametrize("change", ["picture", "class_token_factor", "stride", "turns"])
def test_what_decides_the_features_makes_them_anew(clip: LoadedClip, tmp_path: Path, change: str) -> None:
    valid, rgb = np.ones((20, 33), bool), picture()
    teacher(clip, tmp_path).coarse(rgb, valid, CLASSES, SILENT)
    kept = set((tmp_path / "image-features").iterdir())
    changed = rgb.copy()
    changed[0, 0] += 1 if change == "picture" else 0
    more = {"class_token_factor": 0.1, "stride": 8, "turns": 2}
    new = teacher(clip, tmp_path, **({change: more[change]} if change in more else {}))
    new.coarse(changed, valid, CLASSES, SILENT)
    assert len(set((tmp_path / "image-features").iterdir()) - kept) == 2  # one per scale
