"""How a class name is read: which land-cover concepts it means, and what its modifiers change.

"Corn senesced green weeds" is corn, dried, with weeds; "Lettuce romaine 4wk" is a young stand of lettuce;
"Corn-notill" is corn over the residue of last year's crop. A name is taken for what the concept table says where the
table knows it, whole or in its parts; else for what comes nearest in meaning; a description says more where that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from special.classnames.class_list import ClassList, ClassName
from special.classnames.draft import Draft, draft
from special.classnames.languages import in_english
from special.classnames.translation import is_latin
from special.classnames.vocabulary import SENESCED, Lexicon, normalise
from special.landcover.attributes import is_crop, is_green
from special.landcover.concepts import ConceptTable

TEMPERATURE = 0.04  # of the softmax over cosines: 0.1 apart is a factor of 12
MOST_CONCEPTS = 3  # concepts a name may mean at most
DESCRIPTION_WEIGHT = 0.7  # what a description weighs beside a name that the table knows
INFORMATIVE = 0.45  # cosine from which a description says something about such a name


@dataclass(frozen=True)
class Reading:
    """What one way to say a class means.

    ``concepts``: (concept name, weight) pairs whose weights sum to 1; empty for "other" and its kin. ``parts``: the
    name joins several concepts, which stand side by side in a pixel. ``dry``: fraction of the canopy without
    chlorophyll. ``residue``: fraction of the ground under a crop that plant residue covers. ``stage``: growth stage
    from 0 to 1. ``series``: what the names have in common of which this is one stage. ``age``: of a crop, in weeks.
    ``kind_of``: what the names have in common of which this is one kind; ``kind``: its number among them.
    ``level``: shift of log reflectance. ``weeds``: green weeds stand between. ``read_by``: "table" where the words are
    known, "meaning" where the nearest concepts were taken, "description", "synonym", or "" for "other". ``nearness``:
    cosine of the nearest concept, 1 where the words are known. ``english``: the text in English, where it was put
    into it, and ``language`` from which; empty where it was read as written, or its abbreviations spelt out.
    """

    concepts: tuple[tuple[str, float], ...]
    parts: bool = False
    dry: float = 0.0
    residue: float | None = None
    stage: float | None = None
    series: str | None = None
    age: float | None = None
    level: float = 0.0
    weeds: bool = False
    read_by: str = ""
    nearness: float = 1.0
    kind_of: str | None = None
    kind: float | None = None
    english: str = ""
    language: str = ""


class Encoder(Protocol):
    """What reading needs of a sentence encoder."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors, float32 (texts, dimensions)."""


def read_names(classes: ClassList, table: ConceptTable, encoder: Encoder) -> list[list[Reading]]:
    """Return for every class one reading per text (name and synonyms), in class order. Any language is read in English.

    Raises:
        SettingsError: a file of the words of a language cannot be understood.
    """
    reader = _Reader(table, encoder)
    found = in_english(classes, reader.lexicon, table.own)
    drafts = [[draft(text, reader.lexicon) for text in entry.texts] for entry in found.classes]
    _rank_stages([d for group in drafts for d in group])
    reader.minerals = any(not table.minerals.isdisjoint((*d.concepts, *d.hints)) for group in drafts for d in group)
    return [
        [
            replace(reading, english=text, language=language) if text != written else reading
            for reading, text, language, written in zip(
                reader.read(entry, group), entry.texts, spoken, as_written.texts, strict=True
            )
        ]
        for as_written, entry, group, spoken in zip(classes, found.classes, drafts, found.languages, strict=True)
    ]


def english_list(classes: ClassList, table: ConceptTable) -> ClassList:
    """Return a class list in English, for models that have learned little else."""
    return ClassList(in_english(classes, _lexicon(table), table.own).classes)


def is_known(reading: Reading) -> bool:
    """Whether the table has the words of a name, or all of its parts, so that nothing had to be guessed."""
    return reading.read_by == "table"


def head_of(text: str, table: ConceptTable) -> str:
    """Return what is left of a name without the words that say more than the land cover, in lower case."""
    return draft(text, _lexicon(table)).head


def _lexicon(table: ConceptTable) -> Lexicon:
    return Lexicon((name, phrase) for name, concept in table.concepts.items() for phrase in concept.texts)


def _rank_stages(drafts: Sequence[Draft]) -> None:
    """Names that differ only in a number are stages of growth, in the order of the numbers."""
    for head in dict.fromkeys(d.head for d in drafts):
        group = sorted((d for d in drafts if d.head == head and d.number is not None), key=_order)
        if len(group) > 1:
            for rank, d in enumerate(group):
                d.stage, d.series = rank / (len(group) - 1), head


def _order(d: Draft) -> float:
    """What orders stages: "10 days" come before "2 weeks"."""
    return d.age or d.number or 0.0


