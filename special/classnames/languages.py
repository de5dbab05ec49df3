"""Which language the names of a class list are in, and the list in English, which is what the teachers read.

It is the list that has a language, not each of its names: "Playa" is a beach beside "Agua" and a dry lake beside
"Water". Names that its language lacks may be of another one. The names themselves stay as they are in all that is
shown and written.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cache

from special.classnames.class_list import ClassList, ClassName
from special.classnames.draft import draft
from special.classnames.translation import Language, Translation
from special.classnames.vocabulary import Lexicon
from special.classnames.word_lists import read_language
from special.resources import PROMPTS
from special.storage import files

FOLDER = PROMPTS / "languages"
ENGLISH, LATIN = "en", "la"
HALF = 0.5  # of the words of a description that may be unknown where it is read in English


@dataclass(frozen=True)
class InEnglish:
    """A class list in English.

    ``classes``: in the list's order, each with as many synonyms. ``languages``: for every class, for every text, the
    name of the language it was in; "" where it is English, as written or spelt out.
    """

    classes: tuple[ClassName, ...]
    languages: tuple[tuple[str, ...], ...]


@cache
def languages() -> tuple[Language, ...]:
    """Return all languages of the package, English first, which here means its abbreviations, the others by name.

    Raises:
        SettingsError: one of the files cannot be understood.
    """
    latin = FOLDER / f"{LATIN}.txt"
    found = [read_language(path, [latin]) for path in FOLDER.glob("*.txt") if path.stem != LATIN]
    return tuple(sorted(found, key=lambda language: (language.code != ENGLISH, language.name)))


def identity() -> str:
    """Return a hash of all files of words."""
    return files.digest([files.sha256_of(path) for path in sorted(FOLDER.glob("*.txt"))])


def in_english(classes: ClassList, lexicon: Lexicon, own: Set[str] = frozenset()) -> InEnglish:
    """Put the texts of a class list into English, where they are not.

    Args:
        classes: the class list.
        lexicon: the phrases of the concept table, in English.
        own: concepts that the user has brought: their phrases count, whatever else they mean in any language.

    Raises:
        SettingsError: a file of words cannot be understood.
    """
    reader = _Reader(classes, lexicon, own)
    entries, spoken = [], []
    for entry in classes:
        said = [reader.read(text) for text in entry.texts]
        name, *synonyms = (text for text, _ in said)
        entries.append(ClassName(name, tuple(synonyms), reader.described(entry.description), entry.colour))
        spoken.append(tuple(language for _, language in said))
    return InEnglish(tuple(entries), tuple(spoken))


class _Reader:
    """The languages in the order in which a list's names are looked up: that of the list, then the others."""

    def __init__(self, classes: ClassList, lexicon: Lexicon, own: Set[str]) -> None:
        self._lexicon, self._own = lexicon, own
        texts = [text for entry in classes for text in entry.texts]
        self._drafts = {text: draft(text, lexicon) for text in texts}
        known = sum(map(self._is_english, texts))
        counts = {
            language.code: known
            if language.code == ENGLISH
            else sum(language.translate(text, lexicon.knows).pure for text in texts)
            for language in languages()
        }
        self._languages = sorted(languages(), key=lambda language: -counts[language.code])  # of equals, English first

    def read(self, text: str) -> tuple[str, str]:
        """Return a text in English and the name of the language it was in, "" for English."""
        main, *others = self._languages
        first = self._translated(text, main)
        if self._is_own(text) or (main.code == ENGLISH and self._is_english(text)):
            return text, ""
        if first.complete and not (self._is_english(text) and first.language == "Latin"):
            return first.english, _named(first)
        if self._is_english(text):  # the table has scientific names too
            return text, ""
        for language in others:
            if (found := self._translated(text, language)).pure:
                return found.english, _named(found)
        return (first.english, _named(first)) if first.translated else (text, "")

    def described(self, description: str) -> str:
        """Return a description in English, where enough of it is known in the language of the list."""
        found = self._translated(description, self._languages[0])
        enough = found.unknown <= HALF * (found.known + found.kept + found.unknown)
        return found.english if description and found.translated and enough else description

    def _translated(self, text: str, language: Language) -> Translation:
        return language.translate(text, self._lexicon.knows)

    def _is_english(self, text: str) -> bool:
        """Whether the table has the words of a text as it stands."""
        found = self._drafts[text]
        return found.rest or bool(found.concepts)

    def _is_own(self, text: str) -> bool:
        return bool(self._drafts[text].concepts) and set(self._drafts[text].concepts) <= self._own


def _named(found: Translation) -> str:
    return "" if found.language == "English" else found.language
