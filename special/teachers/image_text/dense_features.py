"""Dense features from a CLIP vision transformer: one unit vector per patch, in the space of the texts.

CLIP is trained on one vector per image, so its last block mixes the patches. Three changes, none of which needs
training, keep each patch about its own ground (SegEarth-OV, arXiv 2410.01768; the attention after SCLIP,
arXiv 2312.01597, and ClearCLIP, arXiv 2407.12442):

1. the last block attends by self-self attention, the mean of softmax(q q'), softmax(k k') and softmax(v v');
2. the last block has neither residual connection nor feed-forward layer;
3. a share of the image's global feature (the class token) is subtracted from every patch.

Towers of other kinds are in ``timm_towers``.

Symbols: B images, h x w patches, L = 1 + h w tokens (the class token first), C the width, D that of the text space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from special.errors import WeightsError
from special.teachers.image_text import timm_towers

if TYPE_CHECKING:
    from open_clip.transformer import VisionTransformer

VIT_EXAMPLES = "ViT-B-16:openai, ViT-L-14:openai or ViT-B-32:laion2b_s34b_b79k"


def why_not_dense(visual: Any) -> str | None:
    """Return why ``visual`` cannot give dense features, or None where it can."""
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, TimmModel):
        return timm_towers.why_not_dense(visual)
    if not isinstance(visual, VisionTransformer):
        return f"its image tower is a {type(visual).__name__}, not a vision transformer"
    if visual.attn_pool is not None:
        return "it pools its patches by attention, so none of its outputs belongs to a place"
    if not isinstance(getattr(visual.transformer.resblocks[-1], "attn", None), nn.MultiheadAttention):
        return "its attention layers are not the standard ones"
    if visual.patch_size[0] != visual.patch_size[1]:
        return "its patches are not square"
    return None


def require_dense(visual: Any, name: str) -> None:
    """Refuse a model without dense features.

    Raises:
        WeightsError: the image tower is a ResNet, for instance, or pools by attention with several queries.
    """
    reason = why_not_dense(visual)
    if reason is not None:
        raise WeightsError(f"{name} cannot make a map: {reason}; name a plain ViT, such as {VIT_EXAMPLES}")


def patch_side(visual: Any) -> int:
    """Return the side of a patch in pixels of what the tower sees; of a network without patches, its last stride."""
    return int(visual.patch_size[0]) if hasattr(visual, "patch_size") else timm_towers.patch_side(visual)


def prepare(visual: Any, side: int) -> None:
    """Make an accepted tower ready for windows of ``side`` x ``side`` pixels; it is not to be trained any more."""
    if hasattr(visual, "trunk"):
        timm_towers.see(visual, side)
    else:
        spare_copies(visual)


def computes_quick_gelu(model: nn.Module) -> bool:
    """Whether any layer of a model computes QuickGELU."""
    return any(type(module).__name__ == "QuickGELU" for module in model.modules())


class _InPlaceQuickGELU(nn.Module):
    """x sigmoid(1.702 x), the activation of OpenAI's CLIP, in the memory of x; it gives no gradients."""

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x.mul_(1.702), inplace=True).mul_(1 / 1.702)


def spare_copies(visual: VisionTransformer) -> None:
    """Let a model that will not be trained write its widest layers' activations over what they are computed from.

    Apart from matrix products nothing takes longer on a CPU than the two copies that open_clip's activation makes.
    """
    from open_clip.transformer import QuickGELU

    for block in visual.transformer.resblocks:
        if isinstance(getattr(block.mlp, "gelu", None), QuickGELU):
            block.mlp.gelu = _InPlaceQuickGELU()


def dense_features(visual: Any, images: Tensor, class_token_factor: float) -> Tensor:
    """Return one unit vector per patch.

    Args:
        visual: the image tower, in evaluation mode, accepted by :func:`require_dense`.
        images: float (B, 3, H, W), normalised as the model wants; H and W multiples of the patch size.
        class_token_factor: what share of the global feature to subtract (0.3 in SegEarth-OV, section 3.4).

    Returns:
        (B, h, w, D), each vector of length 1.
    """
    if hasattr(visual, "trunk"):
        return timm_towers.dense_features(visual, images, class_token_factor)
    patches = visual.conv1(images)  # (B, C, h, w)
    batch, _, height, width = patches.shape
    tokens = patches.flatten(2).transpose(1, 2)  # (B, h w, C)
    tokens = torch.cat([visual.class_embedding.to(tokens.dtype).expand(batch, 1, -1), tokens], dim=1)  # (B, L, C)
    tokens = visual.ln_pre(tokens + positions(visual, height, width).to(tokens.dtype))
    tokens = _self_self_attention(visual.transformer.resblocks[-1], _all_but_last(visual, tokens))
    tokens = visual.ln_post(tokens)
    if visual.proj is not None:
        tokens = tokens @ visual.proj  # (B, L, D)
    local = tokens[:, 1:]
    # The global feature is whatever the model was trained to match with texts.
    overall = local.mean(dim=1, keepdim=True) if visual.pool_type == "avg" else tokens[:, :1]
    return F.normalize(local - class_token_factor * overall, dim=-1).reshape(batch, height, width, -1)


def positions(visual: VisionTransformer, height: int, width: int) -> Tensor:
    """Return the positional embedding of the class token and a (height, width) grid of patches, (L, C).

    The grid the model was trained on is interpolated (bicubic) where it differs.
    """
    embedding = visual.positional_embedding
    rows, cols = visual.grid_size
    if (rows, cols) == (height, width):
        return embedding
    grid = embedding[1:].reshape(1, rows, cols, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (height, width), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([embedding[:1], grid.flatten(2)[0].T])


def _all_but_last(visual: VisionTransformer, tokens: Tensor) -> Tensor:
    """Run every block but the last: (B, L, C) -> (B, L, C), whichever order this version of open_clip keeps inside."""
    blocks = visual.transformer.resblocks
    batch_first = blocks[-1].attn.batch_first
    tokens = tokens if batch_first else tokens.transpose(0, 1)
    for block in blocks[:-1]:
        tokens = block(tokens)
    return tokens if batch_first else tokens.transpose(0, 1)


def _self_self_attention(block: Any, tokens: Tensor) -> Tensor:
    """Run the last block's attention branch alone, every token attending to what is like itself: (B, L, C)."""
    attention = block.attn
    batch, length, channels = tokens.shape
    mixed = F.linear(block.ln_1(tokens), attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = (
        part.reshape(batch, length, attention.num_heads, -1).transpose(1, 2)  # (B, heads, L, C / heads)
        for part in mixed.chunk(3, dim=-1)
    )
    attended = torch.stack([F.scaled_dot_product_attention(own, own, v) for own in (q, k, v)]).mean(dim=0)
    return block.ls_1(attention.out_proj(attended.transpose(1, 2).reshape(batch, length, channels)))
