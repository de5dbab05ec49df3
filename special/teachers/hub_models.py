"""Models of the library transformers for teachers: in a folder of the user's, in the hub's cache, or from the hub."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from special.errors import SettingsError, WeightsError
from special.hub import (
    Unavailable,
    cached,
    fetch,
    fetch_texts,
    hub_closed,
    hub_is_closed,
    one_line,
    refuse_endless,
    terms,
)
from special.progress import Progress
from special.storage import files

_WEIGHTS = ("model.safetensors",)


def model_folder(name: str, kinds: Sequence[str], offline: bool, progress: Progress) -> Path:
    """Return the folder of a model, fetching it if that is allowed; its licence is said before anything is fetched.

    Args:
        name: a folder, or ``ORGANISATION/NAME`` on the hub.
        kinds: what ``model_type`` in its configuration may be.
        offline: never ask the network.
        progress: told of the licence and of a download.

    Raises:
        SettingsError: it is neither.
        WeightsError: it is not here and cannot be fetched, or is a model of another kind.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            raise SettingsError(
                f"there is no model {name!r}: name a folder, or ORGANISATION/NAME on the Hugging Face hub"
            )
        folder = _from_hub(name, offline or hub_is_closed(), progress)
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError):
        raise WeightsError(f"{folder} has no config.json of a model: name another folder") from None
    if kind not in kinds:
        raise WeightsError(f"{name} is a model of the kind {kind!r}: expected {' or '.join(kinds)}")
    if not (folder / _WEIGHTS[0]).is_file():
        raise WeightsError(f"{name} has no {_WEIGHTS[0]}: save it with save_pretrained, which writes that")
    return folder


def load_model(kind: Any, folder: Path, device: str) -> Any:
    """Return a model of the class ``kind`` from a folder, for predicting alone; asks no network.

    Raises:
        WeightsError: the weights do not fit the configuration, or cannot be read.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        refuse_endless(folder)
        with hub_closed(True):
            model, report = kind.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:
        raise WeightsError(
            f"the model in {folder} cannot be read ({one_line(error)}): fetch or save it again"
        ) from None
    # A tensor that is made up at random would give answers that mean nothing, without a word.
    if missing := sorted(report["missing_keys"]):
        raise WeightsError(
            f"the weights in {folder} lack {len(missing)} tensors ({missing[0]}): fetch or save them again"
        )
    return model.float().eval().requires_grad_(False).to(device)


def load_tokenizer(folder: Path, extra: str) -> Any:
    """Return the tokenizer in a folder; asks no network.

    Raises:
        WeightsError: it cannot be read; ``extra`` is what to install, where a package is missing.
    """
    from transformers import AutoTokenizer

    try:
        with hub_closed(True):
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise WeightsError(
            f"the tokenizer in {folder} cannot be read ({one_line(error)}): pip install 'special-hsi[{extra}]', or "
            "fetch it again"
        ) from None


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of a model's weights, in hex."""
    return files.sha256_of(folder / _WEIGHTS[0])


def folder_stamp(name: str) -> str:
    """Return what changes when the weights in a folder do, without reading them; "" where ``name`` is no folder."""
    folder = Path(name).expanduser()
    weights = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin")) if folder.is_dir() else []
    return " ".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in weights)


def _from_hub(repo: str, closed: bool, progress: Progress) -> Path:
    found = cached(repo, _WEIGHTS, None)
    if found is not None and cached(repo, ["config.json"], None) is not None:
        return found.parent
    if closed:
        raise WeightsError(
            f"{repo} is not here and the network is off: go online once, or name a folder with the model in it",
            passing=True,
        )
    try:
        progress.say(f"{repo}: {terms(repo)}; see https://huggingface.co/{repo}")
        fetch_texts(repo)
        return fetch(repo, _WEIGHTS, None, progress).parent
    except Unavailable as reason:
        raise WeightsError(
            f"{repo} could not be fetched ({reason}): name a folder with the model in it", reason.passing
        ) from None
