"""Which CLIP a run uses: finding it, loading it, and recording what it is.

A model is written as ``MODEL:TAG`` (``ViT-B-16:openai``, any pair of open_clip's table), ``MODEL:FILE`` (a checkpoint
of your own with its architecture), or ``hf-hub:ORGANISATION/NAME``. ``auto`` is ``ViT-B-16:openai`` where it can be
had, and ``none`` is no model.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.errors import SettingsError, WeightsError
from special.hub import Unavailable, cached, fetch, hub_closed, hub_is_closed, one_line
from special.progress import SILENT, Progress
from special.teachers.image_text.build import builder, tokenizer
from special.teachers.image_text.checkpoint import (
    Evidence,
    config_evidence,
    file_evidence,
    file_sha256,
    fill_model,
    read_state,
)

if TYPE_CHECKING:
    from torch import Tensor

AUTO_MODEL = "ViT-B-16:openai"
_HUB = "hf-hub:"
_WEIGHT_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_CONFIG_NAME = "open_clip_config.json"


@dataclass(frozen=True)
class LoadedClip:
    """An image-text model ready for use: float32, in evaluation mode, on its device."""

    name: str
    architecture: str
    model: Any
    tokenizer: Callable[[list[str]], Tensor]
    weights_sha256: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    activation: str
    """``QuickGELU`` or ``GELU``."""
    activation_from: str
    """What says so; the last resort is the architecture's own."""

    def identity(self) -> dict[str, Any]:
        """Return what decides this model's answers, as JSON; no paths, so that it means the same on any machine."""
        return {
            "architecture": self.architecture,
            "weights_sha256": self.weights_sha256,
            "mean": list(self.mean),
            "std": list(self.std),
            "activation": self.activation,
        }


def find_clip(
    spec: str, *, offline: bool, device: str, cache_dir: Path | None = None, progress: Progress = SILENT
) -> tuple[LoadedClip | None, str]:
    """Find and load the image-text model of a run.

    Weights in this machine's caches are used as they are; otherwise they are fetched once, which ``progress`` shows. A
    hub that does not answer is given up after ten seconds.

    Args:
        spec: ``auto``, ``none``, ``MODEL:TAG``, ``MODEL:FILE`` or ``hf-hub:ORGANISATION/NAME``.
        offline: never ask the network; ``HF_HUB_OFFLINE`` in the environment does the same.
        device: ``cpu`` or ``cuda``.
        cache_dir: where downloaded weights are kept; the hub's usual cache when None.
        progress: hears what is fetched.

    Returns:
        the model and ``""``; ``(None, "")`` for ``none``; ``(None, reason)`` where ``auto`` finds no weights: one line,
        to be shown to the user, that says why there is no CLIP and how to add one.

    Raises:
        SettingsError: ``spec`` is not one of these forms, or names no open_clip architecture.
        WeightsError: the model that ``spec`` names cannot be had, cannot be read, or cannot give dense features.
    """
    if spec == "none":
        return None, ""
    name = AUTO_MODEL if spec == "auto" else spec
    closed = offline or hub_is_closed()
    try:
        with hub_closed(closed):
            return _load(name, closed, device, cache_dir, progress), ""
    except WeightsError as error:
        if spec != "auto":
            raise
        return None, f"no CLIP: {error}"


def _load(name: str, closed: bool, device: str, cache_dir: Path | None, progress: Progress) -> LoadedClip:
    try:
        import open_clip  # noqa: F401
    except Exception as error:
        # torchvision, which it imports, fails in several ways beside a torch that it was not built for.
        raise WeightsError(f"open_clip cannot be imported ({one_line(error)}): pip install open_clip_torch") from error
    if name.startswith(_HUB):
        return _load_from_hub(name, closed, device, cache_dir, progress)
    architecture, separator, source = name.partition(":")
    if not separator or not source:
        raise SettingsError(f"the CLIP model {name!r} names no weights: write MODEL:TAG or MODEL:FILE, as {AUTO_MODEL}")
    architecture = _known_architecture(architecture)
    tag = _tag(architecture, source)
    if tag is None:
        return _load_file(name, architecture, Path(source).expanduser(), closed, device, progress)
    make_builder = partial(builder, architecture, name, closed, quick_gelu=bool(tag.get("quick_gelu")))
    # Others are checked before anything large is fetched; this one is known to give dense features.
    build = None if name == AUTO_MODEL else make_builder()
    repo, file_name = tag["hf_hub"].rsplit("/", 1)
    path = _cached_openai(tag, cache_dir) or _get(
        name, repo, [file_name] if file_name else _WEIGHT_NAMES, closed, cache_dir, progress
    )
    evidence = Evidence(
        f"open_clip's table of weights ({source})", bool(tag.get("quick_gelu")), tag["mean"], tag["std"]
    )
    sha256 = file_sha256(path)
    model = (build or make_builder())()
    fill_model(model, read_state(path, sha256), path, architecture)
    return _ready(name, architecture, model, tokenizer(architecture, closed, cache_dir), sha256, evidence, device)


