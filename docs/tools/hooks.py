"""What MkDocs calls: pages that are made while the site is built, so that none is stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import reference


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    made = {
        "commands.md": reference.commands_page(),
        "settings.md": reference.settings_page(),
        "contributing.md": reference.project_page("CONTRIBUTING.md"),
        "changes.md": reference.project_page("CHANGELOG.md"),
    }
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Add the docstrings to the page of the Python interface."""
    return reference.python_page(markdown) if page.file.src_uri == "python.md" else markdown


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Show a reference of a docstring, ``:func:`special.label```, as the name that it is."""
    return re.sub(r":\w+:(?=<code>)", "", html)
