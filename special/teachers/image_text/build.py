"""Building open_clip's models and tokenizers, checked first and without an unwanted word to the network."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from special.errors import WeightsError
from special.hub import CONTACT_SECONDS, STALL_SECONDS, Unavailable, answer, hub_closed, one_line

if TYPE_CHECKING:
    from torch import Tensor, nn

Made = TypeVar("Made")


def builder(model_name: str, shown: str, closed: bool, quick_gelu: bool = False) -> Callable[[], nn.Module]:
    """Check that a model can give dense features, before anything large is fetched or read; return what builds it.

    Args:
        model_name: one of open_clip's names, or ``local-dir:`` and a folder with ``open_clip_config.json``.
        shown: what the user calls the model.
        closed: whether the network is off.
        quick_gelu: whether the weights want QuickGELU even if the architecture does not say so.

    Raises:
        WeightsError: the model cannot be built, or is not a plain vision transformer.
    """
    import open_clip
    import torch

    from special.teachers.image_text.dense_features import require_dense

    def build(device: str = "cpu") -> nn.Module:
        with torch.device(device), _quiet():
            return open_clip.create_model(
                model_name, load_weights=False, pretrained_text=False, force_quick_gelu=quick_gelu, device=device
            )

    # On the device "meta" a model takes shape without taking memory.
    skeleton: Any = _from_cache_first(
        lambda: build("meta"), f"the model {shown} cannot be built", closed, CONTACT_SECONDS
    )
    require_dense(skeleton.visual, shown)
    return build


def tokenizer(model_name: str, closed: bool, cache_dir: Path | None) -> Callable[[list[str]], Tensor]:
    """Return what makes int (texts, length) of texts, for a model named as in :func:`builder` or ``hf-hub:ORG/NAME``.

    Raises:
        WeightsError: it is one from the hub that is not here and cannot be fetched.
    """
    import open_clip

    folder = None if cache_dir is None else str(cache_dir)
    return _from_cache_first(
        lambda: open_clip.get_tokenizer(model_name, cache_dir=folder),
        f"the tokenizer of {model_name} cannot be had",
        closed,
        STALL_SECONDS,
    )


def _from_cache_first(make: Callable[[], Made], failure: str, closed: bool, patience: float) -> Made:
    """Make something of open_clip's that may want small files from the hub, and look in the cache before asking it.

    Only models with a text tower or tokenizer from the hub do; open_clip's own never ask.
    """
    try:
        with hub_closed(True):
            return make()
    except Exception as error:
        if closed:
            raise WeightsError(f"{failure} ({one_line(error)}): go online once, or name ViT-B-16:openai") from error
    try:
        return answer(make, patience)
    except Unavailable as reason:
        raise WeightsError(f"{failure} ({reason}): name ViT-B-16:openai") from reason


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back open_clip's warnings, such as that a model without weights has no weights."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
