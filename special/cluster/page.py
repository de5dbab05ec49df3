"""``index.html``: a batch at a glance, a page that needs neither a network nor a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import quote

from special.cluster.rows import Row

if TYPE_CHECKING:
    from jinja2 import Template


def render_page(title: str, rows: Sequence[Row], counts: Mapping[str, int], when: str) -> str:
    """Return the page. Whatever stands in rows is shown as text, never read as HTML.

    Args:
        title: what the batch is called.
        rows: its scenes.
        counts: how many there are of each state.
        when: the time that the page is of.
    """
    return _template().render(title=title, rows=rows, counts=counts, when=when)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined)
    made.filters["address"] = lambda path: quote(str(path))
    return made.from_string((resources.files(__package__) / "page.html").read_text(encoding="utf-8"))
