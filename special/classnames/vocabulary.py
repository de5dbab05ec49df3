"""The words of class names as users write them: spellings, plurals, and the words that only modify.

"Ploughed fields" and "plowed field", "Trees" and "tree" are the same to a :class:`Lexicon`; "mostly", "field" or "area"
add nothing to what is on the ground; "dry", "young" or "dark" change how it looks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SENESCED, MOWN = 0.825, 0.35  # share of the canopy without chlorophyll; what is mown grows green again
DRY = {
    **dict.fromkeys(
        _words(
            "senesced senescent senescing dry dried dead dying wilted wilting stressed withered yellow yellowed brown "
            "browned"
        ),
        SENESCED,
    ),
    **dict.fromkeys(("mowed", "mown", "cut"), MOWN),
}  # of everything that is green
RIPE = _words("mature ripe ripened ripening harvested")  # of crops: a mature forest is green
COVER = {
    **dict.fromkeys(("sparse", "sparsely", "scattered", "young", "early", "emerging", "immature", "seedling"), 0.0),
    "thin": 0.1,
    "open": 0.2,
    **dict.fromkeys(("dense", "densely", "closed", "full", "thick"), 1.0),
}  # growth stage or cover, from 0 to 1
LEVEL = {"dark": -0.4, "black": -0.6, "bright": 0.4, "light": 0.3, "pale": 0.3, "wet": -0.35, "moist": -0.25}
TILLAGE = (("no till", 0.6), ("notill", 0.6), ("min till", 0.3), ("mintill", 0.3), ("minimum till", 0.3),
           ("reduced till", 0.3), ("conventional till", 0.05), ("clean till", 0.05), ("cleantill", 0.05),
           ("clean", 0.05))  # fmt: skip
WITHOUT_MEANING = _words(
    "the a an of mostly mainly mixed various other misc small big large major minor main tall short high general "
    "typical green healthy fresh irrigated rainfed cultivated managed unmanaged wild local new old modern flat sloping "
    "deep turbid muddy calm clear untrained covered spring summer autumn winter"
)  # what it is, not how it looks, follows from the words beside these
PLACES = _words(
    "area field surface land zone site body cover region stand patch plot type class pixel space parcel terrain "
    "material plant canopy crown row"
)  # "corn field", "road surface", "water bodies": the word before says what it is
WEEDS = frozenset({"weed"})
# A state that something is in: "building shadow" is shadow, "barley stubble" stubble, whatever stands before.
STATES = frozenset({"shadow", "straw", "crop residue", "burnt area"})
BECOMES = {
    **dict.fromkeys(("burnt", "burned", "charred", "scorched"), "burnt area"),
    **dict.fromkeys(("shaded", "shadowed"), "shadow"),
    "harvested": "straw",
}
# What says only of which kind: an apple tree is a tree of an orchard, a vegetable crop its vegetable.
KINDS = frozenset({"tree", "grass", "crop", "green vegetation"})

_SPELLING = {
    "grey": "gray",
    "plough": "plow",
    "ploughed": "plowed",
    "aluminum": "aluminium",
    "leaves": "leaf",
    "leaved": "leaf",
    "sulfur": "sulphur",
    "meter": "metre",
    "harbor": "harbour",
    "kerb": "curb",
    "tyre": "tire",
}
_ONE_LETTER_OFF = 0.92  # likeness from which a long unknown word counts as a known one, misspelt
_LONG = 6
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(wks?|weeks?|w|days?|d|months?|years?|yrs?|y)|m)?\b")
_WEEKS = {"d": 1 / 7, "w": 1.0, "m": 52.2 / 12, "y": 52.2}  # in a day, a week, a month, a year
_BRACKETED = re.compile(r"(?<=\S)\s*[(\[]([^)\]]*)[)\]]")


def normalise(text: str) -> str:
    """Lower case, hyphens, slashes and underscores as blanks, without what stands in brackets."""
    text = _BRACKETED.sub(" ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = " ".join(re.sub(r"[^\w\s.]|_", " ", text.casefold()).split()).strip(" .")
    return re.sub(r"\bman made\b", "manmade", words)


def bracketed(text: str) -> list[str]:
    """What stands in brackets, normalised."""
    return [plain for plain in map(normalise, _BRACKETED.findall(text)) if plain]


def stem(word: str) -> str:
    """One form for singular and plural and for British and American spelling; not always a word itself."""
    word = _SPELLING.get(word, word)
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ss", "us", "is")) or len(word) <= 3:
        return word
    if word.endswith("es"):
        return word[:-2]
    return word[:-1] if word.endswith(("s", "e")) else word


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(stem, words))


_RIPE, _EMPTY, _PLACES, _WEEDS = (_stems(words) for words in (RIPE, WITHOUT_MEANING, PLACES, WEEDS))
_DRY, _COVER, _LEVEL = ({stem(word): value for word, value in shifts.items()} for shifts in (DRY, COVER, LEVEL))
_JOINED = frozenset({"with", "and"})
_BECOMES = {stem(word): concept for word, concept in BECOMES.items()}


class Lexicon:
    """The phrases of a concept table: what each means, however it is spelt."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        """Take (concept, phrase) pairs; of two concepts that share a phrase the later one has it."""
        self.phrases = {self._plain_key(phrase): concept for concept, phrase in phrases}
        self._words = sorted({word for phrase in self.phrases for word in phrase.split()})
        self._known = (
            set(self._words) | set(_DRY) | _RIPE | _EMPTY | _PLACES | set(_COVER) | set(_LEVEL) | set(_BECOMES)
        )
        self._longest = max((len(phrase.split()) for phrase in self.phrases), default=0)

    @staticmethod
    def _plain_key(text: str) -> str:
        return " ".join(map(stem, normalise(text).split()))

    def stems(self, text: str) -> list[str]:
        """The stems of a normalised text; a long word that no phrase has counts as the known one it nearly is."""
        return [self._mended(stem(word)) for word in text.split()]

    def _mended(self, word: str) -> str:
        if len(word) < _LONG or word in self._known:
            return word
        return (difflib.get_close_matches(word, self._words, 1, _ONE_LETTER_OFF) or [word])[0]

    def knows(self, word: str) -> bool:
        """Whether a word is in any phrase, or one that modifies."""
        return stem(normalise(word)) in self._known

    def find(self, stems: Sequence[str]) -> str | None:
        """Return the concept that these words, taken together, are a phrase of."""
        return self.phrases.get(" ".join(stems))

    def segments(self, stems: Sequence[str]) -> list[tuple[str | None, int]]:
        """Cut words into known phrases, the longest first; return (concept or None, number of words) in order."""
        found: list[tuple[str | None, int]] = []
        at = 0
        while at < len(stems):
            size = next(
                (n for n in range(self._longest, 0, -1) if at + n <= len(stems) and self.find(stems[at : at + n])), 0
            )
            found.append((self.find(stems[at : at + size]) if size else None, size or 1))
            at += size or 1
        return found


@dataclass(frozen=True)
class Modifiers:
    """What the words around a name change; see ``Reading``. ``ripe``: dry, if what is named is a crop."""

    dry: float = 0.0
    ripe: bool = False
    residue: float | None = None
    cover: float | None = None
    level: float = 0.0
    weeds: bool = False
    becomes: str | None = None

    def __or__(self, other: Modifiers) -> Modifiers:
        """Both; where both say something, this one."""
        return Modifiers(
            max(self.dry, other.dry),
            self.ripe or other.ripe,
            other.residue if self.residue is None else self.residue,
            other.cover if self.cover is None else self.cover,
            self.level or other.level,
            self.weeds or other.weeds,
            self.becomes or other.becomes,
        )


@dataclass(frozen=True)
class Stripped:
    """A phrase without the words that only modify: their stems, the words as written, a number, the modifiers.

    ``age``: the number in weeks, where its unit says that it is an age.
    """

    stems: list[str]
    words: list[str]
    number: float | None = None
    age: float | None = None
    modifiers: Modifiers = field(default_factory=Modifiers)


def is_modifier(text: str) -> bool:
    """Whether a normalised text has nothing but words that modify, an age, how the ground was tilled, or weeds."""
    for phrase, _ in TILLAGE:
        text = re.sub(_tillage(phrase), " ", text)
    modifiers = set(_DRY) | _RIPE | _EMPTY | _PLACES | set(_COVER) | set(_LEVEL)
    stems = [stem(word) for word in _NUMBER.sub(" ", text).split()]
    if stems and stems[-1] in _WEEDS:
        stems = [s for s in stems[:-1] if s not in _JOINED]
    return all(s in modifiers for s in stems)


def _tillage(phrase: str) -> str:
    return rf"\b{phrase}(age|ed)?\b"


def strip_modifiers(plain: str, lexicon: Lexicon) -> Stripped:
    """Take the words that only modify off a normalised phrase, as few as it takes to know what is left."""
    residue = next((value for phrase, value in TILLAGE if re.search(_tillage(phrase), plain)), None)
    for phrase, _ in TILLAGE if residue is not None else ():
        plain = re.sub(_tillage(phrase), " ", plain)
    found = _NUMBER.search(plain)
    words = _NUMBER.sub(" ", plain).split()
    stems = lexicon.stems(" ".join(words))
    weeds = len(stems) > 1 and stems[-1] in _WEEDS and any(s not in _WEEDS | _EMPTY for s in stems)
    if weeds:
        kept = [i for i, s in enumerate(stems) if s not in _WEEDS | _JOINED | {stem("green")}]
        stems, words = [stems[i] for i in kept], [words[i] for i in kept]
    changing = set(_DRY) | _RIPE | set(_COVER) | set(_LEVEL) | set(_BECOMES)
    chosen = list(range(len(stems)))
    for dropped in (_PLACES, _EMPTY, _PLACES | _EMPTY, changing | _EMPTY, changing | _EMPTY | _PLACES):
        trial = _without(stems, dropped)
        if trial and lexicon.find([stems[i] for i in trial]):
            chosen = trial
            break
        if dropped == changing | _EMPTY:
            chosen = trial or chosen  # nothing is known as it stands: what is left is to be cut up or compared
    gone = [stems[i] for i in range(len(stems)) if i not in chosen]
    modifiers = Modifiers(
        dry=max((_DRY[s] for s in gone if s in _DRY), default=0.0),
        ripe=any(s in _RIPE for s in gone),
        residue=residue,
        cover=next((_COVER[s] for s in gone if s in _COVER), None),
        level=float(sum(_LEVEL.get(s, 0.0) for s in gone)),
        weeds=weeds,
        becomes=next((_BECOMES[s] for s in gone if s in _BECOMES), None),
    )
    number = float(found[1]) if found else None
    age = float(found[1]) * _WEEKS[found[2][0]] if found and found[2] else None
    return Stripped([stems[i] for i in chosen], [words[i] for i in chosen], number, age, modifiers)


def _without(stems: Sequence[str], dropped: frozenset[str] | set[str]) -> list[int]:
    """Positions of the words that stay. A word for a place goes only where something stands before it."""
    return [i for i, s in enumerate(stems) if s not in dropped or (s in _PLACES and i == 0 and s not in _EMPTY)]