def _load_file(name: str, architecture: str, path: Path, closed: bool, device: str, progress: Progress) -> LoadedClip:
    """Load a checkpoint of the user's own, and refuse it where it is known to want another activation."""
    import open_clip

    build = builder(architecture, name, closed)
    sha256 = file_sha256(path) if path.is_file() else ""
    state = read_state(path, sha256)
    evidence = file_evidence(path, sha256, state)
    has_quick_gelu = bool(open_clip.get_model_config(architecture).get("quick_gelu", False))
    if evidence.quick_gelu is None:
        other = f"{architecture}-quickgelu"
        if not has_quick_gelu and other in open_clip.list_models():
            progress.say(
                f"{path.name} does not say its activation: taken as GELU; "
                f"for weights trained from OpenAI's, name {other}:FILE"
            )
    elif evidence.quick_gelu != has_quick_gelu:
        right = f"{architecture}-quickgelu" if evidence.quick_gelu else architecture.removesuffix("-quickgelu")
        raise WeightsError(
            f"{path} was trained with {_activation(evidence.quick_gelu)} ({evidence.source}) and {architecture} "
            f"computes {_activation(has_quick_gelu)}: name {right}:{path}"
        )
    if evidence.mean is None or evidence.std is None:
        mean, std = _usual_preprocessing(architecture)
        evidence = replace(evidence, mean=mean, std=std)
    model = build()
    fill_model(model, state, path, architecture)
    return _ready(name, architecture, model, tokenizer(architecture, closed, None), sha256, evidence, device)


def _load_from_hub(name: str, closed: bool, device: str, cache_dir: Path | None, progress: Progress) -> LoadedClip:
    """Load a model whose configuration and weights both lie in one hub repository."""
    repo = name.removeprefix(_HUB)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise SettingsError(f"{name!r} is no hub repository: write hf-hub:ORGANISATION/NAME")
    config = _get(name, repo, [_CONFIG_NAME], closed, cache_dir, progress)
    evidence = config_evidence(config)
    build = builder(f"local-dir:{config.parent}", name, closed)
    path = _get(name, repo, _WEIGHT_NAMES, closed, cache_dir, progress)
    sha256 = file_sha256(path)
    model = build()
    fill_model(model, read_state(path, sha256), path, name)
    return _ready(name, name, model, tokenizer(name, closed, cache_dir), sha256, evidence, device)


def _get(
    name: str, repo: str, files: list[str] | tuple[str, ...], closed: bool, cache_dir: Path | None, progress: Progress
) -> Path:
    found = cached(repo, files, cache_dir)
    if found is not None:
        return found
    mend = "give a checkpoint as --clip MODEL:FILE, or go without by --clip none"
    if closed:
        raise WeightsError(f"the weights of {name} are not here and the network is off: go online once, {mend}")
    try:
        return fetch(repo, files, cache_dir, progress)
    except Unavailable as reason:
        raise WeightsError(f"the weights of {name} could not be fetched ({reason}): try again online, {mend}") from None


def _known_architecture(name: str) -> str:
    import open_clip

    architecture = name.replace("/", "-")
    if architecture not in open_clip.list_models():
        close = difflib.get_close_matches(architecture, open_clip.list_models(), 3, 0.4) or ["ViT-B-16"]
        raise SettingsError(f"open_clip has no architecture {name!r}: name another, such as {', '.join(close)}")
    return architecture


def _tag(architecture: str, source: str) -> dict[str, Any] | None:
    """Return open_clip's entry for a tag, or None when ``source`` must be a file."""
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    entry = get_pretrained_cfg(architecture, source)
    if entry or Path(source).expanduser().exists() or any(mark in source for mark in "/\\."):
        return entry or None
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    offer = f"one of {', '.join(tags)}, or the path of a checkpoint" if tags else "the path of a checkpoint"
    raise WeightsError(f"{architecture} has no published weights {source!r}: expected {offer}")


def _cached_openai(tag: dict[str, Any], cache_dir: Path | None) -> Path | None:
    """Return OpenAI's own file of these weights, where its package or an older open_clip left one."""
    path = (cache_dir or Path.home() / ".cache" / "clip") / tag.get("url", "").rsplit("/", 1)[-1]
    # Part of a download has another hash; such a file is passed over.
    return path if "openaipublic" in tag.get("url", "") and path.is_file() and file_sha256(path) in tag["url"] else None


def _usual_preprocessing(architecture: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and standard deviation that an architecture's published weights share; OpenAI's otherwise."""
    import open_clip
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.pretrained import get_pretrained_cfg

    tags = [get_pretrained_cfg(architecture, tag) for tag in open_clip.list_pretrained_tags_by_model(architecture)]
    pairs = {(tag["mean"], tag["std"]) for tag in tags}
    return pairs.pop() if len(pairs) == 1 else (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)


def _ready(
    name: str,
    architecture: str,
    model: Any,
    tokenizer: Callable[[list[str]], Tensor],
    sha256: str,
    evidence: Evidence,
    device: str,
) -> LoadedClip:
    from open_clip.transformer import QuickGELU

    # What the model computes, not what it was asked to: this goes into the record.
    quick_gelu = isinstance(model.visual.transformer.resblocks[0].mlp.gelu, QuickGELU)
    return LoadedClip(
        name=name,
        architecture=architecture,
        model=model.float().eval().requires_grad_(False).to(device),
        tokenizer=tokenizer,
        weights_sha256=sha256,
        mean=tuple(evidence.mean or model.visual.image_mean),
        std=tuple(evidence.std or model.visual.image_std),
        activation=_activation(quick_gelu),
        activation_from=evidence.source,
    )


def _activation(quick_gelu: bool) -> str:
    return "QuickGELU" if quick_gelu else "GELU"
