"""What a map says of its classes: name, colour, and what the name is understood as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from special.landcover.concepts import load_concepts
from special.report.colours import palette

if TYPE_CHECKING:
    from special.classnames.class_list import ClassList
    from special.landcover.concepts import ConceptTable


@dataclass(frozen=True)
class Legend:
    """The classes of a map, in order.

    Attributes:
        names: as the user writes them.
        colours: uint8 (classes, 3), sRGB.
        concepts: of the table of land cover, as "corn" or "oak + pine"; "" where the table lacks the words of a name.
    """

    names: tuple[str, ...]
    colours: NDArray[np.uint8]
    concepts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def legend_of(classes: ClassList) -> Legend:
    """Return the legend of a class list. Its own colours stay; the others follow from what is meant."""
    meant, english = known_concepts(classes, load_concepts())
    colours = palette(english, classes.colours, [names[0] if names else "" for names in meant])
    return Legend(tuple(classes.names), colours, tuple(" + ".join(names) for names in meant))


def colours_of(classes: ClassList) -> NDArray[np.uint8]:
    """Return the colour of each class, uint8 (K, 3), sRGB: its own, or that of what it is, in any language."""
    return legend_of(classes).colours


def known_concepts(classes: ClassList, table: ConceptTable) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return what each class means by its words alone, and its name in English.

    The sentence encoder, which guesses where words are not known, is not asked: a colour must not hang on a guess.
    """
    from special.classnames.draft import draft
    from special.classnames.languages import in_english
    from special.classnames.vocabulary import Lexicon

    lexicon = Lexicon((name, phrase) for name, concept in table.concepts.items() for phrase in concept.texts)
    english = in_english(classes, lexicon, table.own).classes
    meant = []
    for entry in english:
        drafts = (draft(text, lexicon) for text in entry.texts)
        meant.append(next((found.concepts for found in drafts if found.concepts), ()))
    return meant, [entry.name for entry in english]
