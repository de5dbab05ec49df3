"""CONTRIBUTING.md shows code that is tested, and what it says holds; CHANGELOG.md names what has another name now."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import small_scene
from sites import Site, installed

from special.settings import RENAMED
from special.steps import LABEL

ROOT = Path(__file__).parents[1]
PLUGINS = ROOT / "tests" / "plugins"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^`(tests/\S+)`:\n\n```python\n(.*?)```$", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("name", "code"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_is_part_of_a_tested_file(name: str, code: str) -> None:
    assert code in (ROOT / name).read_text(encoding="utf-8")


def test_all_code_is_an_example() -> None:
    assert TEXT.count("```python") == len(EXAMPLES) == 6


@pytest.mark.parametrize("plugin", ["reader", "teacher", "classifier"])
def test_every_entry_point_is_the_one_that_the_example_lists(plugin: str) -> None:
    project = (PLUGINS / plugin / "pyproject.toml").read_text(encoding="utf-8")
    line = re.search(rf'\[project\.entry-points\."special\.{plugin}s"\]\n(.*)\n', project)
    assert line and f"`{line[1]}`" in TEXT


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:special|tests|pipelines)/[\w/]+\.\w+)`", TEXT))))
def test_every_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / name).is_file() or name.startswith("pipelines/NAME")


def test_every_folder_of_the_package_has_its_line() -> None:
    tree = TEXT[TEXT.index("    special/\n") : TEXT.index("Data flows one way")]
    told = set(re.findall(r"(\w+)/", tree)) - {"special"}
    assert {path.parent.name for path in ROOT.glob("special/*/__init__.py")} <= told
    assert all(any(ROOT.glob(f"special/**/{name}/__init__.py")) for name in told)


def test_every_setting_with_another_name_is_in_the_change_log() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = [re.findall(r"`([^`]+)`", line) for line in text.splitlines() if line.startswith("| `")]
    told = {tuple(name.rpartition(".")[2].strip("[]") for name in (row[0], row[-1])) for row in rows}
    for old, new in RENAMED.items():
        (section, old_key), (new_section, new_key) = old.split("."), new.split(".")
        assert {(section, new_section), (old_key, new_key)} & told, f"{old} is {new}"


# What is changed in files that are there, to add one of each inside the project. All else is new files.
CHANGES = {
    "setup.cfg": {
        "special.readers =\n": "special.readers =\n    plaincube = special.scene.readers.plain_text:PLAINCUBE\n",
        "special.teachers =\n": (
            "special.teachers =\n    dark-to-bright = special.teachers.dark_to_bright:DarkToBrightTeacher\n"
        ),
        "special.classifiers =\n": "special.classifiers =\n    linear = special.models.linear:LINEAR\n",
    },
    "pipelines/special.toml": {
        "\n[pseudo.image_text]\n": "\n[pseudo.dark_to_bright]\nordered = false\nblur = 0.2\n\n[pseudo.image_text]\n",
        "\n[s3fn]\n": "\n[linear]\nband_dropout = 0.1\n\n[s3fn]\n",
    },
    "special/steps/__init__.py": {
        "rgb, supervised": "rgb, summary, supervised",
        '"refine", "map"),\n)': '"refine", "map"),\n    summary.STEP,\n)',
    },
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """This package with a reader, a teacher, a classifier and a step more, installed."""
    copy = tmp_path_factory.mktemp("changed") / "checkout"
    for folder in ("special", "pipelines", "prompts"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)

    shutil.copy(PLUGINS / "reader/special_plain_text/__init__.py", copy / "special/scene/readers/plain_text.py")
    shutil.copy(PLUGINS / "teacher/special_dark_to_bright/__init__.py", copy / "special/teachers/dark_to_bright.py")
    shutil.copy(PLUGINS / "step/summary.py", copy / "special/steps/summary.py")
    linear = (PLUGINS / "classifier/special_linear/__init__.py").read_text(encoding="utf-8")
    linear = linear.replace("special_linear.network", "special.models.linear_network")
    linear = linear.replace('Path(__file__).with_name("linear.toml")', '"linear"')
    (copy / "special/models/linear.py").write_text(linear, encoding="utf-8")
    network = (PLUGINS / "classifier/special_linear/network.py").read_text(encoding="utf-8")
    network = network.replace("from special_linear import", "from special.models.linear import")
    (copy / "special/models/linear_network.py").write_text(network, encoding="utf-8")
    shutil.copy(PLUGINS / "classifier/special_linear/linear.toml", copy / "pipelines/linear.toml")
    for name, changes in CHANGES.items():
        text = (copy / name).read_text(encoding="utf-8")
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        (copy / name).write_text(text, encoding="utf-8")
    return installed(copy, copy.parent / "site")


def test_one_of_each_inside_the_project_is_new_files_and_these_lines(changed: Site, tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    scene = small_scene.write_text(tmp_path / "scene.txt")
    how = ("--classes", files.classes, "--classifier", "linear", "--device", "cpu", *small_scene.tiny_options())
    how += ("--set", 'pseudo.teachers=["dark-to-bright"]', "--set", "pseudo.dark_to_bright.ordered=true")
    changed.done("label", scene, *how, "--out", tmp_path / "run")
    states = changed.states(tmp_path / "run")
    assert list(states) == [*(step.name for step in LABEL), "summary"]
    assert {step["state"] for step in states.values()} == {"done"}
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert list(record["teachers"]) == ["dark-to-bright"]
    assert record["settings"]["classifier.name"] == "linear"
    assert record["plugins"] == [], "they are ours"
    assert sum(json.loads((tmp_path / "run" / "summary.json").read_text()).values()) == files.truth.size
