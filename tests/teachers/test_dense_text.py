"""The dense-text teacher, on tiny SigLIP and CLIPSeg models with random weights that the real code loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_transformers
import torch
from scipy.special import softmax
from torch.nn import functional as F

from special.classnames.class_list import ClassList
from special.errors import SceneError, WeightsError
from special.progress import SILENT
from special.scene import Scene
from special.settings import load
from special.teachers.base import TeacherRequest
from special.teachers.dense_text import DenseTextSettings, DenseTextTeacher, siglip_features
from special.teachers.hub_models import model_folder

CLASSES = ClassList.parse(["water", "tree | roof", "bare soil"])
SAVE: dict[str, Callable[[Path], Any]] = {
    "siglip": tiny_transformers.save_siglip,
    "clipseg": tiny_transformers.save_clipseg,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    for name, save in SAVE.items():
        (root / name).mkdir()
        save(root / name)
    return {name: root / name for name in SAVE}


def teacher(folder: Path, **changes: object) -> DenseTextTeacher:
    settings = replace(load().build(DenseTextSettings), **changes)  # type: ignore[arg-type]
    made = DenseTextTeacher(folder, settings, "cpu", str(folder))
    made.templates = ("a photo of {}",)
    return made


def scene_and_rgb(rows: int, cols: int) -> tuple[Scene, np.ndarray]:
    rng = np.random.default_rng(0)
    valid = np.ones((rows, cols), bool)
    valid[0, 0] = False
    cube = rng.random((rows, cols, 5)).astype(np.float32)
    return Scene.from_array(cube, np.linspace(450, 900, 5), valid=valid), rng.integers(
        0, 256, (rows, cols, 3), np.uint8
    )


@pytest.mark.parametrize("kind", SAVE)
@pytest.mark.parametrize("size", [(20, 33), (3, 70)])
def test_it_gives_probabilities_at_valid_pixels(folders: dict[str, Path], kind: str, size: tuple[int, int]) -> None:
    scene, rgb = scene_and_rgb(*size)
    made = teacher(folders[kind])
    first, second = (made.predict(scene, rgb, CLASSES, SILENT)[:] for _ in range(2))
    np.testing.assert_allclose(first[scene.valid].sum(axis=1), 1, atol=1e-5)
    assert not first[0, 0].any()
    np.testing.assert_array_equal(first, second)
    assert first[scene.valid].std(axis=0).min() > 0, "places differ"


@torch.inference_mode()
def test_a_patch_of_siglip_is_its_value_in_the_pooling_less_a_share_of_the_image(tmp_path: Path) -> None:
    vision = tiny_transformers.save_siglip(tmp_path).vision_model
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    seen = vision(pixel_values=images)
    head, tokens = vision.head, seen.last_hidden_state.double().numpy()
    weights = {key: value.double().numpy() for key, value in head.attention.state_dict().items()}
    width = tokens.shape[-1]
    value = tokens @ weights["in_proj_weight"][2 * width :].T + weights["in_proj_bias"][2 * width :]
    out = value @ weights["out_proj.weight"].T + weights["out_proj.bias"]
    mixed = torch.from_numpy(out).float()
    local = mixed + head.mlp(head.layernorm(mixed))
    expected = F.normalize(local - 0.3 * seen.pooler_output[:, None], dim=-1).reshape(2, 4, 4, -1)
    torch.testing.assert_close(siglip_features(vision, images, 0.3), expected, atol=2e-5, rtol=0)


def test_one_window_of_clipseg_is_the_softmax_of_its_maps(folders: dict[str, Path]) -> None:
    from transformers import AutoTokenizer, CLIPSegForImageSegmentation

    made = teacher(folders["clipseg"], scales=(1,))
    image = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32) * 255
    found = made.coarse(image, [["water"], ["tree"]], SILENT)
    network = CLIPSegForImageSegmentation.from_pretrained(folders["clipseg"]).eval()
    tokens = AutoTokenizer.from_pretrained(folders["clipseg"])(["a photo of water", "a photo of tree"], padding=True)
    pixels = (torch.from_numpy(image) / 255 - torch.tensor([0.5, 0.4, 0.3])) / torch.tensor([0.2, 0.3, 0.4])
    with torch.inference_mode():
        logits = network(
            pixel_values=pixels.permute(2, 0, 1).expand(2, 3, 32, 32), input_ids=torch.tensor(tokens["input_ids"])
        ).logits
    blocks = logits.numpy().reshape(2, 4, 8, 4, 8).mean(axis=(2, 4))
    np.testing.assert_allclose(found, softmax(blocks, axis=0).transpose(1, 2, 0), atol=1e-5)


def test_the_identity_says_which_weights_and_prompts(folders: dict[str, Path]) -> None:
    one = teacher(folders["siglip"]).identity()
    assert one["weights_sha256"] != teacher(folders["clipseg"]).identity()["weights_sha256"]
    assert set(one) == {"teacher", "kind", "weights_sha256", "templates_sha256"}


def request(tmp_path: Path, model: str, offline: bool = True) -> TeacherRequest:
    return TeacherRequest(load(changes={"pseudo.dense_text.model": model}), [], offline, "cpu", 0, SILENT)


def test_it_is_made_from_a_folder_that_the_setting_names(folders: dict[str, Path], tmp_path: Path) -> None:
    made = DenseTextTeacher.make(request(tmp_path, str(folders["siglip"])))
    assert made.model == str(folders["siglip"])


def test_a_scene_without_an_rgb_is_an_error(folders: dict[str, Path]) -> None:
    scene, _ = scene_and_rgb(4, 4)
    with pytest.raises(SceneError, match="does not cover the visible"):
        teacher(folders["siglip"]).predict(scene, None, CLASSES, SILENT)


def test_weights_that_lack_a_tensor_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tiny_transformers.save_siglip(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    del state["vision_model.head.probe"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack 1 tensors \(vision_model\.head\.probe\)"):
        teacher(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1]", '{"model_type": ["siglip"]}'])
def test_a_configuration_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    tiny_transformers.save_siglip(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WeightsError) as error:
        model_folder(str(tmp_path), ["siglip"], offline=True, progress=SILENT)
    assert "\n" not in str(error.value)


def test_parts_that_do_not_fit_one_another_are_one_line(tmp_path: Path) -> None:
    tiny_transformers.save_siglip(tmp_path)
    about = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**about, "image_mean": [0.5] * 7}))
    with pytest.raises(WeightsError, match="cannot be understood") as error:
        teacher(tmp_path)
    assert "\n" not in str(error.value)
