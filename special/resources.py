"""Where the files that come with the package lie: inside it when installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the folder {name!r} is missing beside {package}: install special-hsi again")


PIPELINES = _folder("pipelines")
PROMPTS = _folder("prompts")
