"""What every training takes from its section of a pipeline file."""

from __future__ import annotations

from dataclasses import dataclass

from special.errors import SettingsError


@dataclass(frozen=True)
class ScheduleSettings:
    """What ``[warmup]``, ``[refine]`` and ``[fit]`` share; ``pipelines/special.toml`` says what each value means.

    Raises:
        SettingsError: a value is out of its range.
    """

    epochs: int
    steps: int
    learning_rate: float
    weight_decay: float
    clip: float
    average: float
    pixels_per_class: int
    balance: float
    tile: int
    overlap: int
    views: int

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "pixels_per_class", "tile", "views"):
            self.require(name, 1, 8 if name == "views" else None)
        for name in ("balance", "average"):
            self.require(name, 0, 1)
        for name in ("learning_rate", "weight_decay", "clip"):
            self.require(name, 0)
        self.require("overlap", 0, self.tile - 1)

    def require(self, name: str, low: float, high: float | None = None) -> None:
        """Raise where the value of ``name`` lies outside ``low`` .. ``high``.

        Raises:
            SettingsError: it does.
        """
        value = getattr(self, name)
        if value < low or (high is not None and value > high):
            section = type(self).__name__.removesuffix("Settings").lower()
            wanted = f"{low} or more" if high is None else f"{low} to {high}"
            raise SettingsError(f"{section}.{name} must be {wanted}, not {value}")


@dataclass(frozen=True)
class TrainSettings(ScheduleSettings):
    """The settings that ``[warmup]`` and ``[refine]`` share: they learn from labels that may be wrong.

    Raises:
        SettingsError: a value is out of its range.
    """

    guide: float
    anchor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("guide", 0)
        self.require("anchor", 0, 1)
