"""Pages that are made and not written: every command from its help, every setting from the pipelines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
WIDTH = 96  # of a command's help, in letters


def commands_page() -> str:
    """Return the page of all commands, each with the help that it prints."""
    from special.cli import main

    lines = ["# Commands", "", "What `special COMMAND --help` says.", ""]
    for name, command, context in _commands(main):
        lines += [f"## special {name}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines)


def _commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command, click.Context]]:
    parent = click.Context(group, info_name=f"special {before}".strip(), terminal_width=WIDTH, max_content_width=WIDTH)
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        whole = f"{before} {name}".strip()
        yield whole, command, click.Context(command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH)
        if isinstance(command, click.Group):
            yield from _commands(command, whole)


@dataclass(frozen=True)
class Setting:
    """A line ``key = value  # range`` of a pipeline."""

    key: str
    value: str
    limits: str


def settings_page() -> str:
    """Return the page of all settings: their section, what the file says of them, the default and the range."""
    lines = [
        "# Settings",
        "",
        "Every setting of every step, with its default and the range that it may have, as `pipelines/special.toml`",
        "has them. One is changed with `--set STEP.KEY=VALUE`, [several](runs.md#settings) by a file.",
        "",
    ]
    text = (ROOT / "pipelines" / "special.toml").read_text(encoding="utf-8")
    for section, parts in sections(text):
        lines += [f"## [{section}]", ""]
        for comment, settings in parts:
            lines += [comment, ""] if comment else []
            if settings:
                lines += ["| setting | default | range |", "|---|---|---|"]
                lines += [f"| `{section}.{one.key}` | `{one.value}` | {one.limits} |" for one in settings]
                lines += [""]
    lines += ["## Pipelines of other classifiers", "", "What differs in the training of each.", ""]
    for path in sorted((ROOT / "pipelines").glob("*.toml")):
        if path.stem != "special":
            lines += [f"### {path.stem}", "", "```toml", path.read_text(encoding="utf-8").rstrip(), "```", ""]
    return "\n".join(lines)


def project_page(name: str) -> str:
    """Return a text that stands at the top of the project as a page; its links to files become their names."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)", r"\1", text)


def python_page(written: str) -> str:
    """Return the page of the Python interface: what is written, then every public name with its docstring."""
    from special import _HOMES

    functions = sorted(name for name in _HOMES if name.islower())
    classes = sorted(set(_HOMES) - set(functions))
    lines = [written.rstrip(), ""]
    for title, names in (("Functions", functions), ("Classes", classes)):
        lines += [f"## {title}", ""]
        for name in names:
            home = "special.scene.scene" if _HOMES[name] == "special.scene" else _HOMES[name]
            lines += [f"::: {home}.{name}", ""]
    return "\n".join(lines)


def sections(text: str) -> Iterator[tuple[str, list[tuple[str, list[Setting]]]]]:
    """Take a pipeline apart: for every section its parts, a comment and the settings below it.

    Raises:
        ValueError: a line that is no comment, section or setting, or a value that TOML reads otherwise.
    """
    section, parts, comment = "", list[tuple[str, list[Setting]]](), list[str]()
    for line in [*text.splitlines(), "[]"]:
        if found := re.fullmatch(r"\[(.*)\]", line):
            if section:
                yield section, parts
            section, parts, comment = found[1], [], []
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif found := re.fullmatch(r"(\w+) = (.*?)(?:  # (.*))?", line):
            if comment or not parts:
                parts.append((" ".join(comment), []))
                comment = []
            if tomllib.loads(line) != tomllib.loads(f"{found[1]} = {found[2]}"):
                raise ValueError(f"{line!r} is no plain setting")
            parts[-1][1].append(Setting(found[1], found[2].replace("|", "\\|"), (found[3] or "").replace("|", "\\|")))
        elif line.strip():
            raise ValueError(f"{line!r} is no comment, section or setting")
