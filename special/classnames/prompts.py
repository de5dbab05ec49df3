"""Prompt templates: the sentences that a class name is put into before an image-text model reads it."""

from __future__ import annotations

from pathlib import Path

from special.errors import SettingsError
from special.resources import PROMPTS

SLOT = "{}"


def read_templates(name: str | Path) -> tuple[str, ...]:
    """Read templates, one a line with ``{}`` for the class name; blank lines and ``#`` lines are skipped.

    Args:
        name: a file in the folder ``prompts``, or a path to one of your own.

    Raises:
        SettingsError: no such file, no template in it, or a line without exactly one ``{}``.
    """
    path = Path(name)
    if not path.is_file():
        path = PROMPTS / name
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"no readable prompt templates at {name}: name a text file, one template a line") from None
    templates = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    for template in templates:
        if template.count(SLOT) != 1:
            raise SettingsError(f"the template {template!r} in {name} needs exactly one {SLOT} for the class name")
    if not templates:
        raise SettingsError(f"{name} has no prompt templates: write one a line, with {SLOT} for the class name")
    return templates


def fill(template: str, name: str) -> str:
    """Put a class name into a template; braces in the name are left alone, underscores read as spaces."""
    return template.replace(SLOT, name.replace("_", " "))


def open_clip_templates() -> tuple[str, ...]:
    """Return the 80 ImageNet templates of CLIP (Radford et al. 2021) that open_clip ships."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    return tuple(template(SLOT) for template in OPENAI_IMAGENET_TEMPLATES)
