"""What an image-text model is asked for, class by class: the user's words, and what the concept table adds to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from special.classnames.class_list import ClassList, ClassName
from special.classnames.reading import english_list
from special.classnames.vocabulary import normalise
from special.landcover.concepts import Concept, ConceptTable


@dataclass(frozen=True)
class ClassText:
    """One way to say a class.

    Attributes:
        owner: index of the class.
        text: a name, a synonym or a description of the user's, in English.
        synonyms: what the concept table calls the same, beside. sentence: what it says of it; "" for nothing.
    """

    owner: int
    text: str
    synonyms: tuple[str, ...] = ()
    sentence: str = ""


def class_texts(classes: ClassList, table: ConceptTable) -> list[ClassText]:
    """Return all that the user says of the classes, in class order, in English, of which the models have learned most.

    A class whose words are those of one concept of the table has that concept's other words beside each of its own.
    Where two classes mean the same concept, such as two ages of one crop, neither has: what they share would hide what
    they differ in. Nor has any class a word that is another's.
    """
    english = english_list(classes, table)
    concepts = [_concept_of(entry, table) for entry in english]
    times = Counter(concept.name for concept in concepts if concept is not None)
    said = {normalise(text) for entry in english for text in entry.prompts}
    found = []
    for owner, (entry, concept) in enumerate(zip(english, concepts, strict=True)):
        synonyms: tuple[str, ...] = ()
        sentence = ""
        if concept is not None and times[concept.name] == 1:
            synonyms = tuple(text for text in concept.texts if normalise(text) not in said)
            sentence = concept.sentence
        found += [ClassText(owner, text, synonyms, sentence) for text in entry.prompts]
    return found


def _concept_of(entry: ClassName, table: ConceptTable) -> Concept | None:
    """Return the one concept whose words a class is called by; None where there is none, or several."""
    own = {normalise(text) for text in entry.texts}
    fits = [one for one in table.concepts.values() if own & {normalise(text) for text in one.texts}]
    return fits[0] if len(fits) == 1 else None
