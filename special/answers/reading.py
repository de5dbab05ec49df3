"""Answers, and labels of every kind, as people have them: tables, points, polygons, label images."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from special.answers import tables, vectors
from special.answers.answers import NO_ANSWER, NONE_OF_THESE, Answers
from special.answers.grid import Grid, Said
from special.answers.identity import compare
from special.classnames.class_list import ClassList
from special.classnames.draft import REST
from special.errors import AnswersError, damage_of

NONE_TEXTS = frozenset({"none of these", "none of them", "none"})
NO_ANSWER_TEXTS = frozenset({"mixed", "i don't know", "don't know", "i do not know", "do not know", "unknown", "?"})
"""What is said where there is no class to say; a class of that name comes first."""

_STRANGE = -9  # no class of the list
_NOTHING = -8  # the place is still open
_FEW = 4


def is_raster(given: str | Path | np.ndarray) -> bool:
    """Whether labels are an image (rows, cols), not a table or vectors.

    Raises:
        AnswersError: there is no such file.
    """
    if isinstance(given, np.ndarray):
        return True
    path = Path(given)
    head = _head(path)
    return not (vectors.recognises(path, head) or tables.recognises(path, head))


def read_answers(
    given: str | Path | np.ndarray,
    grid: Grid,
    classes: ClassList,
    *,
    key: str | None = None,
    key_option: str = "--labels-key",
    say: Callable[[str], None] = lambda line: None,
) -> Answers:
    """Read what is known of places in a scene.

    Args:
        given: a CSV table (columns ``class``, and ``row`` and ``col`` from 0 or ``x`` and ``y`` in the scene's
            coordinate system), points or polygons (GeoPackage, GeoJSON, Shapefile, FlatGeobuf), a label image in any
            format that has a reader, or an array (rows, cols), 1..K and 0 = unlabelled. A class is said by its name, a
            synonym or its number.
        grid: of the scene. A polygon speaks for the pixels whose centres it covers.
        classes: the class list.
        key: the field, column or array that holds the classes, where there are several.
        key_option: how messages call it.
        say: is told what was left out, and why.

    Raises:
        AnswersError: nothing in it is about this scene and this class list; the message says what to do.
        SceneError: a label image cannot be understood or is not of the scene's size.
    """
    if is_raster(given):
        labels = _image(given, grid, classes, key, key_option, say)
        if labels.max(initial=0) > len(classes):
            raise AnswersError(
                f"{_name(given)} has the class {labels.max()}, but the list has {len(classes)}: "
                "give the class list that it was made with"
            )
        if grid.valid is not None:
            labels = np.where(grid.valid, labels, 0)
        if not labels.any():
            raise AnswersError(f"{_name(given)} labels no pixel that has data: it is empty, or of another scene")
        return Answers.of_labels(labels)
    path = Path(given)  # type: ignore[arg-type]
    read = vectors.read if vectors.recognises(path, _head(path)) else tables.read
    with damage_of(path, AnswersError):
        return _placed(path, read(path, grid, key, key_option), grid, classes, say)


def read_labels(
    given: str | Path | np.ndarray,
    grid: Grid,
    classes: ClassList,
    *,
    key: str | None = None,
    key_option: str = "--labels-key",
    say: Callable[[str], None] = lambda line: None,
) -> np.ndarray:
    """Read labels as an image: int32 (rows, cols), 1..K, 0 = unlabelled; the arguments are those of ``read_answers``.

    Raises:
        AnswersError, SceneError: as ``read_answers``; an image may be empty, and may have classes beyond the list.
    """
    if is_raster(given):
        return _image(given, grid, classes, key, key_option, say)
    return read_answers(given, grid, classes, key=key, key_option=key_option, say=say).labels(grid.shape)


def codes(texts: Sequence[str], classes: ClassList) -> np.ndarray:
    """Return what texts mean: int (n,) of 1..K, ``NONE_OF_THESE``, ``NO_ANSWER``; other values below 0 mean nothing.

    Where the list has a class for the rest ("Other"), that is what none of the others is.
    """
    numbers = {_plain(text): number for number, one in enumerate(classes, start=1) for text in one.texts}
    loose = {_loose(text): number for text, number in reversed(numbers.items())}
    rest = next((number for text, number in numbers.items() if text in REST), NONE_OF_THESE)

    def meaning(text: str) -> int:
        plain = _plain(text)
        if not plain:
            return _NOTHING
        for table, said in ((numbers, plain), (loose, _loose(text))):
            if said in table:
                return table[said]
        if plain in NONE_TEXTS:
            return rest
        if plain in NO_ANSWER_TEXTS:
            return NO_ANSWER
        try:
            number = float(plain)
        except ValueError:
            return _STRANGE
        if number == 0:
            return _NOTHING  # unlabelled, as in a label image
        return int(number) if number in range(1, len(classes) + 1) else _STRANGE

    known = {text: meaning(text) for text in set(texts)}
    return np.array([known[text] for text in texts], dtype=np.int32)


def _placed(path: Path, said: Said, grid: Grid, classes: ClassList, say: Callable[[str], None]) -> Answers:
    """Hold what a file says against the scene and the class list; say what is left out.

    Raises:
        AnswersError: nothing is left.
    """
    meant = codes(said.texts, classes)
    given = int((meant != _NOTHING).sum())
    if not len(meant):
        raise AnswersError(f"{path} is empty: it has no answer, point or polygon")
    if not given:
        raise AnswersError(f"{path} has no answer yet: fill in the class of its {len(meant)} places")
    strange = Counter(text for text, code in zip(said.texts, meant, strict=True) if code == _STRANGE)
    if strange.total() == given:
        raise AnswersError(f"{path} names no class of the list, but {_near(strange, classes)}: mend it, or the list")
    if grid.content is not None:
        on_map = grid.georeference is not None and grid.georeference.transform is not None
        compare(path, said.scenes, grid.content, say, placed=on_map)
    rows, cols = grid.shape
    about = meant[said.answers] > _NOTHING
    inside = (said.rows >= 0) & (said.rows < rows) & (said.cols >= 0) & (said.cols < cols)
    if not (about & inside).any():
        raise AnswersError(
            f"nothing in {path} lies in this scene of {rows} x {cols} pixels{_reasons(said.placeless)}: "
            "is it of another scene?"
        )
    use = about & inside
    if grid.valid is not None:
        use[use] &= grid.valid[said.rows[use], said.cols[use]]
    of = said.answers
    kept = np.unique(of[use])
    outside = np.setdiff1d(of[about & ~inside], of[about & inside])
    no_data = np.setdiff1d(of[about & inside], kept)
    counts = Counter({"outside the scene": len(outside), "on pixels without data": len(no_data)}) + said.placeless
    left = [f"{count} {'is' if count == 1 else 'are'} {reason}" for reason, count in counts.items() if count]
    if strange:
        left.append(f"{strange.total()} {'names' if strange.total() == 1 else 'name'} {_near(strange, classes)}")
    if left:
        say(f"Of {given} answers in {path}, {'; '.join(left)}: they are left out.")
    if not len(kept):
        raise AnswersError(f"no answer in {path} is about a pixel with data")
    return Answers.of(said.rows[use], said.cols[use], meant[of[use]], of[use])


def _image(
    given: str | Path | np.ndarray,
    grid: Grid,
    classes: ClassList,
    key: str | None,
    key_option: str,
    say: Callable[[str], None],
) -> np.ndarray:
    from special.scene.truth import read_truth

    if not isinstance(given, np.ndarray):
        names = [one.texts for one in classes]
        colours = [one.colour for one in classes]
        return read_truth(
            given,
            grid.shape,
            place=grid.georeference,
            key=key,
            classes=names,
            colours=colours,
            say=say,
            key_option=key_option,
        )
    if given.shape != grid.shape or given.dtype.kind not in "iu" or given.min(initial=0) < 0:
        raise AnswersError(
            f"the labels are {given.dtype} {given.shape}: give whole numbers of the scene's {grid.shape}, "
            "0 for unlabelled"
        )
    return given.astype(np.int32)


def _near(strange: Counter[str], classes: ClassList) -> str:
    """Name texts that are no class, with the class that each may mean."""
    texts = {_plain(text): one.name for one in classes for text in one.texts}

    def shown(text: str) -> str:
        near = difflib.get_close_matches(_plain(text), texts, 1, 0.5)
        return f"{text!r} (not in the list{f', which has {texts[near[0]]!r}' if near else ''})"

    more = f" and {len(strange) - _FEW} more" if len(strange) > _FEW else ""
    return ", ".join(shown(text) for text, _ in strange.most_common(_FEW)) + more


def _reasons(placeless: Counter[str]) -> str:
    return "".join(f"; {count} {'is' if count == 1 else 'are'} {reason}" for reason, count in placeless.items())


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _loose(text: str) -> str:
    return " ".join(_plain(text).replace("_", " ").replace("-", " ").split())


def _name(given: str | Path | np.ndarray) -> str:
    return "the label image" if isinstance(given, np.ndarray) else str(given)


def _head(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises:
        AnswersError: it is not there, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except FileNotFoundError:
        raise AnswersError(f"no labels at {path}: name a table, points, polygons or a label image") from None
    except OSError as error:
        raise AnswersError(f"{path} cannot be read ({error.strerror}): name a file with labels") from None
