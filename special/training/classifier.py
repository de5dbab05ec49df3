"""The classifier of a training: what makes it, as settings choose it, and what it is once trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from special.settings import Settings
from special.training.settings import CubeSettings
from special.training.standardise import Normalisation

if TYPE_CHECKING:
    from torch import Tensor, nn

    from special.classnames.contextual import Meanings
    from special.models.registry import Build, Vectors


@dataclass(frozen=True)
class TrainedClassifier:
    """A trained classifier, whatever it has learned from.

    Attributes:
        model: what predicts, with averaged weights.
        normalisation: what its inputs are standardised with, those of other scenes as well.
        parameters: how many were trained.
    """

    model: nn.Module
    normalisation: Normalisation
    parameters: int

    @property
    def state_dict(self) -> dict[str, Tensor]:
        """The weights, on the CPU: tensors (...) by name."""
        return {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}

    @property
    def extra_entries(self) -> dict[str, Any]:
        """What ``model.json`` says of this kind of classifier beyond what it says of every one, as JSON."""
        return {}


def classifier_of(settings: Settings, meanings: Meanings | Vectors | None) -> Build:
    """Return what makes the classifier that settings choose, of (bands, classes).

    Args:
        settings: of a pipeline.
        meanings: the vectors of the texts about the classes; None for a classifier that reads none.

    Raises:
        SettingsError: there is no such classifier, or one of its settings is out of range.
        LookupError: it reads texts, and was given none.
    """
    from special.models.registry import CLASSIFIERS
    from special.models.settings import ScanSettings

    chosen = CLASSIFIERS.get(settings.values["classifier.name"])
    return chosen.build(settings.build(chosen.settings_type), meanings, settings.build(ScanSettings).backend)


def with_cube_size(settings: Settings) -> Settings:
    """Return settings in which the chosen classifier takes cubes as ``[cubes]`` has them, in side and depth.

    A classifier without the settings ``patch`` and ``components`` keeps its own.

    Raises:
        SettingsError: there is no such classifier, or a value of ``[cubes]`` is out of range.
    """
    from special.models.registry import CLASSIFIERS

    section = CLASSIFIERS.get(settings.values["classifier.name"]).settings_type
    cubes = settings.build(CubeSettings)
    sizes = {"patch": cubes.side, "components": cubes.components}
    if not sizes.keys() <= {field.name for field in dataclasses.fields(section)}:  # type: ignore[arg-type]
        return settings
    return settings.override({f"{section.section}.{name}": value for name, value in sizes.items()})
