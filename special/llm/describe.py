"""Descriptions of classes, written by a language model or taken from those that come with the package."""

from __future__ import annotations

import re

from special.classnames.class_list import ClassList, ClassName
from special.classnames.descriptions import curated
from special.classnames.draft import REST
from special.classnames.reading import Encoder
from special.classnames.vocabulary import normalise
from special.llm.answer_cache import AnswerCache, UnusableAnswer, ask, plain, read_template
from special.llm.client import LanguageModel
from special.progress import SILENT, Progress

FEWEST, SHORTEST, LONGEST = 2, 80, 3000  # paragraphs of an answer; characters of a paragraph


def describe(
    classes: ClassList,
    encoder: Encoder,
    *,
    model: LanguageModel | None = None,
    answers: AnswerCache | None = None,
    progress: Progress = SILENT,
) -> list[tuple[str, ...]]:
    """Return the paragraphs of every class, in class order; every paragraph names its class.

    Args:
        classes: what to describe.
        encoder: finds the nearest curated text.
        model: writes the descriptions; None takes the curated ones and asks no network.
        answers: what the model has answered before; None for the user's cache.
        progress: is told of every class.

    Raises:
        LanguageModelError: the model cannot be asked, or twice wrote what cannot be used.
    """
    if model is None:
        return curated(classes, encoder)
    answers = answers or AnswerCache()
    rest = [normalise(entry.name) in REST for entry in classes]  # what "other" holds, no model can know
    texts: list[tuple[str, ...]] = curated(classes, encoder) if any(rest) else [()] * len(classes)
    progress.begin("describe", len(classes))
    for index, entry in enumerate(classes):
        if not rest[index]:
            texts[index] = _ask(entry, classes, model, answers)
        progress.advance()
    progress.end()
    return texts


def _ask(entry: ClassName, classes: ClassList, model: LanguageModel, answers: AnswerCache) -> tuple[str, ...]:
    name = entry.name.replace("_", " ")
    prompt = read_template(
        "describe.txt",
        name=name,
        synonyms=f" (also: {', '.join(entry.synonyms)})" if entry.synonyms else "",
        others=", ".join(name for name in classes.names if name != entry.name),
    )
    return ask(model, answers, prompt, lambda answer: read_paragraphs(answer, name), about=entry.name)


def read_paragraphs(answer: str, name: str) -> tuple[str, ...]:
    """Return the paragraphs of a model's answer, each with the class's name in it.

    Headings, marks of emphasis and a line of introduction are dropped.

    Raises:
        UnusableAnswer: there are too few paragraphs, or one is far too long.
    """
    text = re.sub(r"^[ \t]*(?:#+[^\n]*|[-*_]{3,}[ \t]*)$", "", plain(answer), flags=re.MULTILINE)
    blocks = [" ".join(block.split()) for block in re.split(r"\n[ \t]*\n", text)]
    blocks = [re.sub(r"\*\*|__", "", re.sub(r"^(?:\d+[.)]|[-*•])\s+", "", block)) for block in blocks]
    paragraphs = [block for block in blocks if len(block) >= SHORTEST and not block.endswith(":")]
    if len(paragraphs) < FEWEST:
        raise UnusableAnswer(
            f"it has {len(paragraphs)} paragraphs of {SHORTEST} characters or more, and three are asked for"
        )
    if max(map(len, paragraphs)) > LONGEST:
        raise UnusableAnswer(f"a paragraph has more than {LONGEST} characters")
    return tuple(
        text if name.casefold() in text.casefold() else f"{name}: {text}"
        for text in (paragraph.lstrip("#[ ") for paragraph in paragraphs)
    )
