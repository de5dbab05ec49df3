"""Ground truth: a label image of the scene's size, 0 where nothing is known. Only ``evaluate`` reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from special.errors import SceneError, damage_of
from special.scene.readers.base import ReadOptions, recognise

# What programs call the number that is no class.
_NO_CLASS = {"", "unclassified", "not classified", "undefined", "unlabelled", "unlabeled", "unknown", "background"}
_NO_CLASS |= {"none", "no data", "nodata", "masked", "masked pixels"}
_AS_IN_A_HEADER = str.maketrans(",{}", ";()")  # an ENVI header can hold none of these in a name


def read_truth(
    path: str | Path,
    shape: tuple[int, int],
    *,
    key: str | None = None,
    reader: str | None = None,
    classes: Sequence[Sequence[str]] = (),
    say: Callable[[str], None] = lambda line: None,
    key_option: str = "--truth-key",
) -> np.ndarray:
    """Read a label image: int32 (rows, cols), 1..K in the order of the class list, 0 = unlabelled.

    Every format that has a reader is read; ``shape`` is the scene's (rows, cols). Of several images in a ``.mat`` file
    the one of that shape is taken, or the one that ``key`` names. ``reader`` names the reader to use, where the
    content of the file shall not decide. Nodata and NaN become 0.

    ``classes`` are the ways to say each class of the list. Where the file names its numbers, they are matched by name,
    and ``say`` is told when that is another order. ``key_option`` is how messages call ``key``.

    Raises:
        SceneError: the file cannot be understood, has another shape, holds something other than labels, or names
            classes that contradict the list.
        SettingsError: there is no such reader.
    """
    path = Path(path)
    found = recognise(path, reader)
    with damage_of(path):
        try:
            labels, nodata = found.labels(path, shape, ReadOptions(key))
        except SceneError as error:
            raise SceneError(str(error).replace("with --key", f"with {key_option}")) from None
        known = _as_labels(labels, nodata, path)
        return _by_name(known, found.class_names(path), classes, path, say) if classes else known


def _as_labels(labels: np.ndarray, nodata: float | None, path: Path) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        raise SceneError(f"{path} holds {labels.dtype} values: the truth must be whole numbers, 0 for unlabelled")
    unknown = np.zeros(labels.shape, dtype=bool) if nodata is None else labels == nodata
    if labels.dtype.kind == "f":
        unknown |= np.isnan(labels)
    known = np.where(unknown, 0, labels)
    if known.min() < 0 or known.max() > 65535 or not np.array_equal(known, np.floor(known)):
        raise SceneError(
            f"{path} holds values from {known.min():g} to {known.max():g}, not labels: "
            "the truth must be whole numbers, 1 for the first class and 0 for unlabelled"
        )
    return known.astype(np.int32)


def _by_name(
    labels: np.ndarray,
    names: Mapping[int, str],
    classes: Sequence[Sequence[str]],
    path: Path,
    say: Callable[[str], None],
) -> np.ndarray:
    """Labels (rows, cols) with the numbers of the class list, where the file says what its own numbers mean."""
    numbers = {_plain(text): number for number, texts in enumerate(classes, start=1) for text in texts}
    # A zero that no name makes a class is unlabelled in every file.
    present = [int(n) for n in np.unique(labels) if n != 0 or _is_class(names.get(0, ""), numbers)]
    table = {}
    for number in present:
        name = _plain(names.get(number, ""))
        if name in numbers:
            table[number] = numbers[name]
        elif name in _NO_CLASS and number in names:
            table[number] = 0
    unmatched = [number for number in present if number not in table]
    strange = _few([f"{n} ({names[n]})" if n in names else str(n) for n in unmatched])
    if any(number != k and k != 0 for number, k in table.items()):
        if unmatched:
            raise SceneError(
                f"{path} names its classes in another order than the class list, which lacks {strange}: "
                "give every class of the file a name of the list, or a synonym in it"
            )
        meant = _few([f"{number} is {names[number]}, class {k} of the list" for number, k in table.items()])
        say(f"{path} names its classes, so they are matched by name: {meant}")
    elif unmatched and names:
        say(f"{path} has classes that the class list does not name, {strange}: they go by their numbers")
    renumbered = np.arange(labels.max() + 1, dtype=np.int32)
    for number, k in table.items():
        renumbered[number] = k
    return renumbered[labels]


def _plain(name: str) -> str:
    return " ".join(name.casefold().translate(_AS_IN_A_HEADER).split())


def _is_class(name: str, numbers: Mapping[str, int]) -> bool:
    return _plain(name) in numbers and _plain(name) not in _NO_CLASS


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")
