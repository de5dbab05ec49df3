"""The concept-segments teacher, on a tiny SAM 3 with random weights that the real code loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_transformers
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine

from special.classnames.class_list import ClassList
from special.errors import WeightsError
from special.progress import SILENT, Progress
from special.scene import Scene
from special.settings import load
from special.teachers.concept_segments import ConceptSegmentsSettings, ConceptSegmentsTeacher, pixel_metres

CLASSES = ClassList.parse(["water", "tree", "bare soil"])


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sam3")
    tiny_transformers.save_sam3(made)
    return made


def teacher(folder: Path, **changes: object) -> ConceptSegmentsTeacher:
    settings = replace(load().build(ConceptSegmentsSettings), **changes)  # type: ignore[arg-type]
    return ConceptSegmentsTeacher(folder, settings, "cpu", str(folder))


def scene(rows: int = 20, cols: int = 33) -> Scene:
    cube = np.random.default_rng(0).random((rows, cols, 5)).astype(np.float32)
    valid = np.ones((rows, cols), bool)
    valid[0, 0] = False
    return Scene.from_array(cube, np.linspace(450, 900, 5), valid=valid)


def picture(rows: int = 20, cols: int = 33) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (rows, cols, 3), dtype=np.uint8)


def test_it_gives_probabilities_at_valid_pixels(folder: Path) -> None:
    one = scene()
    found = teacher(folder, least_presence=0.0).predict(one, picture(), CLASSES, SILENT)[:]
    np.testing.assert_allclose(found[one.valid].sum(axis=1), 1, atol=1e-5)
    assert not found[0, 0].any()
    assert found[one.valid].std(axis=0).min() > 0, "places differ"


def test_a_window_is_what_sam_3_says_of_it_by_itself(folder: Path) -> None:
    from transformers import AutoTokenizer, Sam3Model

    made = teacher(folder, least_presence=0.0, floor=1e-9)
    image = picture(56, 56).astype(np.float32)
    found, _ = made.coarse(image, [["water"], ["tree", "roof"]], SILENT)
    network, tokenizer = Sam3Model.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    pixels = torch.from_numpy(image / 127.5 - 1).permute(2, 0, 1)[None]
    scores = []
    for text in ("water", "tree", "roof"):
        words = tokenizer(text, padding="max_length", max_length=32, return_tensors="pt")
        with torch.inference_mode():
            said = network(pixel_values=pixels, input_ids=words.input_ids, attention_mask=words.attention_mask)
        sure = said.semantic_seg.sigmoid()[0, 0].numpy()
        step = len(sure) // 4
        scores.append(float(said.presence_logits.sigmoid()) * sure.reshape(4, step, 4, step).mean(axis=(1, 3)))
    expected = np.stack([scores[0], np.maximum(scores[1], scores[2])], axis=2)
    np.testing.assert_allclose(found, expected / expected.sum(axis=2, keepdims=True), atol=1e-5)


class Says:
    """Stands in for SAM 3 where a test decides what it says: presence and map by the first token of a phrase."""

    def __init__(self, presence: dict[int, float], sure: dict[int, np.ndarray]) -> None:
        self.presence, self.sure = presence, sure

    def get_vision_features(self, pixel_values: torch.Tensor) -> None:
        assert pixel_values.shape == (1, 3, 56, 56)

    def __call__(self, vision_embeds: None, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        word = int(input_ids[0, 0])
        return SimpleNamespace(
            presence_logits=torch.tensor([[self.presence[word]]]).logit(),
            semantic_seg=torch.from_numpy(self.sure[word])[None, None].logit(),
        )


def test_a_class_that_is_nowhere_present_is_dropped_whatever_its_map_says(folder: Path) -> None:
    made = teacher(folder, floor=0.1)
    water, tree, bare = (tiny_transformers.WORDS.index(word) for word in ("water", "tree", "bare"))
    left = np.full((8, 8), 0.001, np.float32)
    left[:, :4] = 0.999
    made.network = Says({water: 0.9, tree: 0.8, bare: 0.2}, {water: left, tree: left[:, ::-1].copy(), bare: left})
    told, one = Told(), scene(56, 56)
    found = made.predict(one, picture(56, 56), CLASSES, told)[:]
    assert told.lines == ["The concept-segments teacher sees nothing of: bare soil."]
    assert not found[..., 2].any()
    assert found[1:, :7, 0].min() > 0.8
    assert found[:, 49:, 1].min() > 0.8


def test_a_scene_in_which_nothing_is_present_leaves_all_classes_alike(folder: Path) -> None:
    one = scene()
    found = teacher(folder, least_presence=1.0).predict(one, picture(), CLASSES, SILENT)[:]
    np.testing.assert_allclose(found[one.valid], 1 / 3, atol=1e-6)


def placed(metres: float, crs: str = "EPSG:32633") -> Scene:
    one = scene()
    transform = Affine(metres, 0, 0, 0, -metres, 0)
    one.georeference = SimpleNamespace(transform=transform, crs_wkt=CRS.from_string(crs).to_wkt())  # type: ignore[assignment]
    return one


@pytest.mark.parametrize(
    ("one", "metres"), [(placed(30), 30.0), (placed(1, "EPSG:2263"), 0.3048), (placed(1e-4, "EPSG:4326"), None)]
)
def test_the_size_of_a_pixel_is_in_metres_where_the_scene_lies_on_a_plane(one: Scene, metres: float | None) -> None:
    assert pixel_metres(one) == (None if metres is None else pytest.approx(metres, rel=1e-4))


def test_it_keeps_out_where_pixels_are_too_coarse_to_show_outlines(folder: Path) -> None:
    told, coarse = Told(), placed(30)
    found = teacher(folder).predict(coarse, picture(), CLASSES, told)[:]
    np.testing.assert_allclose(found[coarse.valid], 1 / 3, atol=1e-6)
    assert not found[0, 0].any()
    assert "keeps out: pixels of 30 m show no outlines" in told.lines[0]


def test_a_tokenizer_with_words_that_the_model_lacks_is_refused(folder: Path) -> None:
    made = teacher(folder)
    made.words = 3
    with pytest.raises(WeightsError, match="words beyond the 3 of the model"):
        made.coarse(np.zeros((28, 28, 3), np.float32), [["grass"]], SILENT)
