"""How a class name is read: which land-cover concepts it means, and what its modifiers change.

"Corn senesced green weeds" is corn, dried, with weeds; "Lettuce romaine 4wk" is a young stand of lettuce;
"Corn-notill" is corn over the residue of last year's crop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from special.teachers.concepts import ConceptTable
from special.text.classes import ClassList

TEMPERATURE = 0.04  # of the softmax over cosines: 0.1 apart is a factor of 12
KEPT = 3  # concepts a name may mean at most
REST = frozenset({"other", "others", "unknown", "background", "unclassified", "unlabelled", "unlabeled", "misc"})

_DRY = frozenset(
    {
        "senesced",
        "senescent",
        "dry",
        "dried",
        "dead",
        "wilted",
        "stressed",
        "withered",
        "yellow",
        "mowed",
        "cut",
        "ripe",
    }
    | {"mature", "harvested"}
)
_COVER = {
    "sparse": 0.0,
    "young": 0.0,
    "emerging": 0.0,
    "thin": 0.1,
    "open": 0.2,
    "dense": 1.0,
    "closed": 1.0,
    "full": 1.0,
}
_LEVEL = {"dark": -0.4, "black": -0.6, "bright": 0.4, "light": 0.3, "pale": 0.3, "wet": -0.35, "moist": -0.25}
_TILLAGE = (("no till", 0.6), ("notill", 0.6), ("min till", 0.3), ("mintill", 0.3), ("reduced till", 0.3),
            ("clean till", 0.05), ("cleantill", 0.05), ("clean", 0.05))  # fmt: skip
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(?:wk|weeks?|w|days?|d|months?|m|years?|yrs?|y)?\b")


@dataclass(frozen=True)
class Reading:
    """What one way to say a class means.

    ``concepts``: (concept name, weight) pairs whose weights sum to 1; empty for "other" and its kin. ``parts``: the
    name joins several concepts, which stand side by side in a pixel. ``dry``: fraction of the canopy without
    chlorophyll. ``residue``: fraction of the ground under a crop that plant residue covers. ``stage``: growth stage
    from 0 to 1. ``series``: what the names have in common of which this is one stage. ``level``: shift of log
    reflectance. ``weeds``: green weeds stand between.
    """

    concepts: tuple[tuple[str, float], ...]
    parts: bool = False
    dry: float = 0.0
    residue: float | None = None
    stage: float | None = None
    series: str | None = None
    level: float = 0.0
    weeds: bool = False


class Encoder(Protocol):
    """What reading needs of a sentence encoder."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors, float32 (texts, dimensions)."""


@dataclass
class _Draft:
    head: str
    number: float | None = None
    reading: Reading = field(default_factory=lambda: Reading(()))


