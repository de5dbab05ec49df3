"""The files of words in ``prompts/languages``: a head, and sections of lines ``English: its words, by commas``.

The head of ``en.txt`` says what each field and section means.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from special.classnames.translation import ORDERS, SECTIONS, TOKEN, Language, Word, key, stem
from special.errors import SettingsError


def read_language(path: Path, beside: Iterable[Path] = ()) -> Language:
    """Read a file of words, and those that every language has: of two meanings of a word the first in ``path`` counts.

    Raises:
        SettingsError: a line is none of those that the head of the file describes.
    """
    head: dict[str, str] = {}
    found: list[tuple[str, Word]] = []
    for source in (path, *beside):
        own, lines = _parsed(source)
        head = head or own
        found += lines
    endings = tuple(sorted(map(key, _listed(head.get("endings", ""))), key=len, reverse=True))
    letters = {ord(pair[0]): pair[1] for pair in head.get("letters", "").split()}
    words: dict[str, Word] = {}
    stems: dict[str, Word] = {}
    genera = set()
    for phrase, word in found:
        if phrase.endswith("*"):
            genera.add(key(phrase))
        words.setdefault(key(phrase.translate(letters)), word)
    for phrase, word in found:
        stems.setdefault("".join(stem(key(token), endings) for token in TOKEN.findall(phrase)), word)
    return Language(
        path.stem,
        head["language"],
        words,
        stems,
        frozenset(genera),
        head.get("order", ORDERS[0]),
        endings,
        tuple(sorted(map(key, _listed(head.get("joints", ""))), key=len)),
        head.get("spaces", "yes") != "no",
        letters,
    )


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _parsed(path: Path) -> tuple[dict[str, str], list[tuple[str, Word]]]:
    """Return the head of a file and its words, (phrase, meaning), in order."""
    head: dict[str, str] = {}
    found: list[tuple[str, Word]] = []
    section = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        english, colon, phrases = line.partition(":")
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            if section not in SECTIONS:
                raise SettingsError(f"{path}, line {number}: no section {line}: write one of {', '.join(SECTIONS)}")
        elif not colon:
            raise SettingsError(f"{path}, line {number}: write English: its words, by commas")
        elif section:
            found += [(phrase, Word(english.strip(), section, head.get("language", ""))) for phrase in _listed(phrases)]
        else:
            head[english.strip()] = phrases.strip()
    if head.get("order", ORDERS[0]) not in ORDERS or "language" not in head:
        raise SettingsError(f"{path}: above its sections it has `language:` and `order:`, one of {', '.join(ORDERS)}")
    return head, found
