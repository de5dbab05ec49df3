"""What class names mean in the context of their descriptions, by any BERT-like encoder.

An encoder is named: ``minilm``, which comes with the package; a folder with a model in it; or a name on the Hugging
Face hub, such as ``bert-base-uncased``, which is taken from this machine where it is, and else fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.encoder import MINILM_SHA256, SentenceEncoder, minilm_folder
from special.errors import WeightsError
from special.hub import Unavailable, fetch, fetch_texts, hub_closed, hub_is_closed, one_line, refuse_endless
from special.progress import SILENT, Progress

DEFAULT = "minilm"
_LONGEST_REASON = 160
Paragraphs = Sequence[Sequence[str]]
"""For every class, in class order, its descriptions."""


class ContextEncoder:
    """Token vectors of texts of any length, in windows of what the model can read at once.

    Args:
        name: see the module's docstring.
        offline: never ask the network.
        progress: told of a download.
    """

    def __init__(self, name: str = DEFAULT, offline: bool = True, progress: Progress = SILENT) -> None:
        self.name = name
        self._offline = offline
        self._progress = progress
        if name == DEFAULT:
            SentenceEncoder(expected_sha256=MINILM_SHA256)  # checks that the weights are whole

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        """The tokenizer and the model.

        Raises:
            WeightsError: they cannot be had.
        """
        where = self._where()
        if isinstance(where, Path):
            try:
                return _load(where)
            except Exception as error:  # there is nothing that a damaged model cannot lead its libraries to
                raise WeightsError(
                    f"the folder {self.name} holds no text encoder that transformers can read: "
                    f"{one_line(error)[:_LONGEST_REASON]}"
                ) from None
        with contextlib.suppress(OSError, ValueError):
            return _load(where)
        reason = "it is not on this machine, and the network was not to be asked"
        if not (self._offline or hub_is_closed()):
            try:
                _fetch(where, self._progress)
                return _load(where)
            except (Unavailable, OSError, ValueError) as error:
                reason = f"it is not on this machine, and could not be fetched: {one_line(error)}"
        raise WeightsError(
            f"there is no text encoder {self.name!r}: {reason}; name {DEFAULT}, or a folder with a model in it"
        )

    def _where(self) -> Path | str:
        if self.name == DEFAULT:
            return minilm_folder()
        return Path(self.name) if Path(self.name).is_dir() else self.name

    @cached_property
    def sha256(self) -> str:
        """A hash of the weights.

        Raises:
            WeightsError: they cannot be had.
        """
        if self.name == DEFAULT:
            return MINILM_SHA256
        digest = hashlib.sha256()
        for name, tensor in sorted(self._parts[1].state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def parameters(self) -> int:
        """How many parameters the model has, all of them frozen."""
        return sum(parameter.numel() for parameter in self._parts[1].parameters())

    def windows(self, text: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return, window by window, the last layer's token vectors (tokens, dimensions) and their places (tokens, 2).

        A place is the token's first and last letter (exclusive) in ``text``; special tokens are left out.
        """
        tokenizer, model = self._parts
        try:
            found = _read(tokenizer, model, text)
        except Exception as error:  # its tokenizer, its sizes and its weights may not fit one another
            raise WeightsError(
                f"the text encoder {self.name} cannot read {text[:40]!r} ({one_line(error)[:_LONGEST_REASON]}): "
                f"name {DEFAULT}, or save it again"
            ) from None
        if not all(len(states) and np.isfinite(states).all() for states, _ in found):
            raise WeightsError(
                f"the text encoder {self.name} makes no numbers of {text[:40]!r}: name {DEFAULT}, or save it again"
            )
        return found

    def label_embeddings(self, classes: ClassList, paragraphs: Paragraphs) -> np.ndarray:
        """Return the mean of each class name's tokens over the class's descriptions: float32 (classes, dimensions).

        Every description begins with the name, so that each one counts. A class without descriptions is its name.
        Source: S3FN (arXiv 2510.07556), label semantics.

        Raises:
            WeightsError: the encoder cannot be had.
        """
        embeddings = []
        for entry, own in zip(classes, paragraphs, strict=True):
            vectors = []
            for text in _introduced(entry.name, own):
                for states, places in self.windows(text):
                    vectors.append(states[_of_name(entry.name, text, places)])
            own_tokens = np.concatenate(vectors)
            if not len(own_tokens):
                raise WeightsError(
                    f"the text encoder {self.name} finds no token of {entry.name!r}: name {DEFAULT}, or save it again"
                )
            embeddings.append(own_tokens.mean(axis=0))
        return np.stack(embeddings).astype(np.float32)

    def anchors(self, classes: ClassList, paragraphs: Paragraphs) -> list[np.ndarray]:
        """Return the embedding of each description: for every class float32 (descriptions, dimensions), unit vectors.

        The embedding of a text is the mean of its tokens. A class without descriptions has its name and synonyms.

        Raises:
            WeightsError: the encoder cannot be had.
        """
        result = []
        for entry, own in zip(classes, paragraphs, strict=True):
            texts = _introduced(entry.name, own) if own else entry.texts
            means = [np.concatenate([states for states, _ in self.windows(text)]).mean(axis=0) for text in texts]
            result.append(np.stack([mean / np.linalg.norm(mean) for mean in means]).astype(np.float32))
        return result


