"""Checkpoints in the layouts in which people have them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_clip
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel

from special.errors import WeightsError
from special.progress import Progress
from special.teachers.image_text.architecture import architecture_of
from special.teachers.image_text.text_vectors import embed
from special.teachers.image_text.weights import LoadedClip, find_clip, load_clip


@pytest.fixture(autouse=True)
def tiny_models() -> None:
    tiny_clip.register()


def load(path: Path) -> LoadedClip:
    return found(f"tiny:{path}")


def found(spec: str) -> LoadedClip:
    clip, reason = find_clip(spec, offline=True, device="cpu")
    assert reason == ""
    assert clip is not None
    return clip


class Told(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def state() -> dict[str, Tensor]:
    return dict(tiny_clip.make().state_dict())


def named(prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{key}": value for key, value in state().items()}


def same_weights(clip: LoadedClip) -> bool:
    given = clip.model.state_dict()
    return all(torch.equal(given[key], value) for key, value in state().items())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "clip.", "module._orig_mod.", "model.clip_model."])
def test_names_of_wrappers_are_taken_off(tmp_path: Path, prefix: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", named(prefix))))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "ema"])
def test_what_training_keeps_beside_the_weights_is_passed_over(tmp_path: Path, key: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", {"epoch": 3, key: named("module.")})))


@pytest.mark.parametrize("extra", ["attn_mask", "logit_bias", "text.attn_mask"])
def test_what_changes_no_answer_is_left_out(tmp_path: Path, extra: str) -> None:
    assert same_weights(load(saved(tmp_path / "weights.pt", {**state(), extra: torch.zeros(())})))


def test_positions_of_another_image_size_are_interpolated(tmp_path: Path) -> None:
    weights = state()
    own = weights["visual.positional_embedding"]
    side = round((len(own) - 1) ** 0.5)
    ramp = torch.arange(2 * side).float().repeat(2 * side)[:, None].expand(-1, own.shape[1])
    weights["visual.positional_embedding"] = torch.cat([own[:1], ramp])
    given = load(saved(tmp_path / "weights.pt", weights)).model.state_dict()["visual.positional_embedding"]
    assert torch.equal(given[0], own[0])
    along = given[1:, 0].reshape(side, side)
    assert torch.allclose(along, along[:1].expand_as(along), atol=1e-4)
    assert bool((along.diff(dim=1) > 0.5).all())


def test_a_text_tower_reads_as_many_tokens_as_it_has_positions_for(tmp_path: Path) -> None:
    weights = state()
    weights["positional_embedding"] = weights["positional_embedding"][:64]
    clip = load(saved(tmp_path / "weights.pt", weights))
    assert clip.tokenizer(["grass"]).shape == (1, 64)


def test_a_scale_that_is_many_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="of another shape"):
        load(saved(tmp_path / "weights.pt", state() | {"logit_scale": torch.ones(32)}))


def test_positions_that_are_no_grid_are_refused(tmp_path: Path) -> None:
    weights, name = state(), "visual.positional_embedding"
    weights[name] = torch.cat([weights[name], weights[name][:2]])
    with pytest.raises(WeightsError, match="of another shape"):
        load(saved(tmp_path / "weights.pt", weights))


# Checkpoints of training, with more than tensors in them


def test_numbers_of_numpy_and_arguments_of_training_are_passed_over(tmp_path: Path) -> None:
    content = {
        "epoch": 3,
        "best": np.float64(0.7),
        "step": np.int64(12),
        "scores": np.ones(3),
        "args": Namespace(lr=1e-4, out=Path("runs")),
        "state_dict": named("module."),
    }
    assert same_weights(load(saved(tmp_path / "epoch_3.pt", content)))


class Touch:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_beside_the_tensors_is_refused_and_not_run(tmp_path: Path) -> None:
    saved(tmp_path / "trap.pt", {"state_dict": state(), "args": Touch(tmp_path / "sprung")})
    with pytest.raises(WeightsError, match="save the model's state_dict as safetensors"):
        load(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


# LongCLIP


def long_clip() -> dict[str, Tensor]:
    weights = state()
    width = weights["positional_embedding"].shape[1]
    kept, trained = torch.randn(2, 248, width, generator=torch.Generator().manual_seed(0))
    return {**weights, "positional_embedding": kept, "positional_embedding_res": trained}


def test_long_clip_reads_248_tokens(tmp_path: Path) -> None:
    weights = long_clip()
    clip = load(saved(tmp_path / "longclip.pt", weights))
    positions = clip.model.positional_embedding
    assert torch.equal(positions[:20], weights["positional_embedding"][:20])
    assert torch.equal(positions[20:], weights["positional_embedding_res"][20:])
    text = "a field of " + "very " * 100 + "green grass"
    assert clip.tokenizer([text]).shape == (1, 248)
    assert int((clip.tokenizer([text]) != 0).sum()) > 77
    vectors = embed(clip.model, clip.tokenizer, [text, "grass"])
    torch.testing.assert_close(vectors, F.normalize(clip.model.encode_text(clip.tokenizer([text, "grass"])), dim=-1))


# transformers


def transformers_folder(folder: Path, form: str = "model.safetensors", act: str = "quick_gelu") -> CLIPModel:
    """Write a small CLIP as transformers does."""
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={
            **{"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2},
            **{"hidden_act": act, "vocab_size": 49408, "eos_token_id": 49407},
        },
        vision_config={
            **{"hidden_size": 48, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 4},
            **{"hidden_act": act, "image_size": 32, "patch_size": 8},
        },
        projection_dim=24,
    )
    model = CLIPModel(config).eval()
    folder.mkdir(exist_ok=True)
    model.config.save_pretrained(folder)
    if form == "model.safetensors":
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / form)
    else:
        torch.save(model.state_dict(), folder / form)
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}')
    return model


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
@torch.inference_mode()
def test_a_folder_of_transformers_gives_what_transformers_computes(tmp_path: Path, form: str, act: str) -> None:
    model = transformers_folder(tmp_path / "clip", form, act)
    clip = found(str(tmp_path / "clip"))
    assert clip.activation == ("QuickGELU" if act == "quick_gelu" else "GELU")
    assert (clip.mean, clip.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert str(tmp_path) not in str(clip.identity()), "it means the same on any machine"
    images, tokens = torch.randn(2, 3, 32, 32), clip.tokenizer(["a field of grass", "water"])
    given = model(input_ids=tokens, pixel_values=images)
    torch.testing.assert_close(F.normalize(clip.model.encode_image(images), dim=-1), given.image_embeds)
    torch.testing.assert_close(F.normalize(clip.model.encode_text(tokens), dim=-1), given.text_embeds)


def test_a_file_of_transformers_alone_is_read_by_its_shapes(tmp_path: Path) -> None:
    model = transformers_folder(tmp_path / "clip")
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((tmp_path / "clip" / "model.safetensors").read_bytes())
    weights = found(str(alone)).model.state_dict()
    assert torch.equal(weights["visual.proj"], model.state_dict()["visual_projection.weight"].T)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"model_type": "siglip"}', "'siglip', not clip: .*dense-text"),
        ("[]", "not a configuration"),
        ('{"model_type": "clip", "text_config": {"vocab_size": 21128}}', "vocabulary of 21128 tokens"),
        ('{"model_type": "clip", "vision_config": {"hidden_act": "relu"}}', "expected gelu or quick_gelu"),
    ],
)
def test_other_configurations_are_refused_with_what_would_help(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=said):
        found(str(tmp_path))


def test_a_folder_with_weights_in_parts_says_what_to_do(tmp_path: Path) -> None:
    transformers_folder(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "model.safetensors.index.json")
    with pytest.raises(WeightsError, match="in several parts: save the model again"):
        found(str(tmp_path))


def test_a_folder_without_a_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"neither open_clip_config\.json nor config\.json"):
        found(str(tmp_path))


# Without the name of an architecture


@pytest.mark.parametrize("name", ["tiny", "tiny-wide", "tiny-timm"])
def test_the_architecture_is_found_from_the_shapes(tmp_path: Path, name: str) -> None:
    path = tiny_clip.save(tmp_path / "weights.safetensors", name)
    clip = found(str(path))
    assert clip.architecture == name
    expected = tiny_clip.make(name).state_dict()
    assert all(torch.equal(clip.model.state_dict()[key], value) for key, value in expected.items())


def test_a_clip_of_no_known_size_is_built_as_its_shapes_say(tmp_path: Path) -> None:
    import open_clip

    config: dict[str, Any] = {
        "embed_dim": 20,
        "vision_cfg": {"image_size": 40, "layers": 2, "width": 64, "patch_size": 10},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    }
    model = open_clip.CLIP(**config).eval()
    path, told = saved(tmp_path / "own.pt", model.state_dict()), Told()
    clip = load_clip(str(path), offline=True, device="cpu", progress=told)
    assert clip is not None
    assert "taken as GELU; if it was trained from OpenAI's weights, say so in open_clip_config.json" in told.lines[0]
    images = torch.randn(1, 3, 40, 40)
    torch.testing.assert_close(clip.model.encode_image(images), model.encode_image(images))
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": {"quick_gelu": true}}')
    assert found(str(path)).activation == "QuickGELU"


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"encoder.weight": torch.ones(2)}, r"is no CLIP .*\(it has encoder\.weight\)"),
        ({"visual.layer1.0.conv1.weight": torch.ones(2)}, "is a ResNet"),
        ({"vision_model.post_layernorm.weight": torch.ones(2)}, "another model of the library transformers"),
    ],
)
def test_what_is_no_clip_says_what_it_is(tmp_path: Path, weights: dict[str, Tensor], said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        found(str(saved(tmp_path / "other.pt", weights)))


@pytest.mark.slow
def test_every_plain_architecture_of_open_clip_is_told_by_its_shapes(tmp_path: Path) -> None:
    import open_clip

    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        own = "hf_model_name" not in config["text_cfg"] and "timm_model_name" not in config["vision_cfg"]
        if own and not name.startswith(("RN", "coca", "tiny")):
            with torch.device("meta"):
                model = open_clip.create_model(name, load_weights=False, device="meta")
            assert architecture_of(model.state_dict(), tmp_path).name == name.removesuffix("-quickgelu")
