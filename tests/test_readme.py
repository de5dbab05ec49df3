"""What the README says can be done can be done."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import small_scene

import special
from special.cli import main
from special.simulate import simulate, write_scene

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = main.list_commands(click.Context(main))


def shell_lines() -> list[str]:
    """The lines of README that are commands."""
    return [line.strip() for line in README.splitlines() if line.startswith("    ") and line.strip()]


def special_calls() -> Iterator[list[str]]:
    """The arguments of every call of ``special`` in README."""
    for line in shell_lines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words[:1] == ["special"]:
                yield words[1:]


def command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None, f"README names {name}, which is no command"
    return found


@pytest.mark.parametrize("words", list(special_calls()), ids=" ".join)
def test_every_call_in_the_readme_is_understood(words: list[str]) -> None:
    # Parses names, options and their values; runs nothing.
    command(words[0]).make_context(words[0], words[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"special {name}\b", README)
    assert command(name).help


def test_every_option_that_the_text_names_exists() -> None:
    known = {option for name in COMMANDS for parameter in command(name).params for option in parameter.opts}
    prose = re.sub(r"^    .*$", "", README, flags=re.MULTILINE)
    assert {option.rstrip(".") for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", prose)} <= known


def test_the_two_commands_are_those_that_ci_runs() -> None:
    told = subprocess.run([ROOT / ".ci" / "run", "--list"], check=True, capture_output=True, text=True).stdout
    assert told.splitlines() == [line for line in shell_lines() if line.startswith("pip install")]
    first, second = told.splitlines()
    assert first.endswith("&& special demo") and re.search(r"&& pytest\b", second)


def test_the_extra_that_the_second_command_installs_exists() -> None:
    second = next(line for line in shell_lines() if line.startswith("pip install -e"))
    extra = re.search(r"\[(\w+)\]", second)
    assert extra and re.search(rf"^{extra[1]} =$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    name, _, place = target.partition("#")
    text = (ROOT / name).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    assert not place or place in [heading.lower().replace(" ", "-") for heading in headings]


def test_every_file_that_a_run_is_said_to_hold_is_there(labelled: special.Run) -> None:
    table = README[README.index("What you get, in") : README.index("`--reject 0.5` leaves")]
    named = [
        name
        for line in table.splitlines()
        for name in re.findall(r"`([\w./]+)`", line.split("|")[1:2][0] if "|" in line else "")
    ]
    assert len(named) >= 10
    for name in named:
        assert (labelled.path / name).exists(), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's ``scene.hdr`` and ``truth.npy``."""
    folder = tmp_path_factory.mktemp("readme")
    write_scene(folder, simulate(12, 10, 40, ["trees", "grass", "bare soil", "water"], 0))
    return folder


@pytest.fixture(scope="module")
def labelled(folder: Path) -> special.Run:
    """The README's scene, labelled with tiny settings."""
    return special.label(
        folder / "scene.hdr", folder / "classes.txt", out=folder / "run", settings=small_scene.TINY, clip="none"
    )


def test_the_python_of_the_readme_is_the_example_and_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    example = (ROOT / "examples" / "from_python.py").read_text(encoding="utf-8")
    assert example.endswith(code)
    quick = functools.partial(special.label, settings=small_scene.TINY, clip="none", device="cpu")
    monkeypatch.setattr(special, "label", quick)
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(compile(example, "examples/from_python.py", "exec"), names)
    assert names["run"].classes == ["Trees", "Grass", "Bare soil", "Water"]
    assert names["labels"].shape == names["confidence"].shape == names["probabilities"].shape[:2] == (12, 10)
    *areas, last = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in areas] == names["run"].classes
    assert re.fullmatch(r"OA [01]\.\d{3}; of the pseudo-labels [01]\.\d{3}", last)


def test_the_example_of_own_concepts_is_understood() -> None:
    from special.landcover.concepts import load_concepts

    table = load_concepts([ROOT / "examples" / "concepts.toml"])
    assert {"algal bloom", "green roof", "grass"} <= set(table.concepts)
    assert not {"algal bloom", "green roof"} & set(load_concepts().concepts), "an example of what the table lacks"
    bloom = table.concepts["algal bloom"].variants[0].reflectance
    assert np.isfinite(bloom).all() and 0 < bloom.min() < bloom.max() < 1
