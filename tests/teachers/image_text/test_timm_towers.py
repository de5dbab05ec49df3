"""Dense features of towers from timm, against the same computed in another way."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import tiny_towers
import torch
from safetensors.torch import save_file
from scipy.special import erf, softmax
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from special.teachers.image_text.dense_features import dense_features as every_dense
from special.teachers.image_text.dense_features import patch_side as side_of
from special.teachers.image_text.dense_features import prepare, why_not_dense
from special.teachers.image_text.timm_towers import dense_features, patch_side, see
from special.teachers.image_text.weights import find_clip

FACTOR = 0.3
SIZES: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 3}


def images(side: int = 32) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def tower(trunk: nn.Module, head: nn.Module | None = None) -> Any:
    """A tower as open_clip holds it, with random weights, biases included."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return SimpleNamespace(trunk=trunk.eval().requires_grad_(False), head=head or nn.Sequential())


def unit(local: np.ndarray, overall: np.ndarray) -> np.ndarray:
    features = local - FACTOR * overall
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


def pooled_by_attention(tokens: np.ndarray, pool: Any) -> np.ndarray:
    """What timm's pooling makes of tokens (L, C), in float64: (C,)."""
    weights = {key: value.double().numpy() for key, value in pool.state_dict().items()}
    heads, size = pool.num_heads, pool.head_dim
    query = weights["latent"][0] @ weights["q.weight"].T + weights["q.bias"]
    keys, values = np.split(tokens @ weights["kv.weight"].T + weights["kv.bias"], 2, axis=1)
    out = np.zeros_like(query)
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        out[:, own] = softmax(query[:, own] @ keys[:, own].T / np.sqrt(size), axis=1) @ values[:, own]
    out = out @ weights["proj.weight"].T + weights["proj.bias"]
    centred = out - out.mean()
    normal = centred / np.sqrt((centred**2).mean() + pool.norm.eps) * weights["norm.weight"] + weights["norm.bias"]
    hidden = normal @ weights["mlp.fc1.weight"].T + weights["mlp.fc1.bias"]
    hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
    return (out + hidden @ weights["mlp.fc2.weight"].T + weights["mlp.fc2.bias"])[0]


@pytest.mark.parametrize("kind", ["SigLIP", "PE"])
def test_a_tower_that_pools_by_attention_pools_every_patch_by_itself(kind: str) -> None:
    if kind == "SigLIP":
        trunk: Any = VisionTransformer(**SIZES, num_classes=0, global_pool="map", class_token=False)
    else:
        trunk = Eva(
            **SIZES, num_classes=24, global_pool="map", use_rot_pos_emb=True, attn_type="rope", class_token=True
        )
    visual = tower(trunk)
    first = trunk.num_prefix_tokens
    found = dense_features(visual, images(), FACTOR)
    for tokens, features in zip(trunk.forward_features(images()).double().numpy(), found, strict=True):
        local = np.stack([pooled_by_attention(token[None], trunk.attn_pool) for token in tokens[first:]])
        overall = pooled_by_attention(tokens, trunk.attn_pool)
        if kind == "PE":
            weight, bias = trunk.head.weight.double().numpy(), trunk.head.bias.double().numpy()
            local, overall = local @ weight.T + bias, overall @ weight.T + bias
        np.testing.assert_allclose(features.numpy(), unit(local, overall).reshape(4, 4, -1), atol=2e-5)


def as_own_query(block: Any, part: str) -> Any:
    """A copy of a block of which queries and keys are both what ``part`` is in the block."""
    block = copy.deepcopy(block)
    attention = block.attn
    if getattr(attention, "qkv", None) is not None:
        width = attention.qkv.weight.shape[1]
        rows = slice("qkv".index(part) * width, ("qkv".index(part) + 1) * width)
        for values in (attention.qkv.weight, attention.qkv.bias):
            own = values[rows].clone()
            values[:width], values[width : 2 * width] = own, own
        return block
    source = {"q": attention.q_proj, "k": attention.k_proj, "v": attention.v_proj}[part]
    for name in ("q_proj", "k_proj"):
        layer = nn.Linear(source.in_features, source.out_features)
        layer.load_state_dict(
            {"weight": source.weight, "bias": torch.zeros(len(source.weight)) if source.bias is None else source.bias}
        )
        setattr(attention, name, layer.requires_grad_(False))
    return block


