"""One root exception: what the person at the keyboard did, and what to do about it."""

from __future__ import annotations


class SpecialError(Exception):
    """Something the user can mend. The message is one line: what was wrong, what was expected, what to do.

    The command line prints the message and exits with code 2; Python callers can catch this one class.
    """


class SceneError(SpecialError):
    """A scene, its wavelengths or its ground truth could not be understood."""


class ClassListError(SpecialError):
    """A class list could not be understood."""


class AnswersError(SpecialError):
    """Answers, or labels of another kind, could not be understood or are not about the scene."""


class SettingsError(SpecialError):
    """A pipeline file, ``--set`` or another setting could not be understood."""


class RunError(SpecialError):
    """A run directory is missing, busy, damaged, or belongs to something else."""


class WeightsError(SpecialError):
    """Model weights could not be fetched, read, or do not fit the model.

    ``passing`` says whether the same may go well another time, as after a fault of the network.
    """

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class TrainingError(SpecialError):
    """Training cannot go on: for instance the loss is no longer finite."""


class DescriptionError(SpecialError):
    """Descriptions of classes could not be understood."""


class LanguageModelError(SpecialError):
    """A language model could not be reached, or what it wrote cannot be used."""


class BatchError(SpecialError):
    """A list of scenes could not be understood, or there is nobody to work on them."""


class PluginError(SpecialError):
    """A distribution that adds a reader, a teacher or a classifier is broken."""