def normalise(text: str) -> str:
    """Lower case, hyphens, slashes and underscores as blanks, without what stands in brackets."""
    text = re.sub(r"(?<=\S)\s*[(\[][^)\]]*[)\]]", " ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"[^\w\s.]|_", " ", text.casefold()).split())


def read_names(classes: ClassList, table: ConceptTable, encoder: Encoder) -> list[list[Reading]]:
    """Return for every class one reading per text (name and synonyms), in class order."""
    drafts = [[_draft(text, table) for text in entry.texts] for entry in classes]
    _rank_stages([draft for group in drafts for draft in group])
    known = [(name, normalise(text)) for name, concept in table.concepts.items() for text in concept.texts]
    sentences = [(name, concept.sentence) for name, concept in table.concepts.items()]
    anchors = encoder.encode([text for _, text in known] + [text for _, text in sentences])
    owners = [name for name, _ in known] + [name for name, _ in sentences]
    readings = [[_resolve(draft, table, encoder, owners, anchors, known) for draft in group] for group in drafts]
    return [[_without_series(reading, table) for reading in group] for group in readings]


def is_known(reading: Reading) -> bool:
    """Whether the table has the very words of a name, or all of its parts, so that nothing had to be guessed."""
    return bool(reading.concepts) and (reading.parts or len(reading.concepts) == 1)


def head_of(text: str, table: ConceptTable) -> str:
    """Return what is left of a name without the words that say more than the land cover, in lower case."""
    return _draft(text, table).head


def _without_series(reading: Reading, table: ConceptTable) -> Reading:
    """Numbers order plants by growth; "parking lot 1" and "parking lot 2" are two names for the same thing."""
    grows = (
        reading.concepts and not reading.parts and table.concepts[reading.concepts[0][0]].variants[0].cover is not None
    )
    return reading if grows or reading.series is None else replace(reading, stage=None, series=None)


def _draft(text: str, table: ConceptTable) -> _Draft:
    """Split a text into its head and its modifiers. A phrase that the table knows as it stands has no modifiers."""
    plain = normalise(text)
    phrases = {normalise(t) for c in table.concepts.values() for t in c.texts}
    if plain in phrases or plain in REST:
        return _Draft(plain)
    residue = next((value for phrase, value in _TILLAGE if re.search(rf"\b{phrase}\b", plain)), None)
    head = plain
    for phrase, _ in _TILLAGE if residue is not None else ():
        head = re.sub(rf"\b{phrase}\b", " ", head)
    found = _NUMBER.search(head)
    number = float(found.group(1)) if found else None
    words = _NUMBER.sub(" ", head).split()
    weeds = len(words) > 1 and words[-1] in {"weeds", "weed"}
    if weeds:
        words = [w for w in words if w not in {"weeds", "weed", "green", "with", "and"}]
    dry = any(w in _DRY for w in words)
    cover = next((_COVER[w] for w in words if w in _COVER), None)
    level = sum(_LEVEL.get(w, 0.0) for w in words)
    modifiers = _DRY | set(_COVER) | set(_LEVEL) | {"green", "healthy"}
    kept = [w for w in words if w not in modifiers] or words
    reading = Reading((), dry=0.7 if dry else 0.0, residue=residue, stage=cover, level=level, weeds=weeds)
    return _Draft(" ".join(kept), number, reading)


def _rank_stages(drafts: Sequence[_Draft]) -> None:
    """Names that differ only in a number are stages of growth, in the order of the numbers."""
    for head in dict.fromkeys(draft.head for draft in drafts):
        group = sorted((d for d in drafts if d.head == head and d.number is not None), key=lambda d: d.number or 0.0)
        if len(group) > 1:
            for rank, draft in enumerate(group):
                draft.reading = replace(draft.reading, stage=rank / (len(group) - 1), series=head)


def _resolve(
    draft: _Draft,
    table: ConceptTable,
    encoder: Encoder,
    owners: Sequence[str],
    anchors: np.ndarray,
    known: Sequence[tuple[str, str]],
) -> Reading:
    if draft.head in REST:
        return draft.reading
    exact = [name for name, text in known if text == draft.head or text == draft.head.rstrip("s")]
    if exact:
        return replace(draft.reading, concepts=((exact[-1], 1.0),))
    parts = _split(draft.head.split(), known)
    if len(parts) > 1:
        return replace(draft.reading, concepts=tuple((name, 1 / len(parts)) for name in parts), parts=True)
    cosines = anchors @ encoder.encode([draft.head])[0]
    best: dict[str, float] = {}
    for owner, cosine in zip(owners, cosines, strict=True):
        best[owner] = max(best.get(owner, -1.0), float(cosine))
    names = sorted(best, key=lambda name: -best[name])[:KEPT]
    weights = np.exp((np.array([best[name] for name in names]) - best[names[0]]) / TEMPERATURE)
    weights /= weights.sum()
    return replace(draft.reading, concepts=tuple(zip(names, weights.tolist(), strict=True)))


def _split(words: Sequence[str], known: Sequence[tuple[str, str]]) -> list[str]:
    """Concepts of a name that is nothing but known phrases side by side ("grass trees"); else an empty list."""
    phrases = {text: name for name, text in known}
    found: list[str] = []
    rest = [w for w in words if w not in {"and", "or", "with", "on"}]
    while rest:
        size = next((n for n in range(min(4, len(rest)), 0, -1) if " ".join(rest[:n]) in phrases), 0)
        if not size:
            return []
        concept = phrases[" ".join(rest[:size])]
        if concept not in found:
            found.append(concept)
        rest = rest[size:]
    return found
