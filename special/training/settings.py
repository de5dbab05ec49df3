"""What every training takes from its section of a pipeline; ``pipelines/special.toml`` says what each value means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from special.errors import SettingsError
from special.settings import OneOf, Within


@dataclass(frozen=True)
class OptimiserSettings:
    """The settings of the one training loop, whatever it learns from."""

    section: ClassVar[str]

    epochs: Annotated[int, Within(1, 100_000)]
    steps: Annotated[int, Within(1, 100_000)]
    learning_rate: Annotated[float, Within(0)]
    weight_decay: Annotated[float, Within(0)]
    max_grad_norm: Annotated[float, Within(above=0)]
    ema_decay: Annotated[float, Within(0, 1)]
    balance: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class SceneTrainingSettings(OptimiserSettings):
    """What ``[warmup]``, ``[refine]`` and ``[fit]`` share: they learn from the pixels of one scene, tile by tile."""

    pixels_per_class: Annotated[int, Within(1)]
    tile: Annotated[int, Within(1, 65_536)]
    overlap: Annotated[int, Within(0, below="tile")]
    views: Annotated[int, Within(1, 8)]


@dataclass(frozen=True)
class NoisyLabelSettings(SceneTrainingSettings):
    """What ``[warmup]`` and ``[refine]`` share: they learn from labels that may be wrong."""

    bvsb_power: Annotated[float, Within(0, 100)]
    prior_weight: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class FitSettings(SceneTrainingSettings):
    """The ``[fit]`` section: training on labels that are taken for true."""

    section: ClassVar[str] = "fit"


@dataclass(frozen=True)
class SplitSettings:
    """The ``[split]`` section: which labelled pixels are learned from.

    Raises:
        SettingsError: not exactly one of ``per_class`` and ``fraction`` is 0.
    """

    section: ClassVar[str] = "split"

    kind: Annotated[str, OneOf(("random", "disjoint"))]
    per_class: Annotated[int, Within(0)]
    fraction: Annotated[float, Within(0, below=1)]
    gap: Annotated[int, Within(0, 10_000)]

    def __post_init__(self) -> None:
        require_one_amount(self.section, self.per_class, self.fraction, "pixels")


@dataclass(frozen=True)
class CubeSettings(OptimiserSettings):
    """The ``[cubes]`` section: training on images that show one thing each.

    Raises:
        SettingsError: not exactly one of ``per_class`` and ``fraction`` is 0.
    """

    section: ClassVar[str] = "cubes"

    side: Annotated[int, Within(1, 1024)]
    components: Annotated[int, Within(1, 1000)]
    per_class: Annotated[int, Within(0)]
    fraction: Annotated[float, Within(0, 1)]
    cubes_per_class: Annotated[int, Within(1, 10_000)]
    votes: Annotated[int, Within(1, 100_000)]

    def __post_init__(self) -> None:
        require_one_amount(self.section, self.per_class, self.fraction, "images")


def require_one_amount(section: str, per_class: int, fraction: float, what: str) -> None:
    """Make sure that one of two ways to say how much is learned from is in use.

    Raises:
        SettingsError: both are, or none.
    """
    if (per_class > 0) == (fraction > 0):
        raise SettingsError(
            f"{section}.per_class is {per_class} and {section}.fraction {fraction}: one of them must be 0, "
            f"for either so many {what} of every class are learned from, or such a share"
        )
