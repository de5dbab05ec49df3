"""Questions to a language model, whose good answers are kept: what was answered is not asked for again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from special.errors import LanguageModelError
from special.llm.client import LanguageModel, Message
from special.resources import PROMPTS
from special.storage.files import digest, load_json, replace_json

Read = TypeVar("Read")


class UnusableAnswer(Exception):
    """An answer that cannot be used; the message says why in words that the model can act on."""


class AnswerCache:
    """A folder of answers, by the hash of address, model and question; by default in the user's cache.

    An answer is kept once it has been found good, so an interrupted command goes on where it was.
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False) -> None:
        self.folder = folder or Path(platformdirs.user_cache_dir("special-hsi", appauthor=False)) / "answers"
        self._fresh = fresh

    def find(self, question: Mapping[str, str]) -> str | None:
        """Return the answer to a question, or None where there is none, or a damaged one, or new ones are wanted."""
        if self._fresh:
            return None
        try:
            entry = load_json(self._path(question))
            return str(entry["answer"]) if entry["question"] == question else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, question: Mapping[str, str], answer: str) -> None:
        """Keep an answer. A folder that cannot be written to costs a later command time, not this one its result."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_json(self._path(question), {"question": question, "answer": answer})

    def _path(self, question: Mapping[str, str]) -> Path:
        return self.folder / f"{digest(question)}.json"


def ask(
    model: LanguageModel,
    answers: AnswerCache,
    prompt: str,
    read: Callable[[str], Read],
    *,
    about: str,
    schema: Mapping[str, Any] | None = None,
) -> Read:
    """Return what ``read`` makes of the model's answer. One that it refuses is asked for once more, with the complaint.

    Args:
        model: who is asked.
        answers: where good answers are kept and looked up first.
        prompt: the question.
        read: makes something of an answer, or raises UnusableAnswer.
        about: what the question is about, for the error.
        schema: of the JSON that the answer should be.

    Raises:
        LanguageModelError: the model cannot be asked, or its second answer cannot be used either.
    """
    question = {"url": model.endpoint.url, "model": model.endpoint.model, "prompt": prompt}
    kept = answers.find(question)
    if kept is not None:
        with contextlib.suppress(UnusableAnswer):  # the checks may have become stricter since
            return read(kept)
    messages: list[Message] = [{"role": "user", "content": prompt}]
    answer = model.complete(messages, schema)
    try:
        result = read(answer)
    except UnusableAnswer as complaint:
        again = f"This cannot be used: {complaint}. Write the whole answer again, in the form asked for, and mend that."
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": again}]
        answer = model.complete(messages, schema)
        try:
            result = read(answer)
        except UnusableAnswer as still:
            raise LanguageModelError(
                f"what {model.endpoint.model} wrote for {about!r}, asked twice, cannot be used: {still}"
            ) from None
    answers.keep(question, answer)
    return result


def read_template(file: str, **values: str) -> str:
    """Return the question in ``file`` of the folder ``prompts``, its ``{slots}`` filled in one pass.

    Lines before the first blank line that begin with ``#`` are remarks.
    """
    text = (PROMPTS / file).read_text(encoding="utf-8")
    text = re.sub(r"\A(?:#.*\n)+\n", "", text)
    return re.sub(r"\{(\w+)\}", lambda slot: values[slot[1]], text).strip()


def plain(answer: str) -> str:
    """Return an answer without the thoughts and the code fence that some models put around it."""
    text = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL | re.IGNORECASE).strip()
    fenced = re.fullmatch(r".*?```\w*\n(.*?)\n?```.*", text, flags=re.DOTALL)
    return (fenced[1] if fenced else text).strip()
