"""What the pages and the README say is so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import doc_pages
import numpy as np
import pytest
import small_scene

import special
from special.cli import main
from special.simulate import simulate, write_scene

sys.path.insert(0, str(doc_pages.ROOT / "docs" / "tools"))
import reference
import tables

COMMANDS = main.list_commands(click.Context(main))
CALLS = [
    pytest.param(words, id=f"{path.stem}: {' '.join(words)}")
    for path in doc_pages.PAGES
    for block in doc_pages.blocks(path)
    for words in block.calls()
]
LINKS = sorted(
    {
        (path, target)
        for path in doc_pages.PAGES
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8"))
    }
)
MADE = {"commands.md", "settings.md", "contributing.md", "changes.md"}
"""Pages that are made while the site is built; that links to places inside them lead somewhere, MkDocs checks."""


def command(group: click.Group, words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and what is left of them."""
    found = group.get_command(click.Context(group), words[0])
    assert found is not None, f"{words[0]} is no command"
    return command(found, words[1:]) if isinstance(found, click.Group) else (found, words[1:])


@pytest.mark.parametrize("words", CALLS)
def test_every_call_is_understood(words: list[str]) -> None:
    # Parses names, options and their values; runs nothing.
    found, rest = command(main, words)
    found.make_context(words[0], rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_pages(name: str) -> None:
    assert any(re.search(rf"special {name}\b", path.read_text(encoding="utf-8")) for path in doc_pages.PAGES)
    assert main.get_command(click.Context(main), name).help


@pytest.mark.parametrize("path", doc_pages.PAGES, ids=lambda path: path.stem)
def test_every_option_that_the_text_names_exists(path: Path) -> None:
    known = {"--strict"}
    for name in COMMANDS:
        found = main.get_command(click.Context(main), name)
        known |= {option for parameter in found.params for option in parameter.opts}
    written = re.sub(r"^\*Measured with .*$", "", doc_pages.prose(path), flags=re.MULTILINE)  # by a benchmark's options
    assert {one.rstrip(".") for one in re.findall(r"(?<![\w-])--[a-z][a-z-]*", written)} <= known


@pytest.mark.parametrize(("path", "target"), LINKS, ids=lambda part: getattr(part, "stem", part))
def test_every_link_leads_somewhere(path: Path, target: str) -> None:
    name, _, place = target.partition("#")
    if path.parent.name == "docs" and name in MADE:
        return
    linked = path.parent / name
    assert linked.exists(), target
    if place:
        headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert place in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("path", doc_pages.PAGES, ids=lambda path: path.stem)
def test_every_program_and_file_of_the_project_that_a_page_names_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:benchmarks|prompts|pipelines|examples|docs)/[\w/.-]+\.\w+\b", text):
        assert (doc_pages.ROOT / name).is_file(), name


@pytest.mark.parametrize(("path", "text"), list(tables.pages()), ids=lambda part: getattr(part, "stem", ""))
def test_made_tables_are_as_they_would_be_made_now(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "python docs/tools/tables.py"


def test_every_table_that_can_be_made_is_in_a_page() -> None:
    assert set(re.findall("<!-- made: (.+?) -->", "".join(text for _, text in tables.pages()))) == set(tables.TABLES)


def test_every_setting_is_on_the_page_of_settings() -> None:
    from special.settings import load

    page = reference.settings_page()
    missing = [name for name in load().values if f"`{name}`" not in page]
    assert not missing


def test_a_line_of_a_pipeline_that_is_no_setting_is_noticed() -> None:
    with pytest.raises(ValueError, match="is no comment, section or setting"):
        list(reference.sections("[rgb]\nred_nm = 1.0  # 1 to 2\nstray\n"))


def test_every_command_is_on_the_page_of_commands() -> None:
    page = reference.commands_page()
    assert all(f"\n## special {name}\n" in page for name in [*COMMANDS, "library info", "library concepts"])


def test_every_public_name_is_on_the_page_of_python() -> None:
    page = reference.python_page("# Python\n")
    for name in set(special.__all__) - {"__version__"}:
        module, found = re.search(rf"^::: (\S+)\.({name})$", page, flags=re.MULTILINE).groups()
        assert getattr(sys.modules.get(module) or __import__(module, fromlist=[found]), found) is getattr(special, name)


def test_every_file_that_a_run_is_said_to_hold_is_there(tmp_path: Path) -> None:
    write_scene(tmp_path, simulate(12, 10, 40, ["trees", "grass", "bare soil", "water"], 0))
    run = special.label(
        tmp_path / "scene.hdr", tmp_path / "classes.txt", out=tmp_path / "run", settings=small_scene.TINY, clip="none"
    )
    page = (doc_pages.ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page[: page.index("`--reject 0.5`")].splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([\w./]+)`", row)]
    assert len(named) >= 10
    for name in named:
        assert (run.path / name).exists(), name


def test_the_example_of_own_concepts_is_understood() -> None:
    from special.landcover.concepts import load_concepts

    table = load_concepts([doc_pages.ROOT / "examples" / "concepts.toml"])
    assert {"algal bloom", "green roof", "grass"} <= set(table.concepts)
    assert not {"algal bloom", "green roof"} & set(load_concepts().concepts), "an example of what the table lacks"
    bloom = table.concepts["algal bloom"].variants[0].reflectance
    assert np.isfinite(bloom).all() and 0 < bloom.min() < bloom.max() < 1
