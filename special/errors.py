"""One root exception: what the person at the keyboard did, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST_REASON = 160


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


class SystemTrouble(SpecialError):
    """The machine, its disks or its memory would not do what was asked of them."""


def trouble(error: OSError | MemoryError) -> SystemTrouble:
    """Return what the system has refused as one line with what to do; what was done before stays in any case."""
    if isinstance(error, MemoryError):
        return SystemTrouble(
            "there is not enough memory: close other programs, cut the scene into parts, or use a larger machine"
        )
    where = str(error.filename) if error.filename is not None else "a file"
    reason = error.strerror or str(error) or type(error).__name__
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return SystemTrouble(f"no room left for {where} ({reason}): make room, then the same command goes on")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return SystemTrouble(f"{where} cannot be used ({reason}): change its permissions, or name another place")
        case errno.EIO | errno.ESTALE | errno.ENXIO | errno.ENODEV:
            return SystemTrouble(
                f"{where} cannot be read or written ({reason}): its disk or its network may be failing; "
                "once it is back, the same command goes on"
            )
        case errno.ENOENT | errno.ENOTDIR | errno.EISDIR:
            return SystemTrouble(
                f"{where} is not there or of another kind ({reason}): make its folder, or name another"
            )
        case errno.EMFILE | errno.ENFILE | errno.EAGAIN | errno.ENOMEM:
            return SystemTrouble(
                f"the system has reached a limit ({reason}): close other programs or raise it (ulimit)"
            )
    return SystemTrouble(f"{where} cannot be used ({reason}): name another place, or try again")


class DamagedError(SpecialError, ValueError):
    """A file that special has written holds something else now. Also a ``ValueError``, as its content is."""


@contextmanager
def damage_of(path: str | Path | None, kind: type[SpecialError] = SceneError) -> Iterator[None]:
    """Within the block, whatever cannot be understood of a file is an error of one ``kind`` about ``path``.

    Formats and their libraries have more ways to fail than anybody can list; what the system refuses (an ``OSError``
    with a number, too little memory) stays what it is.

    Raises:
        SpecialError: of the ``kind``.
    """
    try:
        yield
    except (SpecialError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = " ".join(str(error).split())[:_LONGEST_REASON] or "no reason given"
        raise kind(
            f"{path or 'the array'} cannot be understood ({type(error).__name__}: {said}): it may be damaged, fetch or "
            "write it again"
        ) from error
