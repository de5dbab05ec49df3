"""What the teachers understand by a class list: said in words before a scene is labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.classnames.class_list import ClassList, ClassName
from special.classnames.prompts import fill
from special.classnames.reading import Reading, english_list
from special.landcover.attributes import attributes, brightness, is_crop
from special.teachers import understanding
from special.teachers.confusion import ConfusedPair, messages, to_json
from special.teachers.spectrum_text.confusion import GRID, confused_pairs
from special.teachers.spectrum_text.expected_spectra import CLOSED, NEGLIGIBLE, Expected
from special.teachers.spectrum_text.measured import MEASURED
from special.teachers.spectrum_text.names import understood_names
from special.teachers.spectrum_text.outlines import tendencies
from special.teachers.spectrum_text.regions import Regions
from special.teachers.understanding import UnderstoodName

if TYPE_CHECKING:
    from special.landcover.concepts import ConceptTable
    from special.scene.scene import Scene
    from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

EXAMPLES = 2  # prompts that are shown of a class
KINDS = 2  # kinds of spectrum that are shown of a class
OUTLINES = {1: "runs on like a road", -1: "ends on all sides like a roof", 0: ""}
READ_BY = {
    "table": "",
    "meaning": "nearest in meaning, for the table lacks the name",
    "description": "by its description",
    "synonym": "by a synonym",
    "": "what no other class explains",
}


@dataclass(frozen=True)
class Meaning:
    """What one text of a class means; see ``Reading``. ``concepts``: (name, weight); ``modifiers``: in words.

    ``english``, ``language``: what it was put into English as, and from where; empty where it was read as written.
    """

    text: str
    english: str
    language: str
    read_by: str
    concepts: tuple[tuple[str, float], ...]
    side_by_side: bool
    modifiers: tuple[str, ...]
    nearness: float


@dataclass(frozen=True)
class ClassExplanation:
    """One class as the teachers understand it.

    Attributes:
        name, description: as in the class list.
        meanings: of the name, then of every synonym.
        looks: what its sketched spectra look like, the most frequent first, and how bright they are.
        outline: a key of ``OUTLINES``: what its areas are like, where that tells it from another class.
        sketches: (concept, its sketched materials, where they come from).
        prompts: how many sentences an image-text model reads for it. examples: some of them.
    """

    name: str
    description: str
    meanings: tuple[Meaning, ...]
    looks: tuple[str, ...]
    outline: int
    sketches: tuple[tuple[str, tuple[str, ...], str], ...]
    prompts: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """What a class list is understood as, and which classes the spectrum-text teacher cannot tell apart."""

    classes: tuple[ClassExplanation, ...]
    confused: tuple[ConfusedPair, ...]
    read: tuple[UnderstoodName, ...]

    @property
    def names(self) -> list[str]:
        """The class names, in order."""
        return [entry.name for entry in self.classes]

    @property
    def unsure(self) -> list[str]:
        """Names that the table lacks and that come near to none of its concepts."""
        return [name.name for name in self.read if not name.understood]

    def hints(self) -> list[str]:
        """Return what the user could do about the class list, a line each."""
        return understanding.doubts(self.read) + messages(self.confused, self.names)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return {
            "classes": [
                {
                    "name": entry.name,
                    "description": entry.description,
                    "understood_as": [
                        {
                            "text": meaning.text,
                            "english": meaning.english or meaning.text,
                            "language": meaning.language or "English",
                            "read_by": meaning.read_by or "rest",
                            "nearness": round(meaning.nearness, 3),
                            "concepts": {name: round(weight, 4) for name, weight in meaning.concepts},
                            "side_by_side": meaning.side_by_side,
                            "modifiers": list(meaning.modifiers),
                        }
                        for meaning in entry.meanings
                    ],
                    "looks": list(entry.looks),
                    "outline": OUTLINES[entry.outline],
                    "sketches": [
                        {"concept": concept, "materials": list(materials), "source": source}
                        for concept, materials, source in entry.sketches
                    ],
                    "prompts": {"count": entry.prompts, "examples": list(entry.examples)},
                }
                for entry in self.classes
            ],
            "unsure": self.unsure,
            "kinds_of_one": understanding.to_json(self.read)["kinds_of_one"],
            "alike": to_json(self.confused, self.names),
        }


def explain(
    classes: ClassList,
    teacher: SpectrumTextTeacher,
    templates: Sequence[str],
    general: int = 0,
    scene: Scene | None = None,
) -> Explanation:
    """Say what the teachers understand by ``classes``.

    Args:
        classes: the class list.
        teacher: whose table, encoder and settings count.
        templates: of the prompts, those for looking down; examples are taken from them.
        general: how many templates there are beside.
        scene: on whose bands and by whose calibration classes are compared; without it, 400 to 2400 nm.
    """
    readings = teacher.readings(classes)
    if scene is None:
        wavelengths, fwhm = GRID, None
    else:
        wavelengths, fwhm = scene.wavelengths, scene.fwhm
    regions = Regions.of(wavelengths, through_air=False)
    spectra = teacher.spectra(readings, classes, wavelengths, fwhm, regions, teacher.table)
    outline = np.sign(sum(tendencies(readings, teacher.table), np.zeros(len(classes))))
    stages: Counter[str | None] = Counter(
        reading.series for group in readings for reading in group[:1] if reading.series
    )
    explained = tuple(
        ClassExplanation(
            entry.name,
            entry.description,
            tuple(_meaning(text, reading, stages) for text, reading in zip(entry.texts, group, strict=True)),
            _looks([s for s in spectra if s.class_index == index], group, teacher.table),
            int(outline[index]),
            _sketches(group, teacher.table),
            len(entry.prompts) * (len(templates) + general),
            _examples(english, templates),
        )
        for index, (entry, english, group) in enumerate(
            zip(classes, english_list(classes, teacher.table), readings, strict=True)
        )
    )
    confused = tuple(confused_pairs(teacher, classes, scene=scene))
    return Explanation(explained, confused, tuple(understood_names(classes, readings)))


def modifiers(reading: Reading, stages: Counter[str | None]) -> tuple[str, ...]:
    """Return in words what the modifiers of a name change. ``stages``: how many classes each series has."""
    words = []
    if reading.dry:
        words.append(f"{reading.dry:.0%} dry")
    if reading.series is not None and reading.stage is not None:
        count = stages[reading.series]
        words.append(f"growth stage {round(reading.stage * (count - 1)) + 1} of {count}, by greenness in the scene")
    elif reading.stage is not None:
        words.append("full cover" if reading.stage >= 0.5 else "sparse cover")
    if reading.kind_of is not None:
        words.append(f"one kind of {reading.kind_of}")
    if reading.age is not None and reading.age < CLOSED:
        words.append(f"too young to cover much more than {reading.age / CLOSED:.0%} of the ground")
    if reading.residue is not None:
        words.append(f"{reading.residue:.0%} residue on the ground")
    if reading.level:
        words.append("darker" if reading.level < 0 else "brighter")
    if reading.weeds:
        words.append("green weeds between")
    return tuple(words)


def _meaning(text: str, reading: Reading, stages: Counter[str | None]) -> Meaning:
    kept = tuple((name, weight) for name, weight in reading.concepts if weight >= NEGLIGIBLE)
    return Meaning(
        text,
        reading.english,
        reading.language,
        reading.read_by,
        kept,
        reading.parts,
        modifiers(reading, stages),
        reading.nearness,
    )


def _looks(spectra: Sequence[Expected], group: Sequence[Reading], table: ConceptTable) -> tuple[str, ...]:
    if not any(reading.concepts for reading in group):
        return ()
    kinds: Counter[str] = Counter()
    for spectrum in spectra:
        concept = table.concepts.get(spectrum.concept)  # none for things side by side
        kind = attributes(spectrum.reflectance, table.wavelengths, spectrum.concept in table.made)
        if spectrum.concept == MEASURED:
            kind = f"{kind}, measured"
        elif concept is None:
            parts = [table.concepts[name] for name in spectrum.concept.split(" + ")]
            first = {attributes(c.variants[0].reflectance, table.wavelengths, c.name in table.made): 0 for c in parts}
            kind = " beside ".join(first)
        elif is_crop(concept) and kind.startswith("mineral"):
            kind = "soil between plants"
        kinds[kind] += 1
    shades = {brightness(spectrum.reflectance, table.wavelengths) for spectrum in spectra}
    range_ = [level for level in ("dark", "medium", "bright") if level in shades]
    return (*(kind for kind, _ in kinds.most_common(KINDS)), " to ".join(dict.fromkeys((range_[0], range_[-1]))))


def _sketches(group: Sequence[Reading], table: ConceptTable) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    names = dict.fromkeys(name for reading in group for name, weight in reading.concepts if weight >= NEGLIGIBLE)
    return tuple(
        (
            name,
            tuple(dict.fromkeys(variant.name.partition(", cover ")[0] for variant in table.concepts[name].variants)),
            table.concepts[name].source,
        )
        for name in names
    )


def _examples(entry: ClassName, templates: Sequence[str]) -> tuple[str, ...]:
    """Return prompts of different texts as far as there are, the name's first."""
    texts = [*entry.prompts[:1], *entry.prompts[:0:-1]]  # the description, which is last, before the synonyms
    return tuple(fill(template, texts[i % len(texts)]) for i, template in enumerate(templates[:EXAMPLES]))
