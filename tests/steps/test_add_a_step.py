"""A step is added by one file and its name in a list: commands, ``--until``, status and help follow.

``tests/plugins/step/summary.py`` is the file. Here it is appended to ``LABEL`` before anything reads that list, which
is what a line in ``special/steps/__init__.py`` does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import small_scene
from sites import WITHOUT, Site

from special.steps import LABEL, with_answers

BEFORE = [step.name for step in LABEL]
ADDED = Site(
    (Path(__file__).parents[1] / "plugins" / "step",),
    before="import special.steps, summary; special.steps.LABEL += (summary.STEP,)",
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> small_scene.Files:
    return small_scene.write(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def words(scene: small_scene.Files) -> list[str]:
    """The words that label the scene in seconds."""
    run = str(scene.scene.with_suffix(".special"))
    return ["label", *scene.options, *small_scene.tiny_options(), "--device", "cpu", "--out", run]


@pytest.fixture(scope="module")
def run(words: list[str]) -> Path:
    """A run that was made before there was such a step."""
    WITHOUT.done(*words)
    return Path(words[-1])


def test_the_step_is_a_command_with_help_and_examples() -> None:
    text = ADDED.done("summary", "--help")
    assert "Count the pixels of every class in the map of RUN." in text
    assert "special summary scene.special" in text
    commands = re.findall(r"^  (\w+) ", ADDED.done("--help"), flags=re.MULTILINE)
    own = [step.name for step in with_answers()]
    assert commands[commands.index("rgb") :][: len(own) + 1] == [*own, "summary"]


def test_until_takes_its_name() -> None:
    assert "'summary'" in ADDED.special("label", "scene.npy", "--classes", "x.txt", "--until", "nothing").stderr
    assert "'summary'" in ADDED.special("map", "--until", "nothing").stderr


def test_a_run_gets_what_it_lacks_and_nothing_else(words: list[str], run: Path) -> None:
    states = ADDED.states(run)
    assert {name: step["state"] for name, step in states.items()} == {
        **dict.fromkeys(BEFORE, "done"),
        "summary": "never run",
    }
    printed = ADDED.done(*words)
    made = dict(line.split()[:2] for line in printed.splitlines()[2:][: len(states)])
    assert made == {**dict.fromkeys(BEFORE, "kept"), "summary": "made"}
    assert "mean confidence" in printed
    counts = np.bincount(np.load(run / "map.npy").ravel(), minlength=4)[1:]
    assert json.loads((run / "summary.json").read_text()) == dict(
        zip(small_scene.CLASSES, counts.tolist(), strict=True)
    )


def test_the_areas_are_printed_wherever_there_is_a_map(words: list[str], run: Path) -> None:
    assert "mean confidence" in ADDED.done(*words, "--until", "map")
    assert "mean confidence" not in ADDED.done(*words, "--until", "refine")


def test_it_is_run_by_its_own_command_and_after_a_change_before_it(run: Path) -> None:
    ADDED.done("summary", run, "--device", "cpu")
    assert ADDED.states(run)["summary"]["state"] == "done"
    plan = ADDED.done("map", run, "--set", "map.reject=0.5", "--dry-run").splitlines()
    assert ["map", "stale"] in [line.split()[:2] for line in plan]
    assert plan[-1].split() == ["summary", "stale", "map", "has", "to", "run"]


def test_a_supervised_run_has_the_steps_it_had(scene: small_scene.Files) -> None:
    labels = scene.scene.with_name(f"{scene.scene.stem}_truth.npy")
    words = ["fit", scene.scene, "--labels", labels, "--classes", scene.classes, "--wavelengths", scene.wavelengths]
    plan = ADDED.done(*words, "--out", scene.scene.with_suffix(".fit"), "--dry-run").splitlines()
    assert [line.split()[0] for line in plan[2:]] == ["split", "fit", "map", "report"]
