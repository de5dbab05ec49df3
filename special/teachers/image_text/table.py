"""open_clip's own table of architectures and published weights."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

from special.errors import SettingsError, WeightsError
from special.teachers.image_text.checkpoint import Evidence, file_sha256


def known_architecture(name: str) -> str:
    """Return an architecture's name as open_clip writes it.

    Raises:
        SettingsError: open_clip has none of that name; near ones are offered.
    """
    import open_clip

    architecture = name.replace("/", "-")
    if architecture not in open_clip.list_models():
        close = difflib.get_close_matches(architecture, open_clip.list_models(), 3, 0.4) or ["ViT-B-16"]
        raise SettingsError(f"open_clip has no architecture {name!r}: name another, such as {', '.join(close)}")
    return architecture


def tag_of(architecture: str, source: str) -> dict[str, Any] | None:
    """Return open_clip's entry for a tag, or None when ``source`` must be a file.

    Raises:
        WeightsError: it is neither.
    """
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    entry = get_pretrained_cfg(architecture, source)
    if entry or Path(source).expanduser().exists() or any(mark in source for mark in "/\\."):
        return entry or None
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    offer = f"one of {', '.join(tags)}, or the path of a checkpoint" if tags else "the path of a checkpoint"
    raise WeightsError(f"{architecture} has no published weights {source!r}: expected {offer}")


def openai_file(tag: dict[str, Any], cache_dir: Path | None) -> Path | None:
    """Return OpenAI's own file of these weights, where its package or an older open_clip left one."""
    path = (cache_dir or Path.home() / ".cache" / "clip") / tag.get("url", "").rsplit("/", 1)[-1]
    # Part of a download has another hash; such a file is passed over.
    return path if "openaipublic" in tag.get("url", "") and path.is_file() and file_sha256(path) in tag["url"] else None


def with_preprocessing(evidence: Evidence, architecture: str) -> Evidence:
    """Fill in the mean and standard deviation that an architecture's published weights share; OpenAI's otherwise."""
    import open_clip
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.pretrained import get_pretrained_cfg

    if evidence.mean is not None and evidence.std is not None:
        return evidence
    tags = [get_pretrained_cfg(architecture, tag) for tag in open_clip.list_pretrained_tags_by_model(architecture)]
    pairs = {(tag["mean"], tag["std"]) for tag in tags}
    mean, std = pairs.pop() if len(pairs) == 1 else (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
    return replace(evidence, mean=mean, std=std)
