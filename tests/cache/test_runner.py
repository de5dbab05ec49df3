"""The cache contract: a step runs when something that it depends on has changed, and only then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_steps import STEPS, execute, given, payload, ran, with_step

from special.cache import runner
from special.cache.directory import Manifest, RunDirectory
from special.progress import Progress
from special.storage.files import digest, load_array, sha256_of


class Listener(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def plan(folder: Path, asked=None, steps=STEPS) -> dict[str, tuple[str, str]]:
    return {v.step: (v.state, v.reason) for v in runner.plan(RunDirectory(folder), steps, asked or given())}


def test_every_step_runs_the_first_time_and_none_the_second(tmp_path: Path) -> None:
    assert ran(execute(tmp_path)) == ["first", "second", "third"]
    assert ran(execute(tmp_path)) == []


def test_two_runs_of_the_same_request_leave_the_same_bits(tmp_path: Path) -> None:
    execute(tmp_path / "a")
    execute(tmp_path / "b")
    assert payload(tmp_path / "a") == payload(tmp_path / "b")


@pytest.mark.parametrize(
    ("asked", "expected", "reason"),
    [
        (given({"first.size": 4}), ["first", "second", "third"], "settings changed: first.size 3 -> 4"),
        (given({"second.rate": 0.25}), ["second", "third"], "settings changed: second.rate 0.5 -> 0.25"),
        (given({"third.reject": 0.5}), ["third"], "settings changed: third.reject 0.0 -> 0.5"),
        (given(seed=1), ["second", "third"], "the seed changed (0 -> 1)"),
        (given(salt={"grain": "g0", "colour": "c1"}), ["first", "second", "third"], "the salt changed (colour)"),
        (given(words=["water"]), ["third"], "the list of words changed"),
        (given({"fourth.size": 3}, pepper=1), [], ""),
    ],
)
def test_a_change_reruns_what_depends_on_it_and_nothing_else(tmp_path: Path, asked, expected, reason) -> None:
    execute(tmp_path)
    foreseen = plan(tmp_path, asked)
    outcomes = execute(tmp_path, asked)
    assert ran(outcomes) == expected == [step for step, (state, _) in foreseen.items() if state != "done"]
    if expected:
        assert foreseen[expected[0]][1] == reason == next(o for o in outcomes if o.ran).reason


def test_a_step_depends_on_the_sections_of_what_was_chosen_and_on_no_others(tmp_path: Path) -> None:
    steps = with_step(1, chosen=("spice",))
    pepper = replace(given({"pepper.heat": 1, "mace.heat": 1}), chosen={"spice": ("pepper",)})
    execute(tmp_path, pepper, steps)
    hotter = replace(given({"pepper.heat": 2, "mace.heat": 1}), chosen=pepper.chosen)
    assert plan(tmp_path, hotter, steps)["second"] == ("stale", "settings changed: pepper.heat 1 -> 2")
    other = replace(given({"pepper.heat": 1, "mace.heat": 2}), chosen=pepper.chosen)
    assert ran(execute(tmp_path, other, steps)) == []


def test_a_setting_that_has_a_new_name_is_no_change(tmp_path: Path) -> None:
    old = {**given().settings, "second.speed": 0.5}
    del old["second.rate"]
    before = (replace(STEPS[1], function=lambda context, folder: np.save(folder / "numbers.npy", np.ones((3, 3)))),)
    execute(tmp_path, replace(given(), settings=old), (STEPS[0], *before, STEPS[2]))
    renamed = replace(given(), renamed={"second.speed": "second.rate"})
    assert {state for state, _ in plan(tmp_path, renamed).values()} == {"done"}
    assert ran(execute(tmp_path, renamed)) == []
    assert plan(tmp_path)["second"] == ("stale", "settings changed: second.speed is gone, second.rate is new")


def test_other_code_reruns_the_step(tmp_path: Path) -> None:
    execute(tmp_path)
    steps = with_step(1, version=2)
    assert plan(tmp_path, steps=steps)["second"][1] == "this step is computed differently now"
    assert ran(execute(tmp_path, steps=steps)) == ["second", "third"]


def test_a_setting_held_apart_is_no_ingredient(tmp_path: Path) -> None:
    steps = with_step(1, apart=("second.rate",))
    execute(tmp_path, steps=steps)
    assert ran(execute(tmp_path, given({"second.rate": 0.9}), steps)) == []


def test_the_plan_says_what_has_to_follow(tmp_path: Path) -> None:
    execute(tmp_path)
    asked = given({"first.size": 5, "third.reject": 0.1})
    assert plan(tmp_path, asked) == {
        "first": ("stale", "settings changed: first.size 3 -> 5"),
        "second": ("stale", "first has to run"),
        "third": ("stale", "settings changed: third.reject 0.0 -> 0.1; second has to run"),
    }


def test_a_plan_of_a_run_that_is_not_there_writes_nothing(tmp_path: Path) -> None:
    verdicts = plan(tmp_path / "run")
    assert {state for state, _ in verdicts.values()} == {"never run"}
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_payload_is_a_miss_said_in_one_line(tmp_path: Path, damage: str) -> None:
    execute(tmp_path)
    before = payload(tmp_path)
    path = tmp_path / "steps" / "second" / "numbers.npy"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
        path.write_bytes(data)
    elif damage == "truncate":
        path.write_bytes(data[:-8])
    else:
        path.unlink()
    assert plan(tmp_path)["second"] == ("damaged", "numbers.npy does not match the manifest")
    listener = Listener()
    assert ran(execute(tmp_path, progress=listener)) == ["second"], "its payload came out the same, so nothing follows"
    assert listener.lines == ["second runs again: numbers.npy does not match the manifest"]
    assert payload(tmp_path) == before


@pytest.mark.parametrize("content", ["", "{}", '{"step": "first"', "[1]"])
def test_a_damaged_manifest_is_a_miss(tmp_path: Path, content: str) -> None:
    execute(tmp_path)
    (tmp_path / "steps" / "first" / "manifest.json").write_text(content)
    assert plan(tmp_path)["first"] == ("damaged", "its manifest.json is missing or damaged")
    assert ran(execute(tmp_path)) == ["first"]


def test_a_manifest_whose_ingredients_were_edited_is_a_miss(tmp_path: Path) -> None:
    execute(tmp_path)
    path = tmp_path / "steps" / "first" / "manifest.json"
    document = json.loads(path.read_text())
    document["ingredients"]["settings"]["first.size"] = 4
    path.write_text(json.dumps(document))
    assert ran(execute(tmp_path, given({"first.size": 4})))[0] == "first"


def test_what_comes_out_different_after_damage_reruns_what_follows(tmp_path: Path) -> None:
    execute(tmp_path)

    def otherwise(context, folder) -> None:  # another GPU, say: the same ingredients, other last bits
        np.save(folder / "numbers.npy", np.ones((3, 3)))

    (tmp_path / "steps" / "first" / "numbers.npy").unlink()
    steps = with_step(0, function=otherwise)
    assert ran(execute(tmp_path, steps=steps)) == ["first", "second", "third"]


def test_the_manifest_hashes_every_file_of_the_payload(tmp_path: Path) -> None:
    execute(tmp_path)
    folder = tmp_path / "steps" / "second"
    found = Manifest.read(folder)
    assert found is not None
    assert dict(found.files) == {name: sha256_of(folder / name) for name in ("numbers.npy", "record.json")}
    assert found.key == digest(found.ingredients)


def test_deliverables_stand_at_the_top_and_are_put_back(tmp_path: Path) -> None:
    execute(tmp_path)
    top = tmp_path / "result.npy"
    inside = tmp_path / "steps" / "third" / "result.npy"
    assert top.read_bytes() == inside.read_bytes()
    top.write_bytes(b"edited")
    assert ran(execute(tmp_path)) == []
    assert top.read_bytes() == inside.read_bytes()


def test_what_a_step_worked_with_goes_even_when_it_was_killed_as_soon_as_it_was_done(tmp_path: Path) -> None:
    execute(tmp_path)
    left = tmp_path / "work" / "third-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "rasters").touch()
    assert ran(execute(tmp_path)) == []
    assert not (tmp_path / "work").exists()


def test_until_stops_after_a_step(tmp_path: Path) -> None:
    assert ran(execute(tmp_path, until="second")) == ["first", "second"]
    assert not (tmp_path / "steps" / "third").exists()


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        load_array(tmp_path / "evil.npy")


def test_a_step_cannot_read_what_it_does_not_declare(tmp_path: Path) -> None:
    def nosy(context, folder) -> None:
        context.array("first", "numbers.npy")

    with pytest.raises(LookupError, match="third does not declare that it reads first"):
        execute(tmp_path, steps=with_step(2, function=nosy))
