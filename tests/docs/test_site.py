"""The site is built without a warning, whole, and reads without a network."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import doc_pages
import pytest

pytestmark = pytest.mark.skipif(
    not (importlib.util.find_spec("mkdocs") and importlib.util.find_spec("mkdocstrings")),
    reason="the site needs the extra `docs`",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", target],
        cwd=doc_pages.ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return target


class Fetched(HTMLParser):
    """What a browser fetches for a page, as opposed to what a reader may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.addresses.append(given.get("src") or "")
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.addresses.append(given.get("href") or "")


def test_every_page_is_there(site: Path) -> None:
    made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    written = {f"{path.stem}.html" for path in (doc_pages.ROOT / "docs").glob("*.md")}
    assert written | {"commands.html", "settings.html", "contributing.html", "changes.html", "404.html"} == made


def test_a_reader_needs_no_network(site: Path) -> None:
    for path in site.rglob("*.html"):
        fetched = Fetched()
        fetched.feed(path.read_text(encoding="utf-8"))
        assert fetched.addresses
        strange = [address for address in fetched.addresses if re.match(r"(\w+:)?//", address)]
        assert not strange, path.name


def test_the_page_of_python_has_docstrings_and_no_markup_of_another_tool(site: Path) -> None:
    page = (site / "python.html").read_text(encoding="utf-8")
    assert 'id="special.api.label.label"' in page and "class names" in page
    assert not re.search(r":(func|class|mod):", page)
