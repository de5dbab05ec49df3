"""Ground truth: a label image of the scene's size, 0 where nothing is known. Only ``evaluate`` reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from special.errors import SceneError, damage_of
from special.scene.alignment import align, has_place
from special.scene.readers.base import ReadOptions, recognise
from special.scene.source import Georeference

_CUSTOMARY = (255, 65535)  # no data, in programs that do not say so
# What programs call the number that is no class.
_NO_CLASS = {"", "unclassified", "not classified", "undefined", "unlabelled", "unlabeled", "unknown", "background"}
_NO_CLASS |= {"none", "no data", "nodata", "masked", "masked pixels"}
_AS_IN_A_HEADER = str.maketrans(",{}", ";()")  # an ENVI header can hold none of these in a name


def read_truth(
    path: str | Path,
    shape: tuple[int, int],
    *,
    place: Georeference | None = None,
    key: str | None = None,
    reader: str | None = None,
    classes: Sequence[Sequence[str]] = (),
    colours: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
    key_option: str = "--truth-key",
) -> np.ndarray:
    """Read a label image: int32 (rows, cols), 1..K in the order of the class list, 0 = unlabelled.

    Every format that has a reader is read; ``shape`` is the scene's (rows, cols). Where the scene has a ``place`` and
    the image has one too, it is laid on the scene by them, which ``say`` is told where that is more than pixel on
    pixel; else it has the scene's shape. Of several images in a ``.mat`` file the one of that shape is taken, or the
    one that ``key`` names. ``reader`` names the reader to use, where the content of the file shall not decide. Nodata,
    and NaN become 0; with ``classes``, so do a number below 0, and 255 or 65535 where the list is not so long.

    ``classes`` are the ways to say each class of the list. Where the file names its numbers, they are matched by name,
    and ``say`` is told when that is another order; where it has but colours, by ``colours`` of the list, ``#rrggbb``.
    ``key_option`` is how messages call ``key``.

    Raises:
        SceneError: the file cannot be understood, has another shape or lies elsewhere, holds something other than
            labels, or names classes that contradict the list.
        SettingsError: there is no such reader.
    """
    path = Path(path)
    found = recognise(path, reader)
    with damage_of(path):
        source = found.placed_labels(path, ReadOptions(key)) if has_place(place) else None
        if source is not None and place is not None:
            laid = align(source, shape, place)
            if laid.how:
                say(f"{path} is laid on the scene by its place on the map: {laid.how}")
            known, unknown = _as_labels(laid.labels, source.nodata, path, len(classes), say, laid.inside)
        else:
            try:
                labels, nodata = found.labels(path, shape, ReadOptions(key))
            except SceneError as error:
                raise SceneError(str(error).replace("with --key", f"with {key_option}")) from None
            known, unknown = _as_labels(labels, nodata, path, len(classes), say)
        if not classes:
            return known
        names = found.class_names(path)
        if not names and all(colours) and (shown := found.class_colours(path)):
            names = _named_by_colour(shown, classes, colours)
        if not names:
            _tell_of_zero(known[~unknown], bool(unknown.any()), len(classes), path, say)
        return np.where(unknown, 0, _by_name(known, unknown, names, classes, path, say))


def _named_by_colour(
    shown: Mapping[int, str], classes: Sequence[Sequence[str]], colours: Sequence[str]
) -> dict[int, str]:
    """The names of numbers by the colours that a file and the class list show them in, where all classes have one."""
    names = {colour.lower(): texts[0] for colour, texts in zip(colours, classes, strict=True)}
    found = {number: names[colour.lower()] for number, colour in shown.items() if colour.lower() in names}
    return found if len(names) == len(classes) and sorted(found.values()) == sorted(names.values()) else {}


def _as_labels(
    labels: np.ndarray,
    nodata: float | None,
    path: Path,
    count: int,
    say: Callable[[str], None],
    inside: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels int32 (rows, cols), 0 where nothing is known, and where that is, bool (rows, cols), of what is stored.

    ``count`` is that of the classes, or 0.
    """
    if labels.dtype.kind not in "biuf":
        raise SceneError(f"{path} holds {labels.dtype} values: the truth must be whole numbers, 0 for unlabelled")
    unknown = np.zeros(labels.shape, dtype=bool) if inside is None else ~inside
    if nodata is not None:
        unknown |= labels == nodata
    if labels.dtype.kind == "f":
        unknown |= np.isnan(labels)
    below = np.unique(labels[(labels < 0) & ~unknown])
    customary = [float(value) for value in _CUSTOMARY if 0 < count < value]
    custom = [value for value in customary if (labels[~unknown] == value).any()]
    custom += [float(below[0])] if count and len(below) == 1 else []
    for value in custom:
        unknown |= labels == value
    if custom:
        listed = " and ".join(f"{value:g}" for value in custom)
        say(f"{path} has {listed}, which is no class: such pixels count as unlabelled")
    known = np.where(unknown, 0, labels)
    if known.min() < 0 or known.max() > 65535 or not np.array_equal(known, np.floor(known)):
        raise SceneError(
            f"{path} holds values from {known.min():g} to {known.max():g}, not labels: "
            "the truth must be whole numbers, 1 for the first class and 0 for unlabelled"
        )
    return known.astype(np.int32), unknown


def _tell_of_zero(known: np.ndarray, others: bool, count: int, path: Path, say: Callable[[str], None]) -> None:
    """Say so where numbers (n,) are as many as the ``count`` classes and begin at 0, and ``others`` mean no data."""
    if others and known.size and known.min() == 0 and 0 < count == len(np.unique(known)) > known.max():
        say(
            f"{path} has the numbers 0 to {count - 1} and another for no data, so it may count its classes from 0: "
            "0 is taken for unlabelled, and each number for the class before it; if so, add 1 to them"
        )


def _by_name(
    labels: np.ndarray,
    unknown: np.ndarray,
    names: Mapping[int, str],
    classes: Sequence[Sequence[str]],
    path: Path,
    say: Callable[[str], None],
) -> np.ndarray:
    """Labels (rows, cols) with the numbers of the class list, where the file says what its own numbers mean."""
    numbers = {_plain(text): number for number, texts in enumerate(classes, start=1) for text in texts}
    # A zero that no name makes a class is unlabelled in every file.
    present = [int(n) for n in np.unique(labels[~unknown]) if n != 0 or _is_class(names.get(0, ""), numbers)]
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
    return " ".join(name.casefold().translate(_AS_IN_A_HEADER).replace("_", " ").replace("-", " ").split())


def _is_class(name: str, numbers: Mapping[str, int]) -> bool:
    return _plain(name) in numbers and _plain(name) not in _NO_CLASS


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")
