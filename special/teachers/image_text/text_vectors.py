"""Class texts in the space of an image-text model, one vector a name, and how near features are to them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from special.classnames.prompts import fill
from special.progress import SILENT, Progress
from special.storage import files
from special.teachers.image_text.class_texts import ClassText

_TEXTS_AT_ONCE = 128


def name_embeddings(
    model: Any,
    tokenizer: Callable[[list[str]], Tensor],
    names: Sequence[str],
    templates: Sequence[str],
    progress: Progress = SILENT,
) -> Tensor:
    """Return one unit vector per name, (names, D): the mean of its unit vectors in all templates, normalised again.

    This is the prompt ensemble of CLIP (Radford et al. 2021, section 3.1.4).
    """
    texts = [fill(template, name) for name in names for template in templates]
    progress.begin("class texts", len(texts))
    each = embed(model, tokenizer, texts, progress)
    progress.end()
    return F.normalize(each.reshape(len(names), len(templates), -1).mean(dim=1), dim=-1)


def text_vectors(
    model: Any,
    tokenizer: Callable[[list[str]], Tensor],
    texts: Sequence[ClassText],
    templates: Sequence[str],
    concept_weight: float,
    progress: Progress = SILENT,
) -> Tensor:
    """Return one unit vector per text, (texts, D): its own, moved towards the mean of what the concept table adds.

    ``concept_weight``: the share of the table's synonyms and of its sentence. There are many synonyms, so each is put
    into the last template alone; the sentence is read as it stands.
    """
    phrases = list(dict.fromkeys(one.text for one in texts))
    known = dict(zip(phrases, name_embeddings(model, tokenizer, phrases, templates, progress), strict=True))
    added = [[*(fill(templates[-1], word) for word in one.synonyms), *filter(None, [one.sentence])] for one in texts]
    more = list(dict.fromkeys(text for some in added for text in some))
    vectors_of = dict(zip(more, embed(model, tokenizer, more), strict=True)) if more else {}
    vectors = []
    for one, some in zip(texts, added, strict=True):
        own = known[one.text]
        if some:
            own = (1 - concept_weight) * own + concept_weight * torch.stack([vectors_of[text] for text in some]).mean(0)
        vectors.append(F.normalize(own, dim=-1))
    return torch.stack(vectors)


def kept_embeddings(folder: Path | None, made_of: Any, make: Callable[[], Tensor]) -> Tensor:
    """Return what ``make`` returns, (names, D) on the CPU, from ``folder`` where an earlier run has left it.

    Args:
        folder: the cache; None keeps nothing. One that cannot be written to, or what is damaged in it, is no matter.
        made_of: JSON of all that decides the vectors: the model's identity, names, templates, device.
        make: makes them.
    """
    if folder is None:
        return make().cpu()
    path = folder / f"{files.digest(made_of)}.npy"
    try:
        found = files.load_array(path)
        if found.ndim == 2 and np.isfinite(found).all():
            return torch.from_numpy(found)
    except (OSError, ValueError, EOFError):
        pass
    vectors = make().cpu()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.new")
        with partial.open("wb") as file:
            np.save(file, vectors.numpy(), allow_pickle=False)
        os.replace(partial, path)
    return vectors


def class_probabilities(features: Tensor, texts: Tensor, owners: Tensor, logit_scale: float) -> Tensor:
    """Turn features into class probabilities; a class is as likely as the best of its names.

    Synonyms are pooled by their maximum before the softmax over classes, so a class neither gains nor loses by saying
    the same thing twice.

    Args:
        features: unit vectors (..., D).
        texts: unit vectors (T, D).
        owners: int (T,), the class of each text; every class 0..K-1 has one or more.
        logit_scale: what cosines are multiplied by.

    Returns:
        (..., K), sums to 1.
    """
    similarity = logit_scale * features @ texts.T
    pooled = similarity.new_full((*similarity.shape[:-1], int(owners.max()) + 1), -torch.inf)
    pooled = pooled.scatter_reduce(-1, owners.expand_as(similarity), similarity, "amax")
    return pooled.softmax(dim=-1)


@torch.inference_mode()
def embed(
    model: Any, tokenizer: Callable[[list[str]], Tensor], texts: Sequence[str], progress: Progress = SILENT
) -> Tensor:
    """Return one unit vector per text, (texts, D)."""
    tokens = tokenizer(list(texts)).to(model.logit_scale.device)
    short = _reads_left_to_right(model)
    # The end-of-text token has the highest number.
    lengths = tokens.argmax(dim=-1) + 1 if short else torch.full_like(tokens[:, 0], tokens.shape[1])
    order = lengths.argsort()
    vectors = []
    for at in order.split(_TEXTS_AT_ONCE):
        some = tokens[at, : int(lengths[at].max())]
        vectors.append(F.normalize(_encode_short(model, some) if short else model.encode_text(some), dim=-1))
        progress.advance(len(at))
    return torch.cat(vectors)[order.argsort()]


def _reads_left_to_right(model: Any) -> bool:
    """Whether the text tower is CLIP's own: causal, and read out at the end-of-text token."""
    import open_clip

    return type(model) is open_clip.CLIP and model.attn_mask is not None and model.text_pool_type == "argmax"


def _encode_short(model: Any, tokens: Tensor) -> Tensor:
    """Encode (texts, length) tokens without the padding to the model's full context that ``encode_text`` insists on.

    A causal tower's end-of-text token never sees what stands behind it, so the result is the same, and a dozen words
    cost a sixth of 77.
    """
    length = tokens.shape[1]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(tokens), device=x.device), tokens.argmax(dim=-1)]
    projection = model.text_projection
    if projection is None:
        return x
    return projection(x) if isinstance(projection, nn.Module) else x @ projection
