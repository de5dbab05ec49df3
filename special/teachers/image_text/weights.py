"""Which CLIP a run uses: finding it, loading it, and recording what it is.

A model is written as the name of a known one (``remoteclip:ViT-B-32``), ``MODEL:TAG`` (``ViT-B-16:openai``, any pair of
open_clip's table), a checkpoint of your own (``FILE``, or ``MODEL:FILE`` where its architecture is not to be told from
its shapes), a ``FOLDER`` or ``hf-hub:ORGANISATION/NAME`` with a configuration of open_clip or of ``transformers``.
``auto`` is ``ViT-B-16:openai`` where it can be had, and ``none`` is no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.errors import SettingsError, WeightsError
from special.hub import cached, hub_closed, hub_is_closed, one_line
from special.progress import SILENT, Progress
from special.teachers.image_text.architecture import QUICK, Architecture, architecture_of, reading_all
from special.teachers.image_text.build import builder, tokenizer
from special.teachers.image_text.checkpoint import (
    Evidence,
    config_evidence,
    file_evidence,
    file_sha256,
    fill_model,
    read_state,
)
from special.teachers.image_text.known import KnownModel, known_model, recognised
from special.teachers.image_text.sources import CONFIG_NAME, HUB, file_of, from_hub, looks_like_a_file, weights_in
from special.teachers.image_text.table import known_architecture, openai_file, tag_of, with_preprocessing
from special.teachers.image_text.transformers_layout import CONFIG_NAME as TRANSFORMERS_CONFIG
from special.teachers.image_text.transformers_layout import PREPROCESSING, read_config, read_preprocessing
from special.teachers.image_text.transformers_layout import WEIGHT_NAMES as TRANSFORMERS_WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

AUTO_MODEL = "ViT-B-16:openai"
_WEIGHT_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_FORMS = "write NAME (special models list), MODEL:TAG, FILE, MODEL:FILE or hf-hub:ORGANISATION/NAME"


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


@dataclass(frozen=True)
class _How:
    """How weights are to be had: what the user calls the model, and the circumstances."""

    shown: str
    closed: bool
    device: str
    cache_dir: Path | None
    progress: Progress


def find_clip(
    spec: str, *, offline: bool, device: str, cache_dir: Path | None = None, progress: Progress = SILENT
) -> tuple[LoadedClip | None, str]:
    """Load a model as :func:`load_clip` does; where ``auto`` cannot be had, return None and one line that says why.

    Raises:
        SettingsError: as there.
        WeightsError: as there, of a model that ``spec`` names.
    """
    try:
        return load_clip(spec, offline=offline, device=device, cache_dir=cache_dir, progress=progress), ""
    except WeightsError as error:
        if spec != "auto":
            raise
        return None, f"no CLIP: {error}"


def load_clip(
    spec: str, *, offline: bool, device: str, cache_dir: Path | None = None, progress: Progress = SILENT
) -> LoadedClip | None:
    """Find and load the image-text model of a run.

    Weights in this machine's caches are used as they are; otherwise they are fetched once, which ``progress`` shows. A
    hub that does not answer is given up after ten seconds.

    Args:
        spec: ``auto``, ``none``, or a model as the module's docstring says.
        offline: never ask the network; ``HF_HUB_OFFLINE`` in the environment does the same.
        device: ``cpu`` or ``cuda``.
        cache_dir: where downloaded weights are kept; the usual caches when None.
        progress: hears what is fetched.

    Returns:
        the model; None for ``none``.

    Raises:
        SettingsError: ``spec`` is not one of these forms, or names no open_clip architecture.
        WeightsError: the model cannot be had, cannot be read, or cannot give dense features.
    """
    if spec == "none":
        return None
    how = _How(AUTO_MODEL if spec == "auto" else spec, offline or hub_is_closed(), device, cache_dir, progress)
    with hub_closed(how.closed):
        return _load(how)


def _load(how: _How) -> LoadedClip:
    try:
        import open_clip  # noqa: F401
    except Exception as error:
        # torchvision, which it imports, fails in several ways beside a torch that it was not built for.
        raise WeightsError(f"open_clip cannot be imported ({one_line(error)}): pip install open_clip_torch") from error
    spec, path = how.shown, Path(how.shown).expanduser()
    if spec.startswith(HUB):
        return _load_from_hub(spec.removeprefix(HUB), how)
    if path.is_dir():
        return _load_folder(path, how)
    known = None if path.exists() else known_model(spec)
    if known is not None and not known.same_as:
        return _load_known(known, how)
    architecture, separator, source = (known.same_as if known is not None else spec).partition(":")
    if path.is_file() or (not separator and looks_like_a_file(spec)):
        return _load_file(None, path, how)
    if not separator or not source:
        raise SettingsError(f"the CLIP model {spec!r} names no weights: {_FORMS}, such as {AUTO_MODEL}")
    architecture = known_architecture(architecture)
    tag = tag_of(architecture, source)
    if tag is None:
        return _load_file(architecture, Path(source).expanduser(), how)
    return _load_tag(architecture, source, tag, how)


def _load_tag(architecture: str, name: str, tag: dict[str, Any], how: _How) -> LoadedClip:
    """Load weights of open_clip's table."""
    what = Architecture(architecture, quick_gelu=bool(tag.get("quick_gelu")))
    make_builder = partial(builder, what, how.shown, how.closed, how.cache_dir)
    # Others are checked before anything large is fetched; this one is known to give dense features.
    build = None if f"{architecture}:{name}" == AUTO_MODEL else make_builder()
    repo, file_name = tag["hf_hub"].rsplit("/", 1)
    names = [file_name] if file_name else _WEIGHT_NAMES
    path = openai_file(tag, how.cache_dir) or from_hub(how.shown, repo, names, how.closed, how.cache_dir, how.progress)
    evidence = Evidence(f"open_clip's table of weights ({name})", what.quick_gelu, tag["mean"], tag["std"])
    return _filled(what, build or make_builder(), path, evidence, how)


