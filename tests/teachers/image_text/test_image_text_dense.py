"""Dense features: self-self attention in the last block, no residual, no feed-forward, class-token debiasing."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_clip
import torch
from scipy.special import erf, softmax

from special.errors import WeightsError
from special.teachers.image_text.dense_features import dense_features, positions, require_dense, spare_copies

FACTOR = 0.3


def layer_norm(x, weights, name):
    if f"{name}.weight" not in weights:
        return x
    centred = x - x.mean(axis=-1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def slow_dense_features(weights, image, *, heads, patch, quick_gelu, average_pool):
    """One image (3, H, W) to unit vectors (h, w, D), in float64, with a loop for everything that can have one."""
    weights = {k.removeprefix("visual."): v.double().numpy() for k, v in weights.items() if k.startswith("visual.")}
    height, width = image.shape[1] // patch, image.shape[2] // patch
    rows = []
    for i in range(height):
        for j in range(width):
            pixels = image[:, i * patch : (i + 1) * patch, j * patch : (j + 1) * patch]
            rows.append([(kernel * pixels).sum() for kernel in weights["conv1.weight"]])
    x = np.vstack([weights["class_embedding"], rows]) + weights["positional_embedding"]
    x = layer_norm(x, weights, "ln_pre")
    blocks = 1 + max(int(key.split(".")[2]) for key in weights if key.startswith("transformer.resblocks."))

    def attend(x, block, pairs):
        normal = layer_norm(x, weights, f"{block}.ln_1")
        mixed = normal @ weights[f"{block}.attn.in_proj_weight"].T + weights[f"{block}.attn.in_proj_bias"]
        parts = dict(zip("qkv", np.split(mixed, 3, axis=1), strict=True))
        size = parts["q"].shape[1] // heads
        out = np.zeros_like(parts["v"])
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            maps = [softmax(parts[a][:, own] @ parts[b][:, own].T / np.sqrt(size), axis=1) for a, b in pairs]
            out[:, own] = np.mean(maps, axis=0) @ parts["v"][:, own]
        out = out @ weights[f"{block}.attn.out_proj.weight"].T + weights[f"{block}.attn.out_proj.bias"]
        return out * weights.get(f"{block}.ls_1.gamma", 1.0)

    def feed_forward(x, block):
        hidden = layer_norm(x, weights, f"{block}.ln_2") @ weights[f"{block}.mlp.c_fc.weight"].T
        hidden = hidden + weights[f"{block}.mlp.c_fc.bias"]
        hidden = hidden / (1 + np.exp(-1.702 * hidden)) if quick_gelu else hidden * (1 + erf(hidden / np.sqrt(2))) / 2
        out = hidden @ weights[f"{block}.mlp.c_proj.weight"].T + weights[f"{block}.mlp.c_proj.bias"]
        return out * weights.get(f"{block}.ls_2.gamma", 1.0)

    for number in range(blocks - 1):
        block = f"transformer.resblocks.{number}"
        x = x + attend(x, block, [("q", "k")])
        x = x + feed_forward(x, block)
    x = attend(x, f"transformer.resblocks.{blocks - 1}", [("q", "q"), ("k", "k"), ("v", "v")])
    x = layer_norm(x, weights, "ln_post") @ weights["proj"]
    overall = x[1:].mean(axis=0) if average_pool else x[0]
    features = x[1:] - FACTOR * overall
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).reshape(height, width, -1)


@pytest.mark.parametrize("spare", [False, True], ids=["as built", "without copies"])
@pytest.mark.parametrize("name", ["tiny", "tiny-quickgelu", "tiny-avg"])
def test_dense_features_equal_a_plain_slow_implementation(name, spare):
    model = tiny_clip.make(name)
    if spare:
        spare_copies(model.visual)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = dense_features(model.visual, images, FACTOR).numpy()
    for image, features in zip(images.double().numpy(), found, strict=True):
        expected = slow_dense_features(
            model.state_dict(),
            image,
            heads=3,
            patch=8,
            quick_gelu=name == "tiny-quickgelu",
            average_pool=name == "tiny-avg",
        )
        np.testing.assert_allclose(features, expected, atol=2e-5)


def test_the_order_that_blocks_keep_tokens_in_does_not_matter():
    model = tiny_clip.make("tiny", seed=3)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    expected = dense_features(model.visual, images, FACTOR)
    attentions = [block.attn for block in model.visual.transformer.resblocks]
    try:
        for attention in attentions:
            attention.batch_first = False
        found = dense_features(model.visual, images, FACTOR)
    finally:
        for attention in attentions:
            attention.batch_first = True
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_other_window_shapes_get_one_unit_vector_per_patch():
    features = dense_features(tiny_clip.make().visual, torch.randn(1, 3, 16, 72), FACTOR)
    assert features.shape == (1, 2, 9, 24)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(1, 2, 9))


def test_positions_are_the_trained_ones_on_the_trained_grid_and_interpolated_elsewhere():
    visual = tiny_clip.make().visual
    assert positions(visual, 4, 4) is visual.positional_embedding
    finer = positions(visual, 8, 8)
    assert finer.shape == (65, 48)
    assert torch.equal(finer[0], visual.positional_embedding[0])
    # A trained position stays where it was: the mean of the finer ones around it is close to it.
    back = finer[1:].reshape(4, 2, 4, 2, 48).mean(dim=(1, 3)).reshape(16, 48)
    trained = visual.positional_embedding[1:]
    assert (back - trained).norm() < 0.3 * trained.norm()


@pytest.mark.parametrize("name", ["RN50", "vit_relpos_medium_patch16_cls_224", "coca_ViT-B-32"])
def test_a_model_without_features_per_place_is_refused_with_examples_that_work(name):
    import open_clip

    with torch.device("meta"):
        visual = open_clip.create_model(name, load_weights=False, device="meta").visual
    with pytest.raises(WeightsError, match=f"{name} cannot make a map: .*ViT-B-16:openai"):
        require_dense(visual, name)
