"""Building open_clip's models and tokenizers, checked first and without an unwanted word to the network."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from special.errors import WeightsError
from special.hub import Unavailable, fetch_texts, hub_closed, one_line
from special.teachers.image_text.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor, nn

Made = TypeVar("Made")


def builder(what: Architecture, shown: str, closed: bool, cache_dir: Path | None = None) -> Callable[[], nn.Module]:
    """Check that a model can give dense features, before anything large is fetched or read; return what builds it.

    Args:
        what: the architecture; its name is one of open_clip's, or ``local-dir:`` and a folder with
            ``open_clip_config.json``, unless it has a configuration.
        shown: what the user calls the model.
        closed: whether the network is off.
        cache_dir: of the hub's client.

    Raises:
        WeightsError: the model cannot be built, or gives no dense features.
    """
    import open_clip
    import torch

    from special.teachers.image_text.dense_features import require_dense

    def build(device: str = "cpu") -> nn.Module:
        with torch.device(device), _quiet():
            if what.config is not None:
                return open_clip.CLIP(**_copied(what.config), quick_gelu=what.quick_gelu)
            return open_clip.create_model(
                what.name,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=what.quick_gelu,
                force_context_length=what.context_length,
                device=device,
            )

    # On the device "meta" a model takes shape without taking memory.
    skeleton: Any = _from_cache_first(
        lambda: build("meta"), f"the model {shown} cannot be built", closed, _texts_of(what.name), cache_dir
    )
    require_dense(skeleton.visual, shown)
    return build


def tokenizer(what: Architecture, closed: bool, cache_dir: Path | None) -> Callable[[list[str]], Tensor]:
    """Return what makes int (texts, length) of texts, for a model as in :func:`builder`, or ``hf-hub:ORG/NAME``.

    Raises:
        WeightsError: it is one from the hub that is not here and cannot be fetched.
    """
    import open_clip

    if what.config is not None:
        return open_clip.SimpleTokenizer(context_length=what.config["text_cfg"]["context_length"])
    folder = None if cache_dir is None else str(cache_dir)
    return _from_cache_first(
        lambda: open_clip.get_tokenizer(what.name, context_length=what.context_length, cache_dir=folder),
        f"the tokenizer of {what.name} cannot be had",
        closed,
        _texts_of(what.name),
        cache_dir,
    )


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}


def _texts_of(name: str) -> list[str]:
    """Return the repositories of the hub that a model's text tower and tokenizer come from."""
    import open_clip

    if name.startswith("hf-hub:"):
        return [name.removeprefix("hf-hub:")]
    if name.startswith("local-dir:"):
        content = json.loads((Path(name.removeprefix("local-dir:")) / "open_clip_config.json").read_text("utf-8"))
        text = content.get("model_cfg", {}).get("text_cfg", {})
    else:
        text = (open_clip.get_model_config(name) or {}).get("text_cfg", {})
    found = [text.get(key) for key in ("hf_model_name", "hf_tokenizer_name")]
    return list(dict.fromkeys(repo for repo in found if repo))


def _from_cache_first(
    make: Callable[[], Made], failure: str, closed: bool, repos: Sequence[str], cache_dir: Path | None
) -> Made:
    """Make something of open_clip's that may want small files from the hub, and look in the cache before asking it.

    Only models with a text tower or tokenizer from the hub do; open_clip's own never ask. What is missing is fetched
    by us, so that open_clip itself never waits for the network.
    """
    try:
        with hub_closed(True):
            return make()
    except Exception as error:
        if closed or not repos:
            raise WeightsError(f"{failure} ({one_line(error)}): go online once, or name ViT-B-16:openai") from error
    try:
        for repo in repos:
            fetch_texts(repo, cache_dir)
        with hub_closed(True):
            return make()
    except Unavailable as reason:
        raise WeightsError(f"{failure} ({reason}): name ViT-B-16:openai", passing=reason.passing) from reason
    except Exception as error:
        raise WeightsError(f"{failure} ({one_line(error)}): name ViT-B-16:openai") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back open_clip's warnings, such as that a model without weights has no weights."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