def _load_known(known: KnownModel, how: _How) -> LoadedClip:
    """Load a model of our own table; its licence is said before anything is fetched."""
    if known.repo and not known.file:
        if not how.closed and cached(known.repo, [CONFIG_NAME, TRANSFORMERS_CONFIG], how.cache_dir) is None:
            how.progress.say(f"{known.name}: {known.terms}")
        return _load_from_hub(known.repo, how)
    assert known.architecture
    what = Architecture(known.architecture)
    builder(what, how.shown, how.closed, how.cache_dir)  # refuses what makes no map before it is fetched
    return _load_file(None, file_of(known, how.closed, how.cache_dir, how.progress), how, known)


def _load_file(architecture: str | None, path: Path, how: _How, known: KnownModel | None = None) -> LoadedClip:
    """Load a checkpoint file; where its architecture is named, refuse it if it is known to want another activation.

    ``known``: the model that it holds, where it was found by that name.
    """
    import open_clip

    if architecture is not None:
        builder(Architecture(architecture), how.shown, how.closed, how.cache_dir)
    state = read_state(path)
    sha256 = file_sha256(path)
    known = known or recognised(path, sha256)
    evidence = file_evidence(path, sha256, state, known)
    if architecture is not None:
        what = Architecture(architecture)
    elif known is not None and known.architecture:
        what = Architecture(known.architecture)
    else:
        what = architecture_of(state, path)
    config = what.config if what.config is not None else open_clip.get_model_config(what.name)
    has_quick_gelu = bool((config or {}).get("quick_gelu", False))
    if evidence.quick_gelu is None:
        if not has_quick_gelu and "timm_model_name" not in (config or {}).get("vision_cfg", {}):
            twin = f"{what.name}{QUICK}"
            way = f"name {twin}:{path}" if twin in open_clip.list_models() else f"say so in {CONFIG_NAME} beside it"
            how.progress.say(
                f"{path.name} does not say its activation: taken as GELU; if it was trained from OpenAI's weights, "
                f"{way}"
            )
    elif architecture is None:
        what = replace(what, quick_gelu=evidence.quick_gelu)
    elif evidence.quick_gelu != has_quick_gelu:
        right = f"{architecture}{QUICK}" if evidence.quick_gelu else architecture.removesuffix(QUICK)
        raise WeightsError(
            f"{path} was trained with {_activation(evidence.quick_gelu)} ({evidence.source}) and {architecture} "
            f"computes {_activation(has_quick_gelu)}: name {right}:{path}, or {path} alone"
        )
    return _filled(reading_all(what, state), None, path, with_preprocessing(evidence, what.name), how, state, sha256)


