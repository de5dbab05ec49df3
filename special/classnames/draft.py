"""A class name taken apart by its words alone, before the sentence encoder is asked.

"Roads and houses" is two things side by side, "oak or pine" one of two, "Roof (tiles)" a roof of a kind; "apple trees"
are an orchard's, "building shadow" is shadow, "mostly grass" grass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from special.classnames.vocabulary import (
    KINDS,
    PLACES,
    STATES,
    Lexicon,
    Modifiers,
    bracketed,
    is_modifier,
    normalise,
    stem,
    strip_modifiers,
)

LAST_WORD_BONUS, OTHER_WORD_BONUS = 0.15, 0.08  # added to the cosine of a concept for a known last, or other, word
REST = frozenset(
    {"other", "others", "unknown", "background", "unclassified", "unlabelled", "unlabeled", "misc", "miscellaneous"}
    | {"clutter", "rest", "remaining", "everything else", "anything else", "none", "undefined", "no data", "nodata"}
    | {
        "none of the above",
        "none of these",
        "none of them",
        "not classified",
        "not labelled",
        "not labeled",
        "no class",
    }
    | {"unspecified", "unidentified", "void", "ignore", "ignored", "masked", "null"}
)
MATERIALS = frozenset(
    {"concrete", "gravel", "paving bricks", "metal roof", "sand", "bare soil", "clay", "glass", "plastic", "bitumen"}
    | {"limestone", "sandstone", "rock", "bark", "red roof tiles", "asphalt", "white roof"}
)
BUILDINGS = frozenset(map(stem, ("building", "house", "manmade", "structure")))
"""Of which a scene shows the roof: a "blue house" is a blue roof."""
MADE_OF = frozenset({"roof", "asphalt", "pavement", "parking lot"})  # of which a material says more: "concrete road"
_JOINING_WORDS = frozenset(
    {"and", "or", "with", "on", "in", "over", "under", "between", "of", "by", "from", "beside", "near"}
)
_EITHER = re.compile(r"\s+(?:and/)?or\s+|\s*/\s*")
_BOTH = re.compile(r"\s*[,;&+]\s*(?:and\s+)?|\s+and\s+")


@dataclass
class Draft:
    """A text taken apart.

    ``concepts``: what its words are known to mean, ``together`` or one of them; none where it is the sentence encoder's
    turn, which is given ``text`` and, for the words that are known, ``hints`` (concept to bonus). ``rest``: it is
    "other" or its kin. ``head``: its words without numbers and modifiers. ``number``: the number in it, ``age``: the
    same in weeks, where it is an age. ``stage``, ``series``: its place among the growth stages of a head.
    """

    text: str
    head: str
    rest: bool = False
    concepts: tuple[str, ...] = ()
    together: bool = False
    hints: dict[str, float] = field(default_factory=dict)
    number: float | None = None
    age: float | None = None
    modifiers: Modifiers = field(default_factory=Modifiers)
    stage: float | None = None
    series: str | None = None


def draft(text: str, lexicon: Lexicon) -> Draft:
    """Take a text apart by its words alone. A phrase that the table knows as it stands has no modifiers."""
    plain = normalise(text)
    if _is_rest(plain):
        return Draft(plain, plain, rest=True)
    in_brackets = bracketed(text)
    for outer, more in _qualified(text, plain, in_brackets):
        found = _of_a_kind(outer, more, lexicon)
        if found:
            return Draft(plain, f"{outer} {more}", concepts=(found,))
    whole = lexicon.find(lexicon.stems(plain))
    modifying = [phrase for phrase in in_brackets if is_modifier(phrase)]
    if whole and not modifying:
        return Draft(plain, plain, concepts=(whole,))
    bare = strip_modifiers(" ".join([plain, *modifying]), lexicon)
    remaining = " ".join([*bare.words, *(phrase for phrase in in_brackets if phrase not in modifying)])
    out = Draft(remaining or plain, " ".join(bare.words), number=bare.number, age=bare.age, modifiers=bare.modifiers)
    concept = bare.modifiers.becomes or lexicon.find(bare.stems) or _roof(lexicon.stems(plain), lexicon)
    if concept:
        out.concepts = (concept,)
        return out
    if joined := _joined(text, lexicon):
        joined.number, joined.age, joined.head = bare.number, bare.age, out.head
        return joined
    listed = re.search(r"\w[-_]\w", text) is not None
    concepts, hints = _side_by_side(bare.stems, lexicon, listed)
    out.concepts, out.together, out.hints = concepts, len(concepts) > 1, hints
    return out


def _is_rest(plain: str) -> bool:
    words = plain.split()
    if len(words) > 1 and words[0].isdigit():  # "0 Unclassified" has its number in front
        words = words[1:]
    places = {stem(word) for word in PLACES}
    return " ".join(words) in REST or " ".join(word for word in words if stem(word) not in places) in REST


def _qualified(text: str, plain: str, in_brackets: Sequence[str]) -> list[tuple[str, str]]:
    """Ways in which a name is said first and then which kind: "Roof (tiles)", "Roof, tiled", "Forest: pine"."""
    pairs = [(plain, phrase) for phrase in in_brackets]
    cut = re.fullmatch(r"([^,:]+)(?:,|:\s)([^,:]+)", text.strip())
    return [*pairs, (normalise(cut[1]), normalise(cut[2]))] if cut else pairs


def _of_a_kind(outer: str, more: str, lexicon: Lexicon) -> str | None:
    """Return the concept of "tiled roof", "roof tiles" or, from two known words, "pine forest"."""
    ways = lexicon.stems(f"{more} {outer}"), lexicon.stems(f"{outer} {more}")
    found = lexicon.find(ways[0]) or lexicon.find(ways[1]) or _roof(ways[0], lexicon)
    if not found and lexicon.find(lexicon.stems(more)):
        concepts, _ = _side_by_side(ways[0], lexicon, listed=False)
        found = concepts[0] if len(concepts) == 1 else None
    return found


def _roof(stems: Sequence[str], lexicon: Lexicon) -> str | None:
    """Return the concept of a "blue house", which is that of a "blue roof"."""
    seen = [stem("roof") if s in BUILDINGS else s for s in stems]
    return lexicon.find(seen) if len(seen) > 1 and seen != list(stems) else None


def _joined(text: str, lexicon: Lexicon) -> Draft | None:
    """Read "oak or pine", "Path/Gravel" as one of two, "rocks and sand" as both, if enough of the words are known."""
    text = re.sub(r"[(\[][^)\]]*[)\]]", " ", text).strip()
    for separator, together in ((_EITHER, False), (_BOTH, True)):
        pieces = [piece for piece in separator.split(text) if piece.strip()]
        if len(pieces) < 2:
            continue
        last = pieces[-1].split()[-1]
        drafts = []
        for piece in pieces:
            one = draft(piece, lexicon)
            if not one.concepts and piece != pieces[-1]:  # "deciduous and coniferous forest"
                shared = draft(f"{piece} {last}", lexicon)
                one = shared if shared.concepts else one
            heads = tuple(concept for concept, bonus in one.hints.items() if bonus == LAST_WORD_BONUS)
            drafts.append(replace(one, concepts=one.concepts or heads))  # "salty soil" is known by its last word
        if all(d.rest for d in drafts):
            return Draft(normalise(text), normalise(text), rest=True)
        known = [d for d in drafts if d.concepts]
        lost = [p for p, d in zip(pieces, drafts, strict=True) if not d.concepts and len(p.strip()) > 3]
        if not known or len(lost) >= (len(known) if together else 1):
            return None
        concepts = tuple(dict.fromkeys(concept for d in known for concept in d.concepts))
        modifiers = known[0].modifiers
        for d in known[1:]:
            modifiers = modifiers | d.modifiers
        both = len(concepts) > 1 and (together or any(d.together for d in known))
        return Draft(normalise(text), "", concepts=concepts, together=both, modifiers=modifiers)
    return None


def _side_by_side(stems: Sequence[str], lexicon: Lexicon, listed: bool) -> tuple[tuple[str, ...], dict[str, float]]:
    """Read known phrases beside each other: "grass trees" is both, "apple trees" an orchard, "tree shadow" shadow.

    Returns the concepts, or none and hints where too many words are unknown. ``listed``: hyphens join the words, so
    that each stands for itself.
    """
    if "without" in stems:
        stems = stems[: stems.index("without")]
    segments = [(c, n) for c, n in lexicon.segments([s for s in stems if s not in _JOINING_WORDS])]
    known = [concept for concept, _ in segments if concept]
    unknown = len(segments) - len(known)
    concepts = tuple(dict.fromkeys(known))
    if unknown and not (listed and len(concepts) > unknown and len(concepts) > 1):
        hints = dict.fromkeys(concepts, OTHER_WORD_BONUS)
        if segments and segments[-1][0]:
            hints[segments[-1][0]] = LAST_WORD_BONUS
        return (), hints
    if not listed and len(concepts) > 1:
        last = known[-1]
        others = tuple(c for c in concepts if c != last)
        if last in STATES:
            return (last,), {}
        if last in KINDS and not KINDS & set(others):
            return others, {}
        if last in MADE_OF and set(others) <= MATERIALS:
            return others, {}
    return concepts, {}
