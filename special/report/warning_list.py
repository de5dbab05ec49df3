"""What a careful person would want to know of a map before using it: one list, the gravest first.

Every warning comes from a figure that a step of the run has found; nothing here looks at a scene, and nothing at a
ground truth. Each says what was found and, where the user can do something, what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NEARLY_ALL = 0.9
"""Share of the mapped pixels. A class that takes more leaves no room for what else the list says is there."""

MISFIT_RATE = 0.001
"""How rarely the teacher's own model lets a pixel lie farther from every expected spectrum than the limit of a misfit
(the quantile of F): one pixel in a thousand."""

MISFIT = 0.25
"""Share of pixels beyond that limit from which the calibration fits badly: 250 times what the model allows. Of twelve
public scenes with their own class lists none has more than 0.142, of six of ``special demo`` none more than 0.23. With
their bands shuffled, which stands for wrong wavelengths, all twelve have 0.55 or more; with a list of three classes
that are not there, five of twelve more than 0.25."""

OVERCLAIM = 0.05
"""Two maps that are right in shares c and t of a scene agree in c + t - 1 of it or more (Fréchet's bound). Where they
agree less, by more than this, one of them is surer than it can be."""

UNSURE = 0.5
"""A class less probable than this is more probably another one. With more than this share of such pixels, a map is a
guess."""

SATURATED, EVERYWHERE = 0.99, 0.95
"""A confidence above the first in more than the second of the pixels ranks nothing: all look equally sure."""

THIRD = 1 / 3
"""Of the bands, or of the pixels: where more is left out, the map is of less than its file suggests."""

SHOWN, SHOWN_PAIRS = 12, 5  # names, and pairs of names, that a warning lists


@dataclass(frozen=True)
class MapWarning:
    """One warning.

    Attributes:
        kind: what it is about, for programs: ``names``, ``alike``, ``empty``, ``nearly_all``, ``calibration``,
            ``confidence``, ``bands``, ``pixels``, ``answers``, ``teachers`` or ``assumption``.
        text: what was found and what to do, a sentence or two, for people.
        classes: the classes it is about; empty where it is about the whole map.
    """

    kind: str
    text: str
    classes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"kind": self.kind, "text": self.text, "classes": list(self.classes)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> MapWarning:
        """Read what ``to_json`` has written.

        Raises:
            KeyError, TypeError: it has not.
        """
        return cls(str(document["kind"]), str(document["text"]), tuple(map(str, document["classes"])))


@dataclass(frozen=True)
class MapFigures:
    """What the steps of a run have found of its map.

    Attributes:
        pixels: of the scene. valid: those that have data. masked: those that a mask of the product has left out.
        bands: of the file. dropped: those that were not used.
        mapped: (class, its pixels in the map), in the order of the list.
        rest: classes that are what no other one explains: nobody misses them where there is nothing of the kind.
        not_understood: names that the teachers do not understand.
        kinds_of_one: (thing, its numbered kinds): which is which is a guess.
        alike: (class, class, told apart by their outlines), pairs that a teacher cannot tell apart by their spectra.
        misfit: share of pixels that no expected spectrum explains, see ``MISFIT_RATE``; None where nobody knows.
        confidence: mean over the mapped pixels. unsure: share of them below ``UNSURE``. saturated: above ``SATURATED``.
        teachers_confidence: mean confidence of the pseudo-labels there. agreement: share of these pixels where the map
            says what they say. None for a run without, and for one that the user's answers have corrected.
        doubtful_answers: answers of the user that something speaks against.
        absent_teachers: (teacher, why it was left out).
        assumptions: what was assumed about numbers, axes, wavelengths or place, sentences.
    """

    pixels: int
    valid: int
    masked: int
    bands: int
    dropped: int
    mapped: Sequence[tuple[str, int]]
    rest: Sequence[str] = ()
    not_understood: Sequence[str] = ()
    kinds_of_one: Sequence[tuple[str, Sequence[str]]] = ()
    alike: Sequence[tuple[str, str, bool]] = ()
    misfit: float | None = None
    confidence: float = 0.0
    unsure: float = 0.0
    saturated: float = 0.0
    teachers_confidence: float | None = None
    agreement: float | None = None
    doubtful_answers: int = 0
    absent_teachers: Sequence[tuple[str, str]] = ()
    assumptions: Sequence[str] = ()


def warnings_of(figures: MapFigures) -> list[MapWarning]:
    """Return what there is to say of a map, the gravest first; nothing of one that has nothing to be said of."""
    return [
        *_calibration(figures),
        *_confidence(figures),
        *_names(figures),
        *_shares(figures),
        *_data(figures),
        *_others(figures),
    ]


def _calibration(figures: MapFigures) -> Iterable[MapWarning]:
    if figures.misfit is not None and figures.misfit > MISFIT:
        yield MapWarning(
            "calibration",
            f"The scene's numbers fit the named classes badly: {figures.misfit:.0%} of the pixels look like nothing "
            f"that the class list lets expect, where {MISFIT_RATE:.1%} may. Wrong wavelengths, numbers that are no "
            "light, or land cover that the list lacks do that; check them with special info, and do not rely on the "
            "confidence.",
        )


def _confidence(figures: MapFigures) -> Iterable[MapWarning]:
    bound = figures.confidence + (figures.teachers_confidence or 0) - 1
    if figures.agreement is not None and figures.agreement < bound - OVERCLAIM:
        yield MapWarning(
            "confidence",
            "The confidence is not to be trusted: the teachers are sure of their labels to "
            f"{figures.teachers_confidence:.0%} and the map of its classes to {figures.confidence:.0%}, but they agree "
            f"in {figures.agreement:.0%} of the pixels alone, where both being right so often takes {bound:.0%}. Use "
            "it to rank places, not as a probability.",
        )
    elif figures.saturated > EVERYWHERE:
        yield MapWarning(
            "confidence",
            f"The confidence does not tell sure places from unsure ones: it is above {SATURATED} in "
            f"{figures.saturated:.0%} of the pixels.",
        )
    if figures.unsure > UNSURE:
        yield MapWarning(
            "confidence",
            f"Most of the map is a guess: in {figures.unsure:.0%} of the pixels no class reaches a probability of "
            f"{UNSURE:g}. Answer the questions of special ask, or leave them open with --reject {UNSURE:g}.",
        )


def _names(figures: MapFigures) -> Iterable[MapWarning]:
    if lost := tuple(figures.not_understood):
        yield MapWarning(
            "names",
            f"Not understood, and taken for what comes nearest: {_listed(lost)}. Give a synonym "
            f"({lost[0]} | synonym) or a description ({lost[0]}: description).",
            lost,
        )
    if figures.alike:
        pairs = [
            f"{first!r} and {second!r}{' (but by their outlines)' if outlines else ''}"
            for first, second, outlines in figures.alike[:SHOWN_PAIRS]
        ]
        left = len(figures.alike) - SHOWN_PAIRS
        more = [f"{left} more {'pair' if left == 1 else 'pairs'}"] if left > 0 else []
        yield MapWarning(
            "alike",
            f"Not told apart by their spectra, so that which is where is little more than a guess: "
            f"{'; '.join([*pairs, *more])}. Say more of one ({figures.alike[0][0]}: description), make them one class, "
            "or answer the questions of special ask.",
            tuple(dict.fromkeys(name for *pair, _ in figures.alike for name in pair)),
        )
    for thing, kinds in figures.kinds_of_one:
        yield MapWarning(
            "alike",
            f"{_listed(kinds)} are kinds of one thing, {thing}: that they differ is seen, which of them is which is a "
            "guess.",
            tuple(kinds),
        )


def _shares(figures: MapFigures) -> Iterable[MapWarning]:
    total = sum(count for _, count in figures.mapped)
    if empty := tuple(name for name, count in figures.mapped if not count and name not in figures.rest):
        yield MapWarning(
            "empty", f"No pixel at all for {_listed(empty)}: not there, or taken for something else.", empty
        )
    for name, count in figures.mapped:
        if len(figures.mapped) > 1 and count > NEARLY_ALL * total > 0:
            yield MapWarning(
                "nearly_all",
                f"{name!r} takes {count / total:.1%} of the map: the list may lack what else is there, or the names "
                "may not tell it apart.",
                (name,),
            )


def _data(figures: MapFigures) -> Iterable[MapWarning]:
    if figures.dropped > THIRD * figures.bands:
        yield MapWarning(
            "bands",
            f"{figures.dropped} of {figures.bands} bands were dropped: special info says why of each.",
        )
    invalid = figures.pixels - figures.valid
    if invalid > THIRD * figures.pixels:
        masks = f", {figures.masked} of them by masks of the product" if figures.masked else ""
        yield MapWarning(
            "pixels",
            f"{invalid} of {figures.pixels} pixels have no class, for they have no data{masks}: shares are of the "
            "others.",
        )


def _others(figures: MapFigures) -> Iterable[MapWarning]:
    if figures.doubtful_answers:
        number = figures.doubtful_answers
        verb = "answer is" if number == 1 else "answers are"
        yield MapWarning(
            "answers",
            f"{number} {verb} to be looked at again: names or other answers speak against it; run.json has all.",
        )
    for teacher, reason in figures.absent_teachers:
        yield MapWarning("teachers", f"The {teacher} teacher had no say: {_sentence(reason)}")
    for text in figures.assumptions:
        yield MapWarning("assumption", _sentence(text))


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    quoted = [*(repr(name) for name in names[:SHOWN]), *more]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
