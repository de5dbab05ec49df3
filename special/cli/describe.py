"""``special describe``: texts and sketches of classes, for people to read and mend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from special.cli.echo import echo
from special.cli.options import quiet_option

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
    spectra: bool,
    every: bool,
    concepts: tuple[Path, ...],
    quiet: bool,
    **options: Any,
) -> None:
    """Write descriptions of the classes, several paragraphs each, into a text file that you can read and edit.

    They come with the package, chosen by the nearest name, or a language model writes them (--llm-url). With --spectra
    it writes instead what the classes that the concept table does not know reflect, checked for physical plausibility:
    a file for special label --concepts.

    What a language model has answered is kept, so that an interrupted command goes on where it was.
    """
    from special.api.describe import describe as write_descriptions
    from special.api.describe import sketch_spectra
    from special.cli.screen import Screen
    from special.errors import DescriptionError

    if (every or concepts) and not spectra:
        raise DescriptionError("--all and --concepts belong to --spectra")
    with Screen(quiet) as screen:
        if spectra:
            written = sketch_spectra(classes, out, concepts=concepts, every=every, progress=screen, **options)
        else:
            written = write_descriptions(classes, out, progress=screen, **options)
    if not quiet and written.classes:
        then = f"special label SCENE --classes {classes} --concepts {written.path}" if spectra else None
        _show(written.path, written.classes, then)


def _show(path: Path, rows: Sequence[tuple[str, str]], then: str | None) -> None:
    from special.cli.screen import show_table

    show_table(str(path), ("class", "written"), rows)
    if then:
        echo(f"Sketches are plausible, not measured: read them, mend them, then {then}")
