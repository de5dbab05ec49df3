"""Names of land cover in another language, put into English phrase by phrase.

What a language has is text that its speakers can mend, ``prompts/languages/*.txt``; the head of ``en.txt`` says how it
is written. No grammar is known but this: inflected words have endings, German writes words together, Chinese and
Japanese put no blanks between them, and where an adjective or a genitive stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from special.classnames.vocabulary import PLACES

ORDERS = ("english", "noun first", "genitive last")
SECTIONS = ("things", "looks", "small words")
OF = "of"  # a small word that means this joins a thing to what it is part of: "shadow of trees", which is tree shadow
AGES = frozenset({"days", "weeks", "months", "years"})
SHORTEST = 3  # letters that are left of a word, or of a part of one, at least
LONGEST = 6  # words of a phrase
TAIL = 4  # letters that the last part of a compound has at least, where what stands before it is not known

_SEPARATOR = re.compile(r"([()\[\],;:/&+|])")
TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+")
_FOLDED = (("ae", "a"), ("oe", "o"), ("ue", "u"))  # umlauts on a keyboard that has none
_CJK = str.maketrans({"、": ",", "。": " ", "・": " ", "･": " ", "〜": " "})


@dataclass(frozen=True)
class Word:
    """A word or phrase in English. ``role``: one of ``SECTIONS``, or ``unknown``; ``english`` is empty for an article.

    ``language``: whose word it was; empty where it is kept because English has it too, or nobody knows it.
    """

    english: str
    role: str
    language: str = ""


@dataclass(frozen=True)
class Translation:
    """A text in English.

    ``known``, ``kept``, ``unknown``: how many words of it that mean something are in the language, are kept because
    English has them too, and are neither. ``language``: whose the words are, if any was put into English.
    """

    english: str
    known: int
    kept: int
    unknown: int
    language: str

    @property
    def translated(self) -> bool:
        """Whether any word was put into English."""
        return bool(self.language)

    @property
    def complete(self) -> bool:
        """Whether every word is known, and it was not English all along."""
        return self.translated and not self.unknown

    @property
    def pure(self) -> bool:
        """Whether every word is in the language: a name that is half English is most often English."""
        return self.complete and not self.kept


@dataclass(frozen=True)
class Language:
    """One language: its words by their keys, and how it joins them.

    Attributes:
        code, name: "de", "German".
        words: by what is left of them without blanks, accents and case. stems: the same without endings.
        genera: keys of words that an epithet may follow, "Quercus robur".
        order: one of ``ORDERS``. endings, joints: of inflected words, and between the parts of compounds.
        spaces: whether blanks part its words. letters: to the letters that ``words`` are written with.
    """

    code: str
    name: str
    words: dict[str, Word]
    stems: dict[str, Word]
    genera: frozenset[str]
    order: str
    endings: tuple[str, ...]
    joints: tuple[str, ...]
    spaces: bool
    letters: dict[int, str]

    def translate(self, text: str, is_english: Callable[[str], bool]) -> Translation:
        """Put ``text`` into English. ``is_english`` says of a word whether it may be kept as it stands."""
        text = unicodedata.normalize("NFKC", text).translate(self.letters).translate(_CJK)
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
        said: list[str] = []
        words: list[Word] = []
        for piece in _SEPARATOR.split(text):
            if _SEPARATOR.fullmatch(piece):
                said.append(piece)
                continue
            parts = self._listed(piece.strip())
            found = [list(self._words_in(part, is_english)) for part in parts]
            said.append("-".join(" ".join(self._ordered(part)) for part in map(_readable, found)))
            words += [word for part in found for word in part if word.role != "small words"]
        unknown = sum(word.role == "unknown" for word in words)
        english = re.sub(r"\s*([,;:)\]])", r"\1", " ".join(part for part in said if part))
        english = re.sub(r"([(\[])\s+", r"\1", english)
        known = sum(bool(word.language) for word in words)
        numbers = sum(word.english[:1].isdigit() for word in words)
        spoken = {word.language for word in words} - {""}
        language = self.name if self.name in spoken else min(spoken, default="")
        return Translation(english, known, len(words) - known - unknown - numbers, unknown, language)

    def _listed(self, text: str) -> list[str]:
        """The parts of "Buildings-Grass-Trees", where hyphens part things on the ground and not words of one thing."""
        parts = text.split("-")
        found = [self._find([part]) for part in parts]
        if len(parts) < 3 or " " in text or any(word is None or word.role == "small words" for word in found):
            return [text]
        return parts

    def _words_in(self, text: str, is_english: Callable[[str], bool]) -> Iterator[Word]:
        """Cut a text without separators into known phrases, the longest first, and what is not known."""
        tokens = TOKEN.findall(text)
        at = 0
        while at < len(tokens):
            for size in range(min(LONGEST, len(tokens) - at), 0, -1):
                word = self._find(tokens[at : at + size])
                if word is not None:
                    at += size
                    if key("".join(tokens[at - size : at])) in self.genera and at < len(tokens):
                        at += self._is_epithet(tokens[at], is_english)
                    yield word
                    break
            else:
                yield from self._single(tokens[at], is_english)
                at += 1

    def _find(self, tokens: Sequence[str]) -> Word | None:
        keys = [key(token) for token in tokens]
        folded = [_folded(k) for k in keys]
        for form in (keys, folded) if folded != keys else (keys,):
            if found := self._known("".join(form), "".join(stem(k, self.endings) for k in form)):
                return found
        return None

    def _known(self, word: str, plain: str) -> Word | None:
        """Look up a key, as it stands and without its ending (``plain``)."""
        return self.words.get(word) or self.stems.get(plain) or self.words.get(plain)

    def _is_epithet(self, token: str, is_english: Callable[[str], bool]) -> bool:
        return token[0].islower() and self._find([token]) is None and not is_english(token)

    def _single(self, token: str, is_english: Callable[[str], bool]) -> Iterator[Word]:
        """A token that is no phrase of its own: a number, a compound, an English word, or not known."""
        if token[0].isdigit():
            yield Word(token.replace(",", "."), "looks")
        elif not self.spaces:
            yield from self._unspaced(key(token), token)
        elif is_english(token):
            yield Word(token, "things")
        elif self.joints and (parts := self._parts(key(token)) or self._parts(_folded(key(token)))):
            yield from parts
        elif self.joints and (tail := self._tail(key(token))):
            yield from tail
        else:
            yield Word(token, "unknown")

    def _parts(self, word: str, lost: set[str] | None = None) -> list[Word] | None:
        """Cut a compound into known words, the first as long as can be: "asphaltstrasse" is asphalt, road.

        ``lost``: what was found to be no compound, so that no letter is gone over twice.
        """
        lost = set() if lost is None else lost
        if word in lost:
            return None
        for end in range(len(word), SHORTEST - 1, -1):
            first = self._known(word[:end], stem(word[:end], self.endings))
            if not first or first.role == "small words":
                continue
            rest = word[end:]
            if not rest:
                return [first]
            for joint in ("", *self.joints):
                if rest.startswith(joint) and (more := self._parts(rest[len(joint) :], lost)):
                    return [first, *more]
        lost.add(word)
        return None

    def _tail(self, word: str) -> list[Word]:
        """What a compound is, where only its last part is known: "hutewald" is some forest."""
        for start in range(SHORTEST, len(word) - TAIL + 1):
            tail = self._known(word[start:], stem(word[start:], self.endings))
            if tail and tail.role == "things":
                return [Word(word[:start], "unknown"), tail]
        return []

    def _unspaced(self, word: str, token: str) -> Iterator[Word]:
        """Cut a run of letters into known words, the longest first; what lies between them is not known."""
        at, lost = 0, 0
        while at < len(word):
            size = next((n for n in range(len(word) - at, 0, -1) if word[at : at + n] in self.words), 0)
            if size and at > lost:
                yield Word(word[lost:at], "unknown")
            if size:
                yield self.words[word[at : at + size]]
                lost = at + size
            at += size or 1
        if at > lost:
            yield Word(token if not lost else word[lost:at], "unknown")

    def _ordered(self, words: Sequence[Word]) -> Iterator[str]:
        """The words as English has them: how a thing looks before it, and what it is part of before that."""
        part: list[Word] = []
        for word in [*words, None]:
            if word is None or (word.role == "small words" and word.english not in ("", OF)):
                for group in reversed(self._groups(part)):
                    group.sort(key=_place)
                    yield from (one.english for one in group)
                part = []
                if word is not None:
                    yield word.english
            else:
                part.append(word)

    def _groups(self, words: Sequence[Word]) -> list[list[Word]]:
        """Cut words into things with how they look, each part of the one before it."""
        groups: list[list[Word]] = [[]]
        waiting: list[Word] = []  # how something looks that is still to come
        for word in words:
            has_thing = any(one.role != "looks" for one in groups[-1])
            if word.role == "small words":
                if word.english == OF and has_thing:
                    groups[-1] += waiting
                    waiting = []
                    groups.append([])
            elif word.role == "looks" and self.order == "genitive last" and has_thing:
                waiting.append(word)
            elif word.role == "things" and has_thing and self.order != "english":
                groups.append([*waiting, word])
                waiting = []
            else:
                groups[-1] += [*waiting, word]
                waiting = []
        groups[-1] += waiting
        return groups


def _readable(words: Sequence[Word]) -> list[Word]:
    """Leave out what is not known and in letters that no English reader knows, where something else is known."""
    if not any(word.language and word.role == "things" and word.english not in PLACES for word in words):
        return list(words)
    return [word for word in words if word.role != "unknown" or is_latin(word.english)]


def _place(word: Word) -> int:
    """Where a word stands beside the thing that it says more of: numbers and ages behind it."""
    if word.english[:1].isdigit() or word.english in AGES:
        return 2
    return int(word.role != "looks")


@lru_cache(maxsize=1 << 16)
def key(text: str) -> str:
    """Return what a text is looked up by: no case, accents, blanks or hyphens; ``ss`` for the German sharp s."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(letter for letter in plain if not "\u0300" <= letter <= "\u036f")  # kana keep their marks
    return "".join(TOKEN.findall(unicodedata.normalize("NFC", letters)))


def is_latin(text: str) -> bool:
    """Whether all letters of a text are Latin ones."""
    return all("LATIN" in unicodedata.name(letter, "") for letter in text if letter.isalpha())


@lru_cache(maxsize=1 << 16)
def stem(word: str, endings: tuple[str, ...]) -> str:
    """Return a key without its longest ending, if enough is left; ``endings`` come the longest first."""
    return next((word[: -len(e)] for e in endings if word.endswith(e) and len(word) - len(e) >= SHORTEST), word)


def _folded(word: str) -> str:
    for spelt, letter in _FOLDED:
        word = word.replace(spelt, letter)
    return word
