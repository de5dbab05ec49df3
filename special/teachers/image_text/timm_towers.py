"""Dense features from image towers that come from timm: SigLIP, PE, EVA02, MobileCLIP, ViTamin, ConvNeXt, Swin.

Two kinds of tower, by how they make one vector of an image:

1. **A class token** (EVA, MobileCLIP-B): as for open_clip's own, the last block attends by self-self attention and has
   neither residual connection nor feed-forward layer (see ``dense_features``). Rotary positions turn queries and keys
   as they do in the block itself.
2. **Pooling over places**, by attention with one learned query (SigLIP, PE) or by the mean (ViTamin, ConvNeXt,
   FastViT, Swin): every place is pooled by itself. Of a single place the query takes its value whole, whatever it asks,
   which is how MaskCLIP (arXiv 2112.01071, section 3.2) and FC-CLIP (arXiv 2308.02487, section 3.3) read such towers.

Either way a share of the image's own feature is subtracted. None of this was compared by accuracy: no weights could be
had where it was written.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BY_PLACE = ("VisionTransformer", "Eva", "ConvNeXt", "FastVit", "SwinTransformer")
_BLOCKS = ("Block", "EvaBlock", "EvaBlockPostNorm")
_ATTENTIONS = ("Attention", "EvaAttention")


def why_not_dense(visual: Any) -> str | None:
    """Return why a timm tower cannot give dense features, or None where it can."""
    trunk = visual.trunk
    kind = type(trunk).__name__
    if kind not in _BY_PLACE:
        return f"its image tower is timm's {kind}, of which the features of a place are not known here"
    if "pool" in visual.head._modules:
        return "it pools its patches by an attention of its own, so none of its outputs belongs to a place"
    if _has_class_token(trunk):
        block = trunk.blocks[-1]
        if type(block).__name__ not in _BLOCKS or type(block.attn).__name__ not in _ATTENTIONS:
            return f"its last block is timm's {type(block).__name__}, which attends in a way of its own"
        if getattr(block.attn, "gate", None) is not None:
            return "its attention has gates"
    pool = getattr(trunk, "attn_pool", None)
    if pool is not None and (getattr(pool, "latent_len", 1) != 1 or getattr(pool, "pos_embed", None) is not None):
        return "it pools its patches by several queries, or by their places"
    return None


def patch_side(visual: Any) -> int:
    """Return how many pixels lie between the middles of two places: a patch's side, or the stride of the last stage."""
    return int(visual.trunk.feature_info[-1]["reduction"])


def see(visual: Any, side: int) -> None:
    """Let a tower see images of ``side`` x ``side`` pixels; its positions are interpolated where they were learned."""
    trunk = visual.trunk
    if hasattr(trunk, "set_input_size") and tuple(trunk.patch_embed.img_size) != (side, side):
        trunk.set_input_size(img_size=(side, side))


def dense_features(visual: Any, images: Tensor, class_token_factor: float) -> Tensor:
    """Return one unit vector per place, (B, h, w, D), of images (B, 3, H, W) of the size that the tower sees."""
    trunk = visual.trunk
    if _has_class_token(trunk):
        tokens = visual.head(_headed(trunk, _with_last_block_alone(trunk, images)))
        first = trunk.num_prefix_tokens
        local, overall = tokens[:, first:], tokens[:, :1]
        side = round(local.shape[1] ** 0.5)
        local, overall = local.unflatten(1, (side, side)), overall[:, None]
    else:
        final = trunk.forward_features(images)
        overall = visual.head(trunk.forward_head(final))[:, None, None]
        local = visual.head(_each_alone(trunk, final))
    return F.normalize(local - class_token_factor * overall, dim=-1)


def _has_class_token(trunk: Any) -> bool:
    return getattr(trunk, "global_pool", None) == "token"


def _each_alone(trunk: Any, final: Tensor) -> Tensor:
    """Pool every place by itself: tokens (B, L, C), maps (B, C, h, w) or (B, h, w, C) to (B, h, w, D)."""
    if final.ndim == 3:
        places = final[:, getattr(trunk, "num_prefix_tokens", 0) :]
        batch, count, width = places.shape
        pooled = places if trunk.attn_pool is None else trunk.attn_pool(places.reshape(-1, 1, width))
        side = round(count**0.5)
        return _headed(trunk, pooled.reshape(batch, side, side, width))
    last = type(trunk).__name__ == "SwinTransformer"
    places = final if last else final.permute(0, 2, 3, 1)
    batch, rows, cols, width = places.shape
    single = places.reshape(-1, 1, 1, width) if last else places.reshape(-1, width, 1, 1)
    return trunk.forward_head(single).reshape(batch, rows, cols, -1)


def _headed(trunk: Any, pooled: Tensor) -> Tensor:
    """Do what a transformer does with its pooled token."""
    return trunk.head(trunk.fc_norm(pooled))


def _with_last_block_alone(trunk: Any, images: Tensor) -> Tensor:
    """Run a transformer with its last block reduced to self-self attention: (B, L, C), class token first."""
    block = trunk.blocks[-1]
    trunk.blocks[-1] = _SelfSelfBlock(block)
    try:
        return trunk.forward_features(images)
    finally:
        trunk.blocks[-1] = block


class _SelfSelfBlock(nn.Module):
    """A block's attention alone, every token attending to what is like itself; (B, L, C) to (B, L, C)."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, rope: Tensor | None = None, **_: Any) -> Tensor:
        block = self.block
        if type(block).__name__ == "EvaBlockPostNorm":
            return block.norm1(_self_self(block.attn, x, rope))
        attended = _self_self(block.attn, block.norm1(x), rope)
        if hasattr(block, "gamma_1"):
            return attended if block.gamma_1 is None else block.gamma_1 * attended
        return block.ls1(attended)


def _self_self(attention: Any, x: Tensor, rope: Tensor | None) -> Tensor:
    """Return the mean of softmax(q q') v, softmax(k k') v and softmax(v v') v, projected: (B, L, C) to (B, L, C)."""
    q, k, v = _queries_keys_values(attention, x)
    q, k = attention.q_norm(q), attention.k_norm(k)
    if rope is not None:
        q, k = (_turned(attention, part, rope) for part in (q, k))
    attended = torch.stack([F.scaled_dot_product_attention(own, own, v) for own in (q, k, v)]).mean(dim=0)
    mixed = attended.transpose(1, 2).flatten(2)
    return attention.proj(attention.norm(mixed))


def _queries_keys_values(attention: Any, x: Tensor) -> list[Tensor]:
    """Return three tensors (B, heads, L, C / heads)."""
    if getattr(attention, "qkv", None) is None:
        parts = [attention.q_proj(x), attention.k_proj(x), attention.v_proj(x)]
    else:
        mixed = attention.qkv(x)
        if getattr(attention, "q_bias", None) is not None:
            mixed = mixed + torch.cat((attention.q_bias, attention.k_bias, attention.v_bias))
        parts = list(mixed.chunk(3, dim=-1))
    return [part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in parts]


def _turned(attention: Any, part: Tensor, rope: Tensor) -> Tensor:
    """Turn all tokens but the first ones by their places, as timm does."""
    from timm.layers import apply_rot_embed_cat

    first = attention.num_prefix_tokens
    turned = apply_rot_embed_cat(part[:, :, first:], rope, half=getattr(attention, "rotate_half", False))
    return torch.cat([part[:, :, :first], turned.to(part.dtype)], dim=2)
