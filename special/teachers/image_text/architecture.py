"""Which model a checkpoint is of, told by the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

QUICK = "-quickgelu"
_USUAL_HEAD = 64
"""Channels of an attention head where nothing says otherwise: shapes do not tell. All of OpenAI's have so many."""


@dataclass(frozen=True)
class Architecture:
    """What to build.

    Attributes:
        name: one of open_clip's, or what the user is shown.
        config: of a model that open_clip has no name for: ``embed_dim``, ``vision_cfg``, ``text_cfg``.
        context_length: tokens that the text tower reads, where it is not the architecture's own number.
        quick_gelu: whether QuickGELU is computed even if the architecture does not say so.
    """

    name: str
    config: Mapping[str, Any] | None = None
    context_length: int | None = None
    quick_gelu: bool = False


def architecture_of(state: Mapping[str, Tensor], path: Path) -> Architecture:
    """Find the architecture of a checkpoint, tensors (...) by name.

    Of several that differ in the size of the image alone, the nearest is taken.

    Raises:
        WeightsError: it is no CLIP, or fits several architectures.
    """
    if "visual.class_embedding" in state and "visual.conv1.weight" in state:
        return _of_transformer(state, path)
    if "visual.layer1.0.conv1.weight" in state:
        raise WeightsError(f"{path} is a ResNet, which cannot make a map: name a checkpoint of a vision transformer")
    if any(key.startswith("visual.trunk.") for key in state):
        return _of_timm(state, path)
    raise WeightsError(
        f"{path} is no CLIP as open_clip, OpenAI or transformers write them (it has {_some(state)}): name its "
        "architecture as MODEL:FILE"
    )


def reading_all(what: Architecture, state: Mapping[str, Tensor]) -> Architecture:
    """Let the text tower read as many tokens as the checkpoint, tensors (...) by name, has positions for."""
    import open_clip

    positions = state.get("positional_embedding", state.get("text.positional_embedding"))
    if what.config is not None or positions is None or positions.ndim != 2:
        return what
    own = (open_clip.get_model_config(what.name) or {}).get("text_cfg", {}).get("context_length", 77)
    return replace(what, context_length=len(positions)) if len(positions) != own else what


def _of_transformer(state: Mapping[str, Tensor], path: Path) -> Architecture:
    text = _text_sizes(state, path)
    width, _, patch, _ = state["visual.conv1.weight"].shape
    layers = _count(state, "visual.transformer.resblocks.")
    side = round((len(state["visual.positional_embedding"]) - 1) ** 0.5) * patch
    embed = state["visual.proj"].shape[1] if "visual.proj" in state else width
    fits = []
    for name, config in _configs():
        vision = config["vision_cfg"]
        own = (vision.get("width", 768), vision.get("layers", 12), vision.get("patch_size", 16))
        if "timm_model_name" in vision or own != (width, layers, patch) or config["embed_dim"] != embed:
            continue
        if _same_text(config["text_cfg"], text):
            size = vision.get("image_size", 224)
            fits.append((abs((size if isinstance(size, int) else size[0]) - side), len(name), name))
    if fits:
        return Architecture(min(fits)[2])
    mlp = state["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0] / width
    config = {
        "embed_dim": embed,
        "vision_cfg": {
            **{"image_size": side, "layers": layers, "width": width, "patch_size": patch, "mlp_ratio": mlp},
            "head_width": _USUAL_HEAD if width % _USUAL_HEAD == 0 else width,
        },
        "text_cfg": {**text, "heads": max(1, text["width"] // _USUAL_HEAD)},
    }
    return Architecture(f"a CLIP of {layers} layers, {width} wide, with patches of {patch}", config)


def _of_timm(state: Mapping[str, Tensor], path: Path) -> Architecture:
    """Build what may fit, without memory, and compare all shapes."""
    import open_clip
    import torch

    text = _text_sizes(state, path)
    shapes = {key: tuple(value.shape) for key, value in state.items() if value.ndim and key != "logit_bias"}
    fits = []
    for name, config in _configs():
        if "timm_model_name" in config["vision_cfg"] and _same_text(config["text_cfg"], text):
            with torch.device("meta"):
                built = open_clip.create_model(name, load_weights=False, pretrained_text=False, device="meta")
            own = {key: tuple(value.shape) for key, value in built.state_dict().items() if value.ndim}
            if own == shapes:
                fits.append(name)
    if len(fits) == 1:
        return Architecture(fits[0])
    if not fits:
        raise WeightsError(f"{path} fits none of open_clip's architectures: name its own as MODEL:FILE")
    raise WeightsError(f"{path} fits {', '.join(fits)}: name the right one as MODEL:FILE, such as {fits[0]}:{path}")


def _text_sizes(state: Mapping[str, Tensor], path: Path) -> dict[str, int]:
    inside = "text." if "text.token_embedding.weight" in state else ""
    try:
        vocabulary, width = state[f"{inside}token_embedding.weight"].shape
        context = len(state[f"{inside}positional_embedding"])
    except (KeyError, ValueError):
        raise WeightsError(
            f"{path} has no text tower of CLIP's own (it has {_some(state)}): name its architecture as MODEL:FILE"
        ) from None
    layers = _count(state, f"{inside}transformer.resblocks.")
    return {"context_length": context, "vocab_size": vocabulary, "width": width, "layers": layers}


def _same_text(config: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
    """Whether a text tower has these sizes; how many tokens it reads is another matter, above 77."""
    usual = {"context_length": 77, "vocab_size": 49408, "width": 512, "layers": 12}
    own = {key: config.get(key, value) for key, value in usual.items()}
    longer = sizes["context_length"] > own["context_length"] == 77
    return own == {**sizes, "context_length": 77 if longer else sizes["context_length"]}


def _configs() -> list[tuple[str, dict[str, Any]]]:
    import open_clip

    plain = [name for name in open_clip.list_models() if not name.endswith(QUICK)]
    found = [(name, open_clip.get_model_config(name)) for name in plain]
    return [(name, config) for name, config in found if "hf_model_name" not in config["text_cfg"]]


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)})


def _some(state: Mapping[str, Tensor]) -> str:
    return ", ".join(sorted(state)[:3]) + (", ..." if len(state) > 3 else "")