def _load_from_hub(repo: str, how: _How) -> LoadedClip:
    """Load a model whose configuration and weights both lie in one hub repository."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise SettingsError(f"{how.shown!r} is no hub repository: write hf-hub:ORGANISATION/NAME")

    def get(*names: str) -> Path:
        return from_hub(how.shown, repo, names, how.closed, how.cache_dir, how.progress)

    config = get(CONFIG_NAME, TRANSFORMERS_CONFIG)
    if config.name == CONFIG_NAME:
        return _load_configured(config.parent, lambda: get(*_WEIGHT_NAMES), how, repo)
    try:
        get(PREPROCESSING)
    except WeightsError as error:
        if error.passing and not how.closed:  # else the repository has none
            raise
    return _load_transformers(config.parent, lambda: get(*TRANSFORMERS_WEIGHTS), how)


def _load_folder(folder: Path, how: _How) -> LoadedClip:
    """Load a model from a folder with a configuration of open_clip's or transformers'."""
    if (folder / CONFIG_NAME).is_file():
        return _load_configured(folder, lambda: weights_in(folder, _WEIGHT_NAMES), how, None)
    if (folder / TRANSFORMERS_CONFIG).is_file():
        return _load_transformers(folder, lambda: weights_in(folder, TRANSFORMERS_WEIGHTS), how)
    raise WeightsError(
        f"{folder} has neither {CONFIG_NAME} nor {TRANSFORMERS_CONFIG}: name a folder with a model in it"
    )


def _load_configured(folder: Path, weights: Callable[[], Path], how: _How, repo: str | None) -> LoadedClip:
    """Load a model from a folder with ``open_clip_config.json``."""
    evidence = config_evidence(folder / CONFIG_NAME)
    what = Architecture(f"local-dir:{folder}")
    build = builder(what, how.shown, how.closed, how.cache_dir)
    named = Architecture(f"{HUB}{repo}") if repo else what
    return _filled(named, build, weights(), with_preprocessing(evidence, ""), how)


def _load_transformers(folder: Path, weights: Callable[[], Path], how: _How) -> LoadedClip:
    """Load a model from a folder with ``config.json``."""
    config, quick_gelu = read_config(folder / TRANSFORMERS_CONFIG)
    what = Architecture("its config.json", config, quick_gelu=quick_gelu)
    mean, std = read_preprocessing(folder)
    evidence = with_preprocessing(Evidence(TRANSFORMERS_CONFIG, quick_gelu, mean, std), "")
    return _filled(what, builder(what, how.shown, how.closed), weights(), evidence, how)


def _filled(
    what: Architecture,
    build: Callable[[], Any] | None,
    path: Path,
    evidence: Evidence,
    how: _How,
    state: dict[str, Tensor] | None = None,
    sha256: str | None = None,
) -> LoadedClip:
    """Build the model, fill it from the file, and make it ready."""
    from special.teachers.image_text.dense_features import computes_quick_gelu

    model: Any = (build or builder(what, how.shown, how.closed, how.cache_dir))()
    fill_model(model, read_state(path) if state is None else state, path, what.name)
    read = tokenizer(what, how.closed, how.cache_dir)
    quick_gelu = computes_quick_gelu(model)  # what it computes, not what it was asked to: this goes into the record
    return LoadedClip(
        name=how.shown,
        architecture=_shown_architecture(what, how),
        model=model.float().eval().requires_grad_(False).to(how.device),
        tokenizer=read,
        weights_sha256=sha256 or file_sha256(path),
        mean=tuple(evidence.mean or model.visual.image_mean),
        std=tuple(evidence.std or model.visual.image_std),
        activation=_activation(quick_gelu),
        activation_from=evidence.source,
    )


def _shown_architecture(what: Architecture, how: _How) -> str:
    """Return the architecture's name for the record, in which paths say nothing."""
    if what.name.startswith(HUB):
        return how.shown
    return "open_clip_config.json" if what.name.startswith("local-dir:") else what.name


def _activation(quick_gelu: bool) -> str:
    return "QuickGELU" if quick_gelu else "GELU"
