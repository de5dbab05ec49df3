"""A classifier as small as one can be: the logits of a pixel are linear in its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from special.models.registry import Classifier, Ingredients
from special.settings import Within

if TYPE_CHECKING:
    from special.models.registry import Build


@dataclass(frozen=True)
class LinearSettings:
    """The section ``[linear]``. ``band_dropout``: the share of the bands that a step of the training does not see."""

    section: ClassVar[str] = "linear"

    band_dropout: Annotated[float, Within(0, below=1)] = 0.1


def _make(given: Ingredients) -> Build:
    from special_linear.network import LinearPixels

    return lambda bands, classes: LinearPixels(bands, classes, given.settings)


LINEAR = Classifier("linear", LinearSettings, _make, pipeline=Path(__file__).with_name("linear.toml"))
