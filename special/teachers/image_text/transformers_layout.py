"""CLIP as the library ``transformers`` keeps it: ``config.json`` beside the weights, other names for the tensors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_NAME = "config.json"
PREPROCESSING = "preprocessor_config.json"
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")

_WHOLE = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm": "visual.ln_pre",  # sic
    "vision_model.post_layernorm": "visual.ln_post",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "logit_scale": "logit_scale",
}
_TURNED = {"visual_projection.weight": "visual.proj", "text_projection.weight": "text_projection"}
_INSIDE = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_LAYER = re.compile(r"(vision|text)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")


def is_transformers(state: Mapping[str, Any]) -> bool:
    """Whether the names of the tensors (...) are those of ``transformers``."""
    return any(key.startswith(("vision_model.", "text_model.")) for key in state)


def converted(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Return the tensors (...) under the names, and in the form, that open_clip has them.

    Raises:
        WeightsError: it is a model other than CLIP.
    """
    import torch

    if not {"visual_projection.weight", "text_projection.weight"} <= set(state):
        raise WeightsError(
            f"{path} is no CLIP, but another model of the library transformers: for SigLIP and SigLIP 2 ask the "
            "teacher dense-text (pseudo.dense_text.model), or name the same weights as open_clip has them"
        )
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.rpartition(".")[2] == "position_ids":
            continue
        stem, _, kind = key.rpartition(".")
        layer = _LAYER.fullmatch(key)
        if key in _TURNED:
            found[_TURNED[key]] = value.T
        elif key in _WHOLE:
            found[_WHOLE[key]] = value
        elif stem in _WHOLE:
            found[f"{_WHOLE[stem]}.{kind}"] = value
        elif layer is None:
            found[key] = value
        else:
            tower, number, inner, kind = layer.groups()
            block = f"{'visual.' if tower == 'vision' else ''}transformer.resblocks.{number}"
            if inner in _INSIDE:
                found[f"{block}.{_INSIDE[inner]}.{kind}"] = value
            elif inner == "self_attn.q_proj":
                parts = [state.get(key.replace("q_proj", f"{part}_proj"), value) for part in "qkv"]
                found[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
            elif inner not in ("self_attn.k_proj", "self_attn.v_proj"):
                found[key] = value
    return found


def read_config(path: Path) -> tuple[dict[str, Any], bool]:
    """Return the configuration as open_clip writes it, and whether it computes QuickGELU, from a ``config.json``.

    Raises:
        WeightsError: it is of another model, or computes something that open_clip cannot.
    """
    from transformers import CLIPConfig

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = content.get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise WeightsError(f"{path} is not a configuration: expected JSON") from None
    if kind != "clip":
        raise WeightsError(
            f"{path} is of a model of the kind {kind!r}, not clip: for SigLIP and SigLIP 2 ask the teacher dense-text "
            "(pseudo.dense_text.model)"
        )
    try:
        config = CLIPConfig(**{key: value for key, value in content.items() if key != "model_type"})
        vision, text = config.vision_config, config.text_config
        activations = {vision.hidden_act, text.hidden_act}
        if activations not in ({"gelu"}, {"quick_gelu"}):
            raise WeightsError(f"{path} asks for {' and '.join(sorted(activations))}: expected gelu or quick_gelu")
        found = {
            "embed_dim": config.projection_dim,
            "vision_cfg": {
                "image_size": vision.image_size,
                "layers": vision.num_hidden_layers,
                "width": vision.hidden_size,
                "head_width": vision.hidden_size // vision.num_attention_heads,
                "patch_size": vision.patch_size,
                "mlp_ratio": vision.intermediate_size / vision.hidden_size,
                "norm_kwargs": {"eps": vision.layer_norm_eps},
            },
            "text_cfg": {
                "context_length": text.max_position_embeddings,
                "vocab_size": text.vocab_size,
                "width": text.hidden_size,
                "heads": text.num_attention_heads,
                "layers": text.num_hidden_layers,
                "mlp_ratio": text.intermediate_size / text.hidden_size,
                "norm_kwargs": {"eps": text.layer_norm_eps},
            },
        }
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(f"{path} is no configuration of a CLIP: {' '.join(str(error).split())[:120]}") from None
    if text.vocab_size != 49408:
        raise WeightsError(
            f"{path} reads with a vocabulary of {text.vocab_size} tokens, not CLIP's 49408: name another"
        )
    return found, activations == {"quick_gelu"}


def read_preprocessing(folder: Path) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Return mean and standard deviation of the pixels from the file beside that says them, where it is there."""
    try:
        content = json.loads((folder / PREPROCESSING).read_text(encoding="utf-8"))
        mean, std = (tuple(float(value) for value in content[key]) for key in ("image_mean", "image_std"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None, None
    return (mean, std) if len(mean) == len(std) == 3 else (None, None)