class _Reader:
    """From drafts to readings, with the encoder where words alone do not tell.

    ``minerals``: the list has minerals by their names; in one that has none, no unknown word is taken for a mineral.
    """

    minerals = True

    def __init__(self, table: ConceptTable, encoder: Encoder) -> None:
        self.table, self.encoder = table, encoder
        self.lexicon = _lexicon(table)

    @cached_property
    def _anchors(self) -> tuple[list[str], np.ndarray]:
        """Every phrase and sentence of the table: the concept each is of (A,), and the unit vectors (A, dimensions).

        They take seconds, so that they are only made where a name is to be guessed.
        """
        concepts = self.table.concepts.items()
        phrases = [(name, normalise(text)) for name, concept in concepts for text in concept.texts]
        sentences = [(name, concept.sentence) for name, concept in concepts]
        owners, texts = zip(*phrases, *sentences, strict=True)
        return list(owners), self.encoder.encode(texts)

    def read(self, entry: ClassName, drafts: Sequence[Draft]) -> list[Reading]:
        """Return one reading per text of a class. A text that the table lacks means what its synonyms mean."""
        readings = [self._resolve(d) for d in drafts]
        if entry.description and not drafts[0].rest:
            readings[0] = self._described(entry, drafts[0], readings[0])
        sure = [(i, r) for i, r in enumerate(readings) if r.read_by in ("table", "description")]
        for i, reading in enumerate(readings):
            if reading.read_by == "meaning" and sure:
                same = next((r for j, r in sure if j < i), sure[0][1])
                readings[i] = replace(reading, concepts=same.concepts, parts=same.parts, read_by="synonym")
        return [self._as_kind(reading, d) for reading, d in zip(readings, drafts, strict=True)]

    def _resolve(self, d: Draft) -> Reading:
        if d.rest:
            return Reading(())
        if d.concepts:
            concepts = tuple((name, 1 / len(d.concepts)) for name in d.concepts)
            return self._modified(Reading(concepts, parts=d.together, read_by="table"), d)
        best = self._cosines([d.text], d.hints)
        nearness = max(best.values()) if is_latin(d.text) else 0.0  # of other scripts the encoder knows letters at best
        return self._modified(Reading(_weighed(best), read_by="meaning", nearness=nearness), d)

    def _described(self, entry: ClassName, named: Draft, reading: Reading) -> Reading:
        """Let the description say what a name means that the table lacks, and say more about one that it knows."""
        more = draft(entry.description, self.lexicon)
        if more.rest:
            return reading
        known = reading.read_by == "table"
        both = replace(named, modifiers=named.modifiers | more.modifiers)
        if more.concepts:
            concepts, parts = tuple((name, 1 / len(more.concepts)) for name in more.concepts), more.together
        else:
            texts = [entry.description] if known else [entry.description, f"{named.text}: {entry.description}"]
            best = self._cosines(texts, more.hints)
            concepts, parts = _weighed(best), False
            if known and max(best.values()) < INFORMATIVE:  # "dry in August": nothing but how it looks
                concepts = reading.concepts
        if known and not {name for name, _ in concepts} <= {name for name, _ in reading.concepts}:
            weights = {name: DESCRIPTION_WEIGHT * weight for name, weight in concepts}
            for name, weight in reading.concepts:
                weights[name] = weights.get(name, 0.0) + (1 - DESCRIPTION_WEIGHT) * weight
            concepts, parts = tuple(sorted(weights.items(), key=lambda pair: -pair[1])), False
        elif known:
            concepts, parts = reading.concepts, reading.parts
        return self._modified(replace(reading, concepts=concepts, parts=parts, read_by="description"), both)

    def _cosines(self, texts: Sequence[str], hints: dict[str, float]) -> dict[str, float]:
        """Return for every concept the best cosine of any of its phrases with any of ``texts``, hints included."""
        owners, anchors = self._anchors
        cosines = (anchors @ self.encoder.encode(list(texts)).T).max(axis=1)
        best: dict[str, float] = {}
        for owner, cosine in zip(owners, cosines, strict=True):
            if owner in self.table.minerals and not self.minerals:
                continue
            best[owner] = max(best.get(owner, -1.0), float(cosine))
        return {name: cosine + hints.get(name, 0.0) for name, cosine in best.items()}

    def _modified(self, reading: Reading, d: Draft) -> Reading:
        """Add what the modifiers change. Only what is green can be dry, and only a crop ripens."""
        named = [self.table.concepts[name] for name, _ in reading.concepts]
        leads = named if reading.parts else named[:1]
        green = any(is_green(concept, self.table.wavelengths) for concept in leads)
        grows = any(is_crop(concept) for concept in leads)
        modifiers = d.modifiers
        dry = max(modifiers.dry, SENESCED if modifiers.ripe and grows else 0.0) if green else 0.0
        return replace(
            reading,
            dry=dry,
            residue=modifiers.residue,
            stage=modifiers.cover if d.stage is None else d.stage,
            series=d.series,
            age=d.age if grows else None,
            level=modifiers.level,
            weeds=modifiers.weeds,
        )

    def _as_kind(self, reading: Reading, d: Draft) -> Reading:
        """Numbers order crops, and whatever else has an age, by growth; else they number kinds of one thing."""
        if reading.series is None:
            return reading
        leading = self.table.concepts[reading.concepts[0][0]]
        grows = is_crop(leading) and not reading.parts
        if grows and (leading.name in self.table.crops or reading.age is not None):
            return reading
        return replace(reading, stage=d.modifiers.cover, series=None, kind_of=reading.series, kind=d.number)


def _weighed(cosines: dict[str, float]) -> tuple[tuple[str, float], ...]:
    """Return the concepts that come nearest, the nearest first, with weights that sum to 1."""
    names = sorted(cosines, key=lambda name: -cosines[name])[:MOST_CONCEPTS]
    weights = np.exp((np.array([cosines[name] for name in names]) - cosines[names[0]]) / TEMPERATURE)
    return tuple(zip(names, (weights / weights.sum()).tolist(), strict=True))
