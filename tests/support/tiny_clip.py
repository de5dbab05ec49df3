"""Image-text models small enough to be made on the spot, with random weights, for the tests of that teacher."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

VISION = {"image_size": 32, "layers": 3, "width": 48, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "tiny": {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT},
    "tiny-quickgelu": {"embed_dim": 24, "quick_gelu": True, "vision_cfg": VISION, "text_cfg": TEXT},
    "tiny-avg": {
        "embed_dim": 24,
        "vision_cfg": {
            **VISION,
            "no_ln_pre": True,
            "pool_type": "avg",
            "final_ln_after_pool": True,
            "ls_init_value": 0.5,
        },
        "text_cfg": TEXT,
    },
    "tiny-wide": {"embed_dim": 40, "vision_cfg": VISION, "text_cfg": TEXT},
    # A tower of timm's, which pools by attention as SigLIP's does.
    "tiny-timm": {
        "embed_dim": 64,
        "vision_cfg": {"timm_model_name": "test_vit2", "timm_pool": "map", "timm_proj": "none", "image_size": 64},
        "text_cfg": {**TEXT, "width": 40},
    },
}


@cache
def register() -> None:
    """Add the tiny architectures to open_clip's registry, under the names above."""
    import open_clip

    with tempfile.TemporaryDirectory() as folder:
        for name, config in CONFIGS.items():
            Path(folder, f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(folder)


@cache
def make(name: str = "tiny", seed: int = 0) -> Any:
    """Return a model with random weights; every parameter differs from its usual start, biases included."""
    import open_clip
    import torch

    register()
    torch.manual_seed(seed)
    model = open_clip.create_model(name, load_weights=False).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim:
            parameter += 0.05 * torch.randn_like(parameter)
    return model


def save(path: Path, name: str = "tiny", seed: int = 0) -> Path:
    """Write the weights of ``make(name, seed)`` as safetensors."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in make(name, seed).state_dict().items()}, path)
    return path


def save_in_hub_cache(cache_dir: Path, repo: str, name: str = "tiny", seed: int = 0) -> Path:
    """Put the weights of ``make(name, seed)`` and their configuration where the hub's client would have put them."""
    home = cache_dir / f"models--{repo.replace('/', '--')}"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    weights = save(home / "snapshots" / commit / "open_clip_model.safetensors", name, seed)
    preprocess = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    config = {"model_cfg": CONFIGS[name], "preprocess_cfg": preprocess}
    (weights.parent / "open_clip_config.json").write_text(json.dumps(config))
    return weights
