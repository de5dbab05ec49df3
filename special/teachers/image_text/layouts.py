"""Checkpoints as people have them: other names for the same tensors, tensors that nobody needs, other sizes of image.

What is loaded is what open_clip calls a state: ``visual.``..., ``transformer.``..., or ``text.``... Training wraps a
model in others, each of which puts its name before those of the tensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

CONTAINERS = ("state_dict", "model_state_dict", "model", "ema")
_WRAPPERS = ("module.", "_orig_mod.", "model.", "clip_model.", "clip.")
_POSITIONS = "visual.positional_embedding"
_LONG_CLIP_KEEPS = 20


def contained(state: Any) -> Any:
    """Return what a training checkpoint holds the model's tensors in, however deep."""
    while isinstance(state, Mapping):
        inner = next((state[key] for key in CONTAINERS if isinstance(state.get(key), Mapping)), None)
        if inner is None:
            break
        state = inner
    return state


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the names of wrappers off, as long as all tensors have one; the ``tensors`` (...) stay."""
    found = dict(tensors)
    while found and (wrapper := next((w for w in _WRAPPERS if all(key.startswith(w) for key in found)), None)):
        found = {key.removeprefix(wrapper): value for key, value in found.items()}
    return found


def needed(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what changes no answer: masks and positions that are made anew, and a bias that all classes share.

    The result is ``state``, tensors (...) by name, without these.
    """
    kept = {}
    for key, value in state.items():
        last = key.rpartition(".")[2]
        if key in expected or last not in ("attn_mask", "position_ids", "logit_bias"):
            kept[key] = value
    return kept


def long_texts(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put the two positional embeddings of LongCLIP, (248, width) each, together to the one that it computes with.

    The first 20 positions are OpenAI's, kept as they were; the rest comes from the second, trained one
    (arXiv 2403.15378, section 3.1). ``state`` has tensors (...) by name.
    """
    found = dict(state)
    for key in [key for key in found if key.endswith("positional_embedding_res")]:
        kept, trained = found.get(key.removesuffix("_res")), found.pop(key)
        if kept is not None and kept.shape == trained.shape:
            whole = trained.clone()
            whole[:_LONG_CLIP_KEEPS] = kept[:_LONG_CLIP_KEEPS]
            found[key.removesuffix("_res")] = whole
    return found


def on_grid(state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring the positions of an image's patches, (1 + side * side, width), to the model's grid, by cubic interpolation.

    Those of another width, or not of a square, stay as they are.
    """
    given, wanted = state.get(_POSITIONS), expected.get(_POSITIONS)
    if given is None or wanted is None or given.shape == wanted.shape or given.dim() != 2:
        return state
    old, new = (math.isqrt(len(positions) - 1) for positions in (given, wanted))
    if given.shape[1] != wanted.shape[1] or old * old != len(given) - 1 or new * new != len(wanted) - 1:
        return state
    import torch
    from torch.nn.functional import interpolate

    image = given[1:].float().reshape(1, old, old, -1).permute(0, 3, 1, 2)
    image = interpolate(image, size=(new, new), mode="bicubic", antialias=True, align_corners=False)
    patches = image.permute(0, 2, 3, 1).reshape(new * new, -1).to(given.dtype)
    return {**state, _POSITIONS: torch.cat([given[:1], patches])}
