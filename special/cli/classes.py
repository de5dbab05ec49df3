"""``special classes``: what the class names are understood as."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from special.cli.echo import echo, shown
from special.cli.options import concepts_option, set_option
from special.cli.scene_options import scene_options

if TYPE_CHECKING:
    from rich.console import Console

    from special.teachers.spectrum_text.explain import ClassExplanation, Explanation

_EPILOG = """\b
Examples:
  special classes --classes classes.txt
  special classes scene.hdr --classes classes.txt
  special classes --classes classes.txt --concepts my.toml --json
  special classes --library library.sli --library-column class

\b
A description after a colon says more of a name:
  Roof
  Yard: light concrete and paving stones
"""


@click.command(epilog=_EPILOG)
@click.argument("scene", type=click.Path(path_type=Path), required=False)
@click.option("--classes", "file", metavar="FILE", type=click.Path(path_type=Path), help="The class list.")
@click.option("--library", metavar="FILE", type=click.Path(path_type=Path), help="Spectral library of the classes.")
@click.option("--library-column", metavar="NAME", help="Column of the library's metadata that holds the classes.")
@scene_options
@click.option("--pipeline", metavar="NAME|FILE", default="special", show_default=True, help="Settings of every step.")
@set_option
@concepts_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def classes(
    scene: Path | None,
    file: Path | None,
    changes: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Show what each class name is understood as, and which classes cannot be told apart.

    With SCENE, classes are compared on its bands and by its calibration; without, from 400 to 2400 nm.
    """
    from special.api.explain import explain
    from special.settings import parse_changes

    found = explain(file, scene, settings=parse_changes(changes), **options)
    if as_json:
        import json

        echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(found)


def _show(found: Explanation) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for number, entry in enumerate(found.classes, start=1):
        _show_class(console, number, entry)
    hints = found.hints()
    for hint in hints:
        console.print(shown(f"{hint[:1].upper()}{hint[1:]}.", style="yellow"))
    if not hints:
        console.print("Every name is understood, and no two classes look alike to the spectrum-text teacher.")


def _show_class(console: Console, number: int, entry: ClassExplanation) -> None:
    from rich.table import Table

    console.print(shown(f"{number}  {entry.name}", style="bold"))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, min_width=14, style="dim")
    table.add_column(overflow="fold")
    for label, value in lines(entry):
        table.add_row(f"   {label}", shown(value))
    console.print(table)
    console.print()


def lines(entry: ClassExplanation) -> list[tuple[str, str]]:
    """Return what is shown of a class, (label, text) line by line."""
    from special.teachers.spectrum_text.explain import OUTLINES, READ_BY

    said: list[tuple[str, str]] = []
    for meaning in entry.meanings:
        joint = " beside " if meaning.side_by_side else ", "
        concepts = joint.join(
            name if meaning.side_by_side or len(meaning.concepts) == 1 else f"{name} {weight:.0%}"
            for name, weight in meaning.concepts
        )
        whole = "; ".join(part for part in (concepts, *meaning.modifiers, READ_BY[meaning.read_by]) if part)
        source = f" ({meaning.language})" if meaning.language else ""
        read = f"{meaning.english}{source}: " if meaning.english else ""
        of = read if meaning.text == entry.name else f"{meaning.text!r}: {read}"
        said.append(("means" if not said else "", f"{of}{whole}"))
    if entry.description:
        said.insert(0, ("described", entry.description))
    if entry.looks:
        *kinds, shade = entry.looks
        outline = f"; {OUTLINES[entry.outline]}" if entry.outline else ""
        said.append(("looks", f"{' or '.join(kinds)}; brightness {shade}{outline}"))
    for concept, materials, source in entry.sketches:
        label = "sketched" if said[-1][0] == "looks" else ""
        of = f"{concept}: " if len(entry.sketches) > 1 else ""
        said.append((label, f"{of}{', '.join(materials)} (from {source})"))
    examples = ", ".join(f'"{example}"' for example in entry.examples)
    return [*said, ("prompts", f"{entry.prompts} for an image-text model, such as {examples}")]
