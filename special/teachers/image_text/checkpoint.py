"""Checkpoint files of image-text models: reading them safely, and refusing those that do not fit the architecture.

Nothing in a checkpoint is executed: tensors come from safetensors, from torch's ``weights_only`` reader, or, of a
TorchScript archive (which is a program), from a reader of ours that knows nothing but tensors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.errors import WeightsError
from special.teachers.image_text.known import KnownModel
from special.teachers.image_text.layouts import contained, long_texts, needed, on_grid, unwrapped
from special.teachers.image_text.torchscript import is_torchscript, read_tensors
from special.teachers.image_text.transformers_layout import converted, is_transformers

if TYPE_CHECKING:
    from torch import Tensor, nn

_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")


@dataclass(frozen=True)
class Evidence:
    """What a checkpoint file tells of how its model was trained, besides its tensors."""

    source: str
    quick_gelu: bool | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors (...) of a checkpoint, by the names that open_clip gives them; what it is, its content tells.

    Raises:
        WeightsError: no such file, neither safetensors nor a torch checkpoint, or more than tensors in it.
    """
    import torch
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsError(f"no checkpoint at {path}: name an existing file, or published weights as ViT-B-16:openai")
    try:
        if _is_safetensors(path):
            state: Any = load_file(path)
        elif is_torchscript(path):
            state = read_tensors(path)
        else:
            with _harmless_beside_tensors():
                state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        raise WeightsError(
            f"{path} cannot be read as a checkpoint: expected safetensors, or a torch file that holds nothing but "
            "tensors; if it was downloaded, fetch it again; if it is yours, save the model's state_dict as safetensors"
        ) from None
    state = contained(state)
    tensors = unwrapped(
        {
            str(key): value
            for key, value in (state.items() if isinstance(state, Mapping) else ())
            if isinstance(value, torch.Tensor)
        }
    )
    if not tensors:
        raise WeightsError(f"{path} holds no tensors by name: expected the state_dict of an open_clip model")
    return long_texts(converted(tensors, path) if is_transformers(tensors) else tensors)


class _Ignored:
    """Takes the place of a number or a setting that training has left beside the weights; it does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


_BESIDE_TENSORS = (
    *("numpy.dtype", "numpy.ndarray", "argparse.Namespace", "pathlib.PosixPath", "pathlib.WindowsPath"),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float64", "Float32", "Int64", "Int32", "Bool")),
)


@contextlib.contextmanager
def _harmless_beside_tensors() -> Iterator[None]:
    """Let torch's reader pass over best scores, arguments and paths, of which nothing is made."""
    import torch

    if not hasattr(torch.serialization, "safe_globals"):  # before torch 2.5
        yield
        return
    # Into what a name is turned is ours to say: nothing of numpy's or the user's is called.
    with torch.serialization.safe_globals([(_Ignored, name) for name in _BESIDE_TENSORS]):
        yield


def file_evidence(path: Path, sha256: str, state: Mapping[str, Any], known: KnownModel | None = None) -> Evidence:
    """Tell from a bare checkpoint how its model was trained, as far as it can be told.

    Looked at, in this order: the SHA-256, among the published ones; what is ``known`` of the model;
    ``open_clip_config.json`` beside the file; the extra entries that only OpenAI's own checkpoints have; ``quickgelu``
    in the file's name.
    """
    published_as = published(sha256)
    if published_as is not None:
        model, tag, config = published_as
        return Evidence(
            f"published as {model}:{tag}", bool(config.get("quick_gelu")), tuple(config["mean"]), tuple(config["std"])
        )
    if known is not None and known.quick_gelu is not None:
        return Evidence(f"{known.name}: {known.activation_from}", known.quick_gelu, known.mean, known.std)
    beside = path.parent / "open_clip_config.json"
    if beside.is_file():
        return config_evidence(beside)
    if any(key in state for key in _OPENAI_EXTRAS):
        return Evidence("OpenAI's own layout", quick_gelu=True)
    if "quickgelu" in path.name.lower().replace("-", "").replace("_", ""):
        return Evidence("the file's name", quick_gelu=True)
    return Evidence("the architecture; the file does not say")


def config_evidence(path: Path) -> Evidence:
    """Read the activation, mean and standard deviation from an ``open_clip_config.json``.

    Raises:
        WeightsError: it is not an open_clip configuration.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        model, preprocess = content["model_cfg"], content.get("preprocess_cfg", {})
        mean, std = (tuple(map(float, preprocess[key])) if key in preprocess else None for key in ("mean", "std"))
        return Evidence(path.name, bool(model.get("quick_gelu", False)), mean, std)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise WeightsError(f"{path} is not an open_clip configuration: expected JSON with model_cfg") from None


def published(sha256: str) -> tuple[str, str, dict[str, Any]] | None:
    """Return (model, tag, configuration) of the weights with this SHA-256 in open_clip's table, or None.

    The addresses of the older weights carry their hash: OpenAI's in full, open_clip's own the first eight digits.
    """
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    for model, tag in open_clip.list_pretrained():
        config = get_pretrained_cfg(model, tag)
        parts = config.get("url", "").split("/")
        if sha256 in parts or Path(parts[-1]).stem.rsplit("-", 1)[-1] == sha256[:8]:
            return model, tag, config
    return None


def fill_model(model: nn.Module, state: Mapping[str, Tensor], path: Path, architecture: str) -> None:
    """Copy a checkpoint into a model; every tensor must be there, with its shape (...), and nothing else.

    Raises:
        WeightsError: the checkpoint is of another architecture, or holds values that are not finite.
    """
    import torch
    from open_clip.model import convert_to_custom_text_state_dict

    expected = model.state_dict()
    given = {key: value for key, value in state.items() if key not in _OPENAI_EXTRAS}
    if "positional_embedding" in given and "positional_embedding" not in expected:
        given = convert_to_custom_text_state_dict(given)
    single = {"logit_scale", "logit_bias"} & expected.keys()  # checkpoints have a number there, or a vector of one
    given = {
        key: value.reshape(expected[key].shape) if key in single and value.numel() == 1 else value
        for key, value in on_grid(needed(given, expected), expected).items()
    }
    shapes = [key for key in given.keys() & expected.keys() if given[key].shape != expected[key].shape]
    problems = [
        *_some("missing", [key for key in expected if key not in given]),
        *_some("unknown", [key for key in given if key not in expected]),
        *_some("of another shape", sorted(shapes)),
    ]
    if problems:
        raise WeightsError(f"{path} does not fit {architecture}: {'; '.join(problems)}: name its own architecture")
    for key, value in given.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise WeightsError(f"{path} is damaged: {key} has values that are not finite; fetch it again")
    model.load_state_dict(given, strict=True)


def _some(what: str, keys: Sequence[str]) -> list[str]:
    return [f"{len(keys)} tensors {what} ({keys[0]}{', ...' if len(keys) > 1 else ''})"] if keys else []


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(9)
    # Eight bytes of header length, then the header, which is JSON.
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size
