"""Texts and reflectance sketches of classes, written into files for people to read and mend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from special.api.class_source import Classes, class_list_of
from special.errors import DescriptionError, LanguageModelError
from special.llm.client import Endpoint, LanguageModel
from special.progress import SILENT, Progress
from special.storage.files import replace_text


@dataclass(frozen=True)
class Written:
    """The file that was written, and for every class what stands in it; nothing where there was nothing to write."""

    path: Path
    classes: tuple[tuple[str, str], ...]


def describe(
    classes: Classes,
    out: str | Path | None = None,
    *,
    llm_url: str | None = None,
    llm_model: str | None = None,
    timeout: float = 120.0,
    fresh: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> Written:
    """Write descriptions of the classes, several paragraphs each, into a text file.

    They come with the package, chosen by the nearest name, or a language model writes them.

    Args:
        classes: names, or ``"Name | synonym: description"`` lines, or a file of such lines.
        out: file to write; ``descriptions.txt`` when None.
        llm_url, llm_model: address of an OpenAI-compatible language model, and its name there; both or neither.
        timeout: longest wait for one answer, in seconds.
        fresh: ask again even what the language model has answered before.
        force: replace the file.
        progress: who listens.

    Raises:
        SpecialError: the classes cannot be understood, the file is there already, or the model cannot be asked.
    """
    from special.classnames.descriptions import format_descriptions
    from special.classnames.encoder import default_encoder
    from special.llm.answer_cache import AnswerCache
    from special.llm.describe import describe as written

    names = class_list_of(classes)
    path = _target(out, "descriptions.txt", force)
    model = _language_model(llm_url, llm_model, timeout, progress)
    texts = written(names, default_encoder(), model=model, answers=AnswerCache(fresh=fresh), progress=progress)
    who = f"the language model {model.endpoint.model}" if model else "special, from the texts that come with it"
    head = [
        f"Descriptions of classes, written by {who}. Edit them as you like.",
        "A class's name in brackets, then its paragraphs with blank lines between; lines like this one are left out.",
    ]
    replace_text(path, format_descriptions(zip(names.names, texts, strict=True), head))
    rows = [(name, f"{len(paragraphs)} paragraphs") for name, paragraphs in zip(names.names, texts, strict=True)]
    return Written(path, tuple(rows))


def sketch_spectra(
    classes: Classes,
    out: str | Path | None = None,
    *,
    llm_url: str | None = None,
    llm_model: str | None = None,
    concepts: Iterable[str | Path] = (),
    every: bool = False,
    timeout: float = 120.0,
    fresh: bool = False,
    force: bool = False,
    progress: Progress = SILENT,
) -> Written:
    """Let a language model write what classes reflect that no concept table knows, checked for plausibility.

    Args:
        classes, llm_url, llm_model, timeout, fresh, force, progress: as :func:`describe` takes them.
        out: file of land-cover concepts to write; ``sketches.toml`` when None.
        concepts: files of land-cover concepts of the user's own, which are then known.
        every: sketch the classes that a table knows as well.

    Raises:
        SpecialError: as :func:`describe`; or no model is named and there is something to sketch.
    """
    from special.classnames.encoder import default_encoder
    from special.landcover.concepts import load_concepts
    from special.llm.answer_cache import AnswerCache
    from special.llm.sketch import format_concepts, sketch, wanted

    names = class_list_of(classes)
    path = _target(out, "sketches.toml", force)
    model = _language_model(llm_url, llm_model, timeout, progress)
    table = load_concepts(concepts)
    wants = wanted(names, table, default_encoder(), every=every)
    if model is None:
        unknown = f" ({', '.join(want.name for want in wants)})" if wants else ""
        raise LanguageModelError(
            f"--spectra needs a language model to sketch what the table does not know{unknown}: give --llm-url, "
            "such as http://localhost:11434/v1, and --llm-model"
        )
    if not wants:
        progress.say(
            "The concept table knows every class by name: nothing to sketch. --all sketches them all the same."
        )
        return Written(path, ())
    sketches = sketch(wants, table, model, answers=AnswerCache(fresh=fresh), progress=progress)
    replace_text(path, format_concepts(sketches, table.wavelengths))
    return Written(
        path, tuple((one.name, f"{one.kind}: {', '.join(name for name, _ in one.variants)}") for one in sketches)
    )


def _target(out: str | Path | None, default: str, force: bool) -> Path:
    path = Path(out or default)
    if path.exists() and not force:
        raise DescriptionError(f"{path} exists: --force replaces it, -o names another file")
    if not path.parent.is_dir():
        raise DescriptionError(f"there is no folder {path.parent} to write {path.name} into")
    return path


def _language_model(url: str | None, name: str | None, timeout: float, progress: Progress) -> LanguageModel | None:
    if (url is None) != (name is None):
        raise DescriptionError("--llm-url and --llm-model go together: give both or neither")
    if url is None or name is None:
        return None
    return LanguageModel(Endpoint.from_user(url, name, timeout), progress=progress)
