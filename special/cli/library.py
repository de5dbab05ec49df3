"""``special library``: what is in a spectral library, and its classes as land-cover concepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from special.cli.echo import echo

_EPILOG = """\b
Examples:
  special library info library.sli
  special library info library.sli --column Level_2 --json
  special library concepts library.sli --column Level_2 -o my.toml
  special label scene.hdr --library library.sli --library-column Level_2
  special label scene.hdr --library library.sli --classes classes.txt

\b
A library is an ENVI spectral library (.sli with .hdr, and a .csv with metadata beside it), a folder of USGS splib07
ASCII or of ECOSTRESS or ASTER text files, a database of those, or a CSV of spectra.
"""

_FILE = click.Path(path_type=Path)
_COLUMN = click.option("--column", metavar="NAME", help="Column of the metadata that holds the classes.")


@click.group(epilog=_EPILOG)
def library() -> None:
    """Look at a spectral library, or make concepts of it."""


@library.command()
@click.argument("file", type=_FILE)
@_COLUMN
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def info(file: Path, column: str | None, as_json: bool) -> None:
    """Show what is in the spectral library FILE: its spectra, its columns, its classes."""
    from special.api.library import library_info

    facts = library_info(file, column)
    if as_json:
        import json

        echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        from special.cli.screen import show_facts

        show_facts(_lines(facts))


@library.command()
@click.argument("file", type=_FILE)
@_COLUMN
@click.option("-o", "--out", metavar="FILE", type=_FILE, default="concepts.toml", show_default=True, help="To write.")
@click.option("--force", is_flag=True, help="Replace the file that is to be written.")
def concepts(file: Path, column: str | None, out: Path, force: bool) -> None:
    """Write the classes of the spectral library FILE as concepts for special label --concepts."""
    from special.api.library import write_concepts

    count = write_concepts(file, out, column, force=force)
    echo(f"{count} concepts are in {out}: look at them, then special label SCENE --concepts {out}")


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    low, high = facts["range_nm"]
    channels = " or ".join(map(str, facts["channels"]))
    return [
        ("library", facts["path"]),
        ("format", facts["format"]),
        ("spectra", f"{facts['spectra']}, {channels} channels, {low:.0f} to {high:.0f} nm"),
        ("columns", ", ".join(f"{name} ({count} values)" for name, count in facts["columns"].items())),
        *((f"by {name}", _counts(counts)) for name, counts in facts["classes"].items()),
        *(("note", note) for note in facts["notes"]),
    ]


def _counts(counts: dict[str, int], most: int = 40) -> str:
    shown = [f"{name} {count}" for name, count in list(counts.items())[:most]]
    return ", ".join(shown) + (f" and {len(counts) - most} more" if len(counts) > most else "")
