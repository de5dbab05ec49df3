"""The image towers from timm that published models have, in a size of kilobytes and with random weights.

Each is made by timm's own function for the published one, with fewer and narrower layers, so that names and parts of a
checkpoint are those of the published one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {"img_size": 64, "embed_dim": 48, "depth": 2, "num_heads": 3}
TEXT: dict[str, Any] = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
SIGLIP: dict[str, Any] = {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"}
CONVOLUTIONS: dict[str, Any] = {"layers": (1, 1, 1, 1), "embed_dims": (16, 32, 64, 128)}
# Of each: timm's function, its arguments, how open_clip has it pool, and its own about texts.
TOWERS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "SigLIP": ("vit_base_patch16_siglip_224", SMALL, {"timm_pool": "map", "timm_proj": "none"}, SIGLIP),
    "PE": ("vit_pe_core_tiny_patch16_384", SMALL, {"timm_pool": "map", "timm_proj": None}, {}),
    "EVA02": ("eva02_base_patch16_clip_224", SMALL, {"timm_pool": "token", "timm_proj": None}, {}),
    "MobileCLIP": ("fastvit_mci0", CONVOLUTIONS, {"timm_pool": "avg", "timm_proj": None}, {"no_causal_mask": True}),
}


def name_of(kind: str) -> str:
    """Return the name under which open_clip knows a tiny model of this kind; SigLIP's would fetch its tokenizer."""
    return f"tiny-tower-{list(TOWERS).index(kind)}"


@cache
def register() -> None:
    """Add the towers to timm's registry, and models with them to open_clip's."""
    import open_clip
    import timm.models

    with tempfile.TemporaryDirectory() as folder:
        for kind, (function, size, pooled, texts) in TOWERS.items():
            tower = f"tiny_{kind.lower()}"
            _add(tower, getattr(timm.models, function), size)
            vision = {"timm_model_name": tower, "timm_model_pretrained": False, "image_size": 64, **pooled}
            config = {
                "embed_dim": 48,
                "custom_text": True,
                "vision_cfg": vision,
                "text_cfg": {**TEXT, **texts},
                **({"init_logit_bias": -10} if kind == "SigLIP" else {}),
            }
            Path(folder, f"{name_of(kind)}.json").write_text(json.dumps(config))
        open_clip.add_model_config(folder)


def _add(name: str, function: Any, size: dict[str, Any]) -> None:
    from timm.models import register_model

    def make(pretrained: bool = False, **options: Any) -> Any:
        return function(pretrained=False, **{**size, **options})

    make.__name__, make.__module__ = name, __name__
    sys.modules[__name__].__dict__.setdefault("__all__", [])
    register_model(make)


@cache
def make(kind: str) -> Any:
    """Return a model of one of the kinds, with random weights."""
    import open_clip
    import torch

    register()
    torch.manual_seed(0)
    model = open_clip.create_model(name_of(kind), load_weights=False).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim:
            parameter += 0.05 * torch.randn_like(parameter)
    return model
