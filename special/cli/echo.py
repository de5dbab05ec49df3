"""Writing to a terminal what may hold names of others: no character in it is an order to the terminal."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

_AS_THEY_ARE = "\n\t\u200c\u200d"  # the last two join letters, in Persian and Hindi


def printable(text: str) -> str:
    """Return a text in which what cannot be seen is written out as JSON would: ``\\u001b`` for the escape character.

    That is control characters, of which some order a terminal about, and those that turn the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _AS_THEY_ARE else _escaped(one) for one in text)


def echo(text: str = "", *, err: bool = False, file: IO[Any] | None = None) -> None:
    """Write a line to stdout, or to stderr or ``file``."""
    click.echo(printable(text), err=err, file=file)


def shown(text: str, style: str = "") -> Text:
    """Return a text for a table or a console of rich, in which nothing is markup either."""
    from rich.text import Text

    return Text(printable(text), style=style)


def _escaped(one: str) -> str:
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