@pytest.mark.parametrize("kind", ["plain", "rotary"])
def test_a_tower_with_a_class_token_attends_by_self_self_attention_in_its_last_block(kind: str) -> None:
    if kind == "plain":
        trunk: Any = VisionTransformer(**SIZES, num_classes=24, global_pool="token", init_values=0.5)
    else:
        trunk = Eva(
            **SIZES, num_classes=24, global_pool="token", use_rot_pos_emb=True, qkv_fused=False, init_values=0.5
        )
    visual, seen = tower(trunk), {}
    last = trunk.blocks[-1]
    handle = last.register_forward_pre_hook(
        lambda _, given, named: seen.update(x=given[0], rope=named.get("rope")), with_kwargs=True
    )
    trunk.forward_features(images())
    handle.remove()
    branches = []
    for part in "qkv":
        block, rope = as_own_query(last, part), None if part == "v" else seen["rope"]
        normal = block.norm1(seen["x"])
        branches.append(block.attn(normal, rope=rope) if kind == "rotary" else block.attn(normal))
    attended = torch.stack(branches).mean(dim=0)
    scaled = last.gamma_1 * attended if kind == "rotary" else last.ls1(attended)
    tokens = trunk.head(trunk.fc_norm(trunk.norm(scaled)))
    expected = F.normalize(tokens[:, 1:] - FACTOR * tokens[:, :1], dim=-1).reshape(2, 4, 4, -1)
    torch.testing.assert_close(dense_features(visual, images(), FACTOR), expected, atol=2e-5, rtol=0)
    assert trunk.blocks[-1] is last


def test_a_convolutional_tower_normalises_and_projects_every_place_by_itself() -> None:
    head = nn.Sequential(nn.Linear(64, 24, bias=False)).requires_grad_(False)
    trunk: Any = timm.create_model("test_convnext", num_classes=0)
    visual = tower(trunk, head)
    maps = trunk.forward_features(images(96)).double().numpy()  # (B, C, h, w)
    norm, weight = trunk.head.norm, head[0].weight.double().numpy()
    scale, shift = norm.weight.double().numpy(), norm.bias.double().numpy()

    def read_out(vectors: np.ndarray) -> np.ndarray:
        centred = vectors - vectors.mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + norm.eps)
        return (normal * scale + shift) @ weight.T

    found = dense_features(visual, images(96), FACTOR).numpy()
    assert found.shape == (2, 3, 3, 24)
    for image, features in zip(maps.transpose(0, 2, 3, 1), found, strict=True):
        expected = unit(read_out(image), read_out(image.mean(axis=(0, 1))))
        np.testing.assert_allclose(features, expected, atol=2e-5)
    assert patch_side(visual) == 32


def test_a_tower_sees_windows_of_another_size_than_it_was_trained_on() -> None:
    visual = tower(VisionTransformer(**SIZES, num_classes=0, global_pool="map", class_token=False))
    see(visual, 64)
    features = dense_features(visual, images(64), FACTOR)
    assert features.shape == (2, 8, 8, 48)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(2, 8, 8))


@pytest.mark.slow
def test_all_but_a_few_of_open_clip_s_architectures_give_dense_features() -> None:
    """On the device "meta", where shapes are computed and nothing else. Text towers from the hub are left out."""
    refused = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if "hf_model_name" in config["text_cfg"] or name.startswith("tiny"):
            continue
        with torch.device("meta"):
            visual: Any = open_clip.create_model(name, load_weights=False, device="meta").visual.eval()
        if why_not_dense(visual) is not None:
            refused.append(name)
            continue
        patch = side_of(visual)
        side = patch * round(224 / patch)
        prepare(visual, side)
        features = every_dense(visual, torch.empty(2, 3, side, side, device="meta"), FACTOR)
        assert features.shape[:3] == (2, side // patch, side // patch), name
        assert features.shape[3] == config["embed_dim"], name
    assert [name for name in refused if not name.startswith("RN")] == [
        *("coca_ViT-B-32", "coca_ViT-L-14"),
        "vit_relpos_medium_patch16_cls_224",
    ]


@pytest.mark.parametrize("named", [True, False], ids=["architecture named", "found from the shapes"])
@pytest.mark.parametrize("kind", tiny_towers.TOWERS)
def test_a_checkpoint_with_such_a_tower_is_loaded_and_gives_dense_features(
    tmp_path: Path, kind: str, named: bool
) -> None:
    model, path = tiny_towers.make(kind), tmp_path / "weights.safetensors"
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    clip, reason = find_clip(f"{tiny_towers.name_of(kind)}:{path}" if named else str(path), offline=True, device="cpu")
    assert clip is not None, reason
    loaded = clip.model.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())
    visual: Any = clip.model.visual
    patch = side_of(visual)
    prepare(visual, 2 * patch)
    features = every_dense(visual, images(2 * patch), FACTOR)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(2, 2, 2))
    assert features.shape[3] == clip.model.encode_text(clip.tokenizer(["grass"])).shape[1]
