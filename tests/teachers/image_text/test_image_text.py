"""The image-text teacher as a whole, on a tiny model with random weights that is loaded by the real code."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import tiny_clip
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from special.classnames.class_list import ClassList
from special.classnames.prompts import fill, open_clip_templates, read_templates
from special.errors import SceneError, SettingsError
from special.progress import SILENT, Progress
from special.scene.scene import Scene
from special.settings import load
from special.teachers.image_text.teacher import ImageTextSettings, ImageTextTeacher
from special.teachers.image_text.text_vectors import class_probabilities, embed, name_embeddings
from special.teachers.image_text.weights import find_clip

SETTINGS = ImageTextSettings(
    clip="auto",
    templates="clip_templates.txt",
    window=32,
    stride=16,
    scales=(1, 2),
    shortest_side=32,
    largest_enlargement=4.0,
    class_token_factor=0.3,
    logit_scale=50.0,
    concept_weight=0.0,
    renderings=("rgb",),
    infrared_nm=(850.0, 655.0, 553.0),
    turns=1,
    keep_features_mb=0,
    batch=3,
    guide_components=3,
    guide_space=1.0,
    guide_likeness=0.5,
)
CLASSES = ClassList.parse(["water", "tree | forest | woodland", "bare soil"])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    tiny_clip.register()
    path = tiny_clip.save(tmp_path_factory.mktemp("weights") / "tiny.safetensors")
    found, _ = find_clip(f"tiny:{path}", offline=True, device="cpu")
    return found


@pytest.fixture(scope="module")
def teacher(clip):
    made = ImageTextTeacher(clip, SETTINGS)
    made.templates = made.templates[:3]  # the ensemble has its own test
    return made


def scene_and_rgb(rows, cols, seed=0, valid=None):
    rng = np.random.default_rng(seed)
    cube = rng.random((rows, cols, 5)).astype(np.float32)
    rgb = rng.integers(0, 256, (rows, cols, 3), dtype=np.uint8)
    return Scene.from_array(cube, np.linspace(450, 900, 5), valid=valid), rgb


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 40), cols=st.integers(1, 40))
def test_a_scene_of_any_size_gets_probabilities(teacher, rows, cols):
    scene, rgb = scene_and_rgb(rows, cols)
    out = teacher.predict(scene, rgb, CLASSES, SILENT)
    assert out.shape == (rows, cols, 3)
    assert out.dtype == np.float32
    assert out.min() >= 0
    np.testing.assert_allclose(out[scene.valid].sum(axis=1), 1.0, atol=1e-5)


def test_pixels_differ_where_the_image_does(teacher):
    scene, rgb = scene_and_rgb(32, 32)
    rgb[:, :16] = 30
    coarse = teacher.coarse(rgb, scene.valid, CLASSES, SILENT)
    left, right = coarse[:, :3].mean(axis=(0, 1)), coarse[:, -3:].mean(axis=(0, 1))
    assert np.abs(left - right).max() > 0.01


def test_the_order_of_the_classes_does_not_matter(teacher):
    scene, rgb = scene_and_rgb(13, 21)
    out = teacher.predict(scene, rgb, CLASSES, SILENT)
    turned = ClassList((CLASSES.classes[2], CLASSES.classes[0], CLASSES.classes[1]))
    np.testing.assert_allclose(teacher.predict(scene, rgb, turned, SILENT), out[:, :, [2, 0, 1]], atol=1e-5)


def test_the_same_scene_gets_the_same_answer(teacher):
    scene, rgb = scene_and_rgb(20, 11)
    first, second = (teacher.predict(scene, rgb, CLASSES, SILENT) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_how_many_windows_go_together_does_not_matter(teacher, clip, batch):
    scene, rgb = scene_and_rgb(24, 40)
    other = ImageTextTeacher(clip, replace(SETTINGS, batch=batch))
    other.templates = teacher.templates
    expected = teacher.coarse(rgb, scene.valid, CLASSES, SILENT)
    np.testing.assert_allclose(other.coarse(rgb, scene.valid, CLASSES, SILENT), expected, atol=1e-5)


def test_scales_are_averaged_on_the_finest_grid(teacher, clip):
    scene, rgb = scene_and_rgb(32, 32)

    def coarse(*scales):
        other = ImageTextTeacher(clip, replace(SETTINGS, scales=scales))
        other.templates = teacher.templates
        return other.coarse(rgb, scene.valid, CLASSES, SILENT)

    one, two, both = coarse(1), coarse(2), coarse(1, 2)
    assert (one.shape, two.shape, both.shape) == ((4, 4, 3), (8, 8, 3), (8, 8, 3))
    np.testing.assert_allclose(both, (one.repeat(2, axis=0).repeat(2, axis=1) + two) / 2, atol=1e-5)


def test_no_cell_is_smaller_than_a_pixel(clip, teacher):
    scene, rgb = scene_and_rgb(6, 9)
    other = ImageTextTeacher(clip, replace(SETTINGS, shortest_side=200, largest_enlargement=30.0))
    other.templates = teacher.templates
    assert other.coarse(rgb, scene.valid, CLASSES, SILENT).shape == (6, 9, 3)


def test_invalid_pixels_get_nothing_and_what_they_hold_is_not_seen(teacher):
    valid = np.ones((20, 20), bool)
    valid[5:9, :12] = False
    scene, rgb = scene_and_rgb(20, 20, valid=valid)
    out = teacher.predict(scene, rgb, CLASSES, SILENT)
    assert not out[~valid].any()
    other = rgb.copy()
    other[~valid] = 255
    np.testing.assert_array_equal(teacher.predict(scene, other, CLASSES, SILENT), out)


def test_the_progress_bar_ends_where_it_said_it_would(teacher):
    class Bars(Progress):
        def __init__(self):
            self.bars = []

        def begin(self, what, total):
            self.bars.append([total, 0])

        def advance(self, steps=1, **figures):
            self.bars[-1][1] += steps

    bars = Bars()
    scene, rgb = scene_and_rgb(25, 40)
    teacher.predict(scene, rgb, CLASSES, bars)
    assert len(bars.bars) == 2
    assert all(total == done > 0 for total, done in bars.bars)


def test_a_scene_without_an_rgb_is_an_error_that_says_what_to_do(teacher):
    scene, rgb = scene_and_rgb(4, 4)
    with pytest.raises(SceneError, match="--clip none"):
        teacher.predict(scene, None, CLASSES, SILENT)
    with pytest.raises(SceneError, match="expected"):
        teacher.predict(scene, rgb[:3], CLASSES, SILENT)


def test_the_identity_is_json_and_changes_with_the_prompts(clip, tmp_path):
    (tmp_path / "mine.txt").write_text("{} on a map\n")
    default = ImageTextTeacher(clip, SETTINGS).identity()
    mine = ImageTextTeacher(clip, replace(SETTINGS, templates=str(tmp_path / "mine.txt"))).identity()
    assert json.loads(json.dumps(default)) == default
    assert default["weights_sha256"] == mine["weights_sha256"] == clip.weights_sha256
    assert default["templates_sha256"] != mine["templates_sha256"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("window", 0), ("stride", -1), ("scales", []), ("scales", [0, 1]), ("guide_likeness", 0.0), ("batch", 0)],
)
def test_settings_that_mean_nothing_are_refused_by_name(name, value):
    wrong = load(changes={f"pseudo.image_text.{name}": value})
    with pytest.raises(SettingsError, match=rf"^pseudo\.image_text\.{name} must be .*, not {re.escape(str(value))}$"):
        wrong.build(ImageTextSettings)


# Synonyms


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_a_class_is_as_likely_as_the_best_of_its_names():
    features, texts = unit(5, 16), unit(4, 16, seed=1)
    found = class_probabilities(features, texts, torch.tensor([0, 1, 1, 2]), 50.0)
    cosine = (features @ texts.T).numpy()
    pooled = 50.0 * np.stack([cosine[:, 0], cosine[:, 1:3].max(axis=1), cosine[:, 3]], axis=1)
    expected = np.exp(pooled) / np.exp(pooled).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("copies", [1, 2, 20])
def test_saying_a_class_more_often_neither_helps_nor_hurts_it(copies):
    features, texts = unit(7, 16), unit(3, 16, seed=1)
    once = class_probabilities(features, texts, torch.arange(3), 50.0)
    owners = torch.tensor([0] * copies + [1, 2])
    torch.testing.assert_close(class_probabilities(features, texts[owners], owners, 50.0), once)


def test_a_further_synonym_leaves_the_odds_between_the_other_classes_alone():
    features, texts = unit(30, 16), unit(5, 16, seed=1)
    fewer = class_probabilities(features, texts[:4], torch.arange(4), 50.0)
    more = class_probabilities(features, texts, torch.tensor([0, 1, 2, 3, 0]), 50.0)
    torch.testing.assert_close(more[:, 1:] / more[:, 1:2], fewer[:, 1:] / fewer[:, 1:2], rtol=1e-3, atol=0)
    assert (more[:, 0] >= fewer[:, 0] - 1e-6).all()


# Prompts


def test_a_description_is_one_more_text_of_its_class(teacher):
    classes = ClassList.parse(["yard | court: light concrete", "water"])
    texts, owners = teacher._texts(classes, SILENT)
    assert owners.tolist() == [0, 0, 0, 1]
    alone = name_embeddings(teacher.clip.model, teacher.clip.tokenizer, ["light concrete"], teacher.templates)
    torch.testing.assert_close(texts[2], alone[0])


def test_short_texts_are_encoded_as_the_whole_context_would_be(clip):
    texts = [
        "water",
        "a photo of a large and very complicated roof of red tiles, seen from above",
        "an aerial photo of soil.",
    ]
    whole = clip.model.encode_text(clip.tokenizer(texts), normalize=True)
    torch.testing.assert_close(embed(clip.model, clip.tokenizer, texts), whole, atol=1e-6, rtol=0)


def test_a_name_s_vector_is_the_normalised_mean_over_all_templates(clip):
    templates = (*open_clip_templates(), *read_templates("clip_templates.txt"))
    found = name_embeddings(clip.model, clip.tokenizer, ["water", "Bare_Soil"], templates)
    texts = [template.replace("{}", "Bare Soil") for template in templates]
    mean = clip.model.encode_text(clip.tokenizer(texts), normalize=True).mean(dim=0)
    torch.testing.assert_close(found[1], mean / mean.norm(), atol=1e-5, rtol=0)


def test_the_ensemble_has_clip_s_80_templates_and_ours():
    general, ours = open_clip_templates(), read_templates("clip_templates.txt")
    assert len(general) == 80
    assert len(ours) >= 15
    assert not set(general) & set(ours)
    assert len(set(ours)) == len(ours)
    assert all(template.count("{}") == 1 for template in (*general, *ours))


def test_braces_in_a_class_name_are_left_alone():
    assert fill("a photo of {}.", "Roof_{tiled} {0}") == "a photo of Roof {tiled} {0}."


@pytest.mark.parametrize(
    ("content", "message"),
    [("# nothing\n\n", "has no prompt templates"), ("a photo\n", "exactly one {}"), ("{} and {}\n", "exactly one {}")],
)
def test_templates_that_cannot_be_filled_are_refused(tmp_path, content, message):
    (tmp_path / "bad.txt").write_text(content)
    with pytest.raises(SettingsError, match=message):
        read_templates(tmp_path / "bad.txt")


def test_missing_templates_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="no readable prompt templates"):
        read_templates(tmp_path / "absent.txt")