@dataclass(frozen=True)
class Meanings:
    """Descriptions and their encoder; the vectors are made when they are first asked for."""

    classes: ClassList
    paragraphs: tuple[tuple[str, ...], ...]
    encoder: ContextEncoder

    @cached_property
    def labels(self) -> np.ndarray:
        """The class names in context: float32 (classes, dimensions)."""
        return self.encoder.label_embeddings(self.classes, self.paragraphs)

    @cached_property
    def anchors(self) -> list[np.ndarray]:
        """The descriptions: for every class float32 (descriptions, dimensions), unit vectors."""
        return self.encoder.anchors(self.classes, self.paragraphs)

    def record(self) -> dict[str, Any]:
        """Return what was read and by whom, as JSON."""
        return {
            "encoder": self.encoder.name,
            "sha256": self.encoder.sha256,
            "paragraphs": [list(paragraphs) for paragraphs in self.paragraphs],
        }


def _load(where: Path | str) -> tuple[Any, Any]:
    """Return the tokenizer and the model, from this machine alone; no code that lies beside them is run.

    Raises:
        ValueError: the weights lack some that the configuration asks for. Or whatever the libraries raise.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    if isinstance(where, Path):
        refuse_endless(where)
    with hub_closed(True):
        tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=True, use_fast=True, trust_remote_code=False)
        model, report = AutoModel.from_pretrained(
            where, local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    # A tensor that is made up at random would give vectors that mean nothing, without a word; the pooler is not used.
    if missing := sorted(name for name in report["missing_keys"] if "pooler" not in name):
        raise ValueError(f"the weights lack {len(missing)} tensors ({missing[0]})")
    return tokenizer, model.eval()


def _read(tokenizer: Any, model: Any, text: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what ``ContextEncoder.windows`` does."""
    import torch

    most = min(512, int(tokenizer.model_max_length), int(getattr(model.config, "max_position_embeddings", 512)))
    most = min(510, most - 2)  # RoBERTa keeps two positions for itself
    read = tokenizer(
        text,
        truncation=True,
        max_length=most,
        stride=min(64, most // 4),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    found = []
    for number in range(len(read["input_ids"])):
        with torch.inference_mode():
            states = model(
                input_ids=torch.tensor([read["input_ids"][number]]),
                attention_mask=torch.tensor([read["attention_mask"][number]]),
            ).last_hidden_state[0]
        plain = np.array(read["special_tokens_mask"][number]) == 0
        found.append((states.float().numpy()[plain], np.array(read["offset_mapping"][number])[plain]))
    return found


def _fetch(repo: str, progress: Progress) -> None:
    """Fetch a model into the hub's own cache: its weights, then the small files beside them.

    Raises:
        Unavailable: the hub does not answer, or has no such model.
    """
    fetch(repo, ("model.safetensors",), None, progress)
    fetch_texts(repo)


def _introduced(name: str, paragraphs: Sequence[str]) -> list[str]:
    plain = " ".join(name.replace("_", " ").split())
    return [f"{plain}: {paragraph}" for paragraph in paragraphs] or [plain]


def _of_name(name: str, text: str, places: np.ndarray) -> np.ndarray:
    """Return which tokens belong to the class name, bool (tokens,); a window may have none."""
    pattern = r"\s+".join(re.escape(word) for word in name.replace("_", " ").split())
    spans = [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
    inside = np.zeros(len(places), dtype=bool)
    for first, last in spans:
        inside |= (places[:, 0] < last) & (places[:, 1] > first)
    return inside
