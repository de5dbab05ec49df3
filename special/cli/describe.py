"""``special describe``: texts and sketches of classes, for people to read and mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from special.cli.options import quiet_option

if TYPE_CHECKING:
    from special.classnames.class_list import ClassList
    from special.cli.screen import Screen
    from special.llm.client import LanguageModel

_EPILOG = """\b
Examples:
  special describe --classes classes.txt
  special describe --classes classes.txt -o texts.txt --llm-url http://localhost:11434/v1 --llm-model llama3.1
  special describe --classes classes.txt --spectra --llm-url https://api.openai.com/v1 --llm-model gpt-4o
  special label scene.hdr --classes classes.txt --concepts sketches.toml

\b
The key of a language model is read from the environment variable SPECIAL_LLM_KEY, or else OPENAI_API_KEY, and sent to
the address that you give. Without --llm-url no network is asked.
"""


@click.command(epilog=_EPILOG)
@click.option("--classes", metavar="FILE", type=click.Path(path_type=Path), required=True, help="The class list.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File to write.  [descriptions.txt; sketches.toml with --spectra]",
)
@click.option("--llm-url", metavar="URL", help="Address of an OpenAI-compatible language model that writes them.")
@click.option("--llm-model", metavar="NAME", help="Name of the model at that address.")
@click.option("--spectra", is_flag=True, help="Write reflectance sketches of the classes that no concept table knows.")
@click.option("--all", "every", is_flag=True, help="With --spectra: sketch the classes that a table knows as well.")
@click.option(
    "--concepts",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="With --spectra: land-cover concepts of your own, which are then known.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="Longest wait for one answer of the language model.",
)
@click.option("--fresh", is_flag=True, help="Ask again even what the language model has answered before.")
@click.option("--force", is_flag=True, help="Replace FILE.")
@quiet_option
def describe(
    classes: Path,
    out: Path | None,
    llm_url: str | None,
    llm_model: str | None,
    spectra: bool,
    every: bool,
    concepts: tuple[Path, ...],
    timeout: float,
    fresh: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Write descriptions of the classes, several paragraphs each, into a text file that you can read and edit.

    They come with the package, chosen by the nearest name, or a language model writes them (--llm-url). With --spectra
    it writes instead what the classes that the concept table does not know reflect, checked for physical plausibility:
    a file for special label --concepts.

    What a language model has answered is kept, so that an interrupted command goes on where it was.
    """
    from special.classnames.class_list import ClassList
    from special.cli.screen import Screen
    from special.errors import DescriptionError

    names = ClassList.read(classes)
    path = out or Path("sketches.toml" if spectra else "descriptions.txt")
    if (every or concepts) and not spectra:
        raise DescriptionError("--all and --concepts belong to --spectra")
    if (llm_url is None) != (llm_model is None):
        raise DescriptionError("--llm-url and --llm-model go together: give both or neither")
    if path.exists() and not force:
        raise DescriptionError(f"{path} exists: --force replaces it, -o names another file")
    if not path.parent.is_dir():
        raise DescriptionError(f"there is no folder {path.parent} to write {path.name} into")
    with Screen(quiet) as screen:
        model = _model(llm_url, llm_model, timeout, screen)
        if spectra:
            rows = _sketch(names, concepts, every, model, fresh, path, screen)
        else:
            rows = _describe(names, model, fresh, path, screen)
    if not quiet and rows:
        _show(path, rows, f"special label SCENE --classes {classes} --concepts {path}" if spectra else None)


def _model(url: str | None, name: str | None, timeout: float, screen: Screen) -> LanguageModel | None:
    from special.llm.client import Endpoint, LanguageModel

    if url is None or name is None:
        return None
    return LanguageModel(Endpoint.from_user(url, name, timeout), progress=screen)


def _describe(
    classes: ClassList, model: LanguageModel | None, fresh: bool, path: Path, screen: Screen
) -> list[tuple[str, str]]:
    from special.classnames.descriptions import format_descriptions
    from special.classnames.encoder import default_encoder
    from special.llm.answer_cache import Answers
    from special.llm.describe import describe as written
    from special.storage.files import replace_text

    texts = written(classes, default_encoder(), model=model, answers=Answers(fresh=fresh), progress=screen)
    who = f"the language model {model.endpoint.model}" if model else "special, from the texts that come with it"
    head = [
        f"Descriptions of classes, written by {who}. Edit them as you like.",
        "A class's name in brackets, then its paragraphs with blank lines between; lines like this one are left out.",
    ]
    replace_text(path, format_descriptions(zip(classes.names, texts, strict=True), head))
    return [(name, f"{len(paragraphs)} paragraphs") for name, paragraphs in zip(classes.names, texts, strict=True)]


def _sketch(
    classes: ClassList,
    concepts: tuple[Path, ...],
    every: bool,
    model: LanguageModel | None,
    fresh: bool,
    path: Path,
    screen: Screen,
) -> list[tuple[str, str]]:
    from special.classnames.encoder import default_encoder
    from special.errors import LanguageModelError
    from special.landcover.concepts import load_concepts
    from special.llm.answer_cache import Answers
    from special.llm.sketch import format_concepts, sketch, wanted
    from special.storage.files import replace_text

    table = load_concepts(concepts)
    wants = wanted(classes, table, default_encoder(), every=every)
    if model is None:
        unknown = f" ({', '.join(want.name for want in wants)})" if wants else ""
        raise LanguageModelError(
            f"--spectra needs a language model to sketch what the table does not know{unknown}: give --llm-url, "
            "such as http://localhost:11434/v1, and --llm-model"
        )
    if not wants:
        screen.say("The concept table knows every class by name: nothing to sketch. --all sketches them all the same.")
        return []
    sketches = sketch(wants, table, model, answers=Answers(fresh=fresh), progress=screen)
    replace_text(path, format_concepts(sketches, table.wavelengths))
    return [(one.name, f"{one.kind}: {', '.join(name for name, _ in one.variants)}") for one in sketches]


def _show(path: Path, rows: list[tuple[str, str]], then: str | None) -> None:
    from special.cli.screen import show_table

    show_table(str(path), ("class", "written"), rows)
    if then:
        click.echo(f"Sketches are plausible, not measured: read them, mend them, then {then}")
