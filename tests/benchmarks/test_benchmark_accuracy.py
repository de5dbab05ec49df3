"""``benchmarks/accuracy.py``: peers, runs that are kept, tables that err, constants chosen without a held-out scene."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import small_scene
import tiny_clip

import special
from special.landcover.concepts import load_concepts
from special.resources import PROMPTS
from special.scene import open_scene
from special.settings import load

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TABLE = PROMPTS / "concepts.toml"


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The benchmark's modules, as they are found when it is run as a script."""
    parts = (
        "accuracy",
        "scenes",
        "proof.changes",
        "proof.peers",
        "proof.perturb",
        "proof.runs",
        "proof.settings",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(BENCHMARKS))
        found = {name.rpartition(".")[2]: importlib.import_module(name) for name in parts}
        yield SimpleNamespace(**found)
        for name in [*parts, "proof"]:
            patched.delitem(sys.modules, name)


@pytest.fixture
def scene(bench: SimpleNamespace, tmp_path: Path) -> Any:
    files = small_scene.write(tmp_path / "scenes" / "strips", "strips")
    np.save(tmp_path / "scenes" / "strips" / "strips_gt.npy", files.truth)
    return bench.scenes.find(tmp_path / "scenes")[0]


@pytest.fixture
def base(bench: SimpleNamespace) -> Any:
    return bench.runs.Variation({**small_scene.TINY, "pseudo.image_text.clip": "none"})


# ---------------------------------------------------------------------------------------------------- perturbed tables


def written(bench: SimpleNamespace, folder: Path, seed: int) -> Path:
    path = folder / f"{seed}.toml"
    path.write_text(bench.perturb.perturbed(TABLE, seed), encoding="utf-8")
    return path


def test_a_perturbed_table_replaces_every_concept_and_adds_none(bench: SimpleNamespace, tmp_path: Path) -> None:
    plain, changed = load_concepts(), load_concepts([written(bench, tmp_path, 0)])
    assert list(changed.concepts) == list(plain.concepts)
    in_file = [concept["name"] for concept in tomllib.loads(TABLE.read_text(encoding="utf-8"))["concept"]]
    for name in in_file:
        ours, concept = changed.concepts[name], plain.concepts[name]
        assert (ours.texts, ours.sentence, ours.level_sd) == (concept.texts, concept.sentence, concept.level_sd)
        assert [v.cover for v in ours.variants] == [v.cover for v in concept.variants]
        for variant, before in zip(ours.variants, concept.variants, strict=True):
            assert np.abs(np.log(variant.reflectance / before.reflectance)).max() > 0.005, name


def test_all_variants_of_a_concept_err_alike(bench: SimpleNamespace, tmp_path: Path) -> None:
    plain, changed = load_concepts(), load_concepts([written(bench, tmp_path, 1)])
    expected = bench.perturb.error(plain.wavelengths, "pavement", 1)
    pairs = list(zip(changed.concepts["pavement"].variants, plain.concepts["pavement"].variants, strict=True))
    assert len(pairs) > 2  # spectra and mixtures
    for ours, before in pairs:
        np.testing.assert_allclose(np.log(ours.reflectance / before.reflectance), expected, atol=1e-3)


def test_the_seed_alone_decides_a_table(bench: SimpleNamespace) -> None:
    assert bench.perturb.perturbed(TABLE, 3) == bench.perturb.perturbed(TABLE, 3) != bench.perturb.perturbed(TABLE, 4)


def test_errors_have_the_size_that_is_said_and_are_smooth(bench: SimpleNamespace) -> None:
    wavelengths = np.linspace(400, 2400, 201)
    errors = np.stack([bench.perturb.error(wavelengths, str(i), 0) for i in range(400)])
    assert np.sqrt(0.1**2 + 0.1**2) == pytest.approx(errors.std(axis=0).mean(), rel=0.1)
    assert errors.mean(axis=1).std() > 0.1  # the level
    assert np.abs(np.diff(errors, axis=1)).max() < 0.05


def test_an_error_does_not_depend_on_the_wavelengths_of_the_table(bench: SimpleNamespace) -> None:
    fine, coarse = np.arange(400.0, 2401.0, 100.0), np.arange(400.0, 2401.0, 500.0)
    np.testing.assert_allclose(bench.perturb.error(fine, "water", 0)[::5], bench.perturb.error(coarse, "water", 0))


def test_a_variant_of_another_form_is_an_error(bench: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('wavelengths = [400, 500]\n[[concept]]\nname = "odd"\nvariants = [{ model = "x" }]\n')
    with pytest.raises(ValueError, match="'odd' has neither"):
        bench.perturb.perturbed(path, 0)


# --------------------------------------------------------------------------------------------------------------- peers


def test_the_machine_learns_from_one_label_where_classes_lie_apart(bench: SimpleNamespace) -> None:
    cube, _, truth = small_scene.cube()
    assert bench.peers.svm(cube, truth, 1, seed=0) > 0.9


def test_the_machine_is_not_judged_on_its_labels(bench: SimpleNamespace) -> None:
    # Two classes of the same spectra: whoever remembers the 4 of 8 labels it saw would be right on more than half.
    cube = np.tile(np.arange(4.0)[None, :, None], (2, 1, 3)) + np.array([1.0, 2.0, 4.0])
    truth = np.repeat([[1], [2]], 4, axis=1)
    scores = [bench.peers.svm(cube, truth, 2, seed) for seed in range(20)]
    assert np.mean(scores) <= 0.5


def test_a_class_of_one_pixel_and_pixels_without_data_do_no_harm(bench: SimpleNamespace) -> None:
    cube, _, truth = small_scene.cube()
    truth[truth == 3] = 0
    truth[-1, -1] = 3
    cube[0, 0] = np.nan
    assert bench.peers.svm(cube, truth, 5, seed=0) == 1.0


def library(bench: SimpleNamespace) -> Any:
    cube, nm, truth = small_scene.cube()
    spectra = np.stack([cube[truth == k].mean(axis=0) for k in (1, 2, 3)])
    return bench.peers.Library(nm, spectra, ("water lake", "green vegetation grass", "soil"))


def test_the_nearest_spectrum_lends_its_name(bench: SimpleNamespace) -> None:
    cube, nm, truth = small_scene.cube()
    found = bench.peers.nearest_spectrum(cube.reshape(-1, len(nm)), nm, small_scene.CLASSES, [library(bench)])
    assert (found == truth.ravel()).mean() > 0.95


def test_bands_that_a_library_lacks_are_not_compared(bench: SimpleNamespace) -> None:
    cube, nm, _ = small_scene.cube()
    whole = library(bench)
    spectra = whole.spectra.copy()
    spectra[:, 5:9] = np.nan
    holes = bench.peers.Library(nm, spectra, whole.texts)
    pixels = cube.reshape(-1, len(nm)).copy()
    before = bench.peers.nearest_spectrum(pixels, nm, small_scene.CLASSES, [holes])
    pixels[:, 5:9] = 50.0
    assert np.array_equal(before, bench.peers.nearest_spectrum(pixels, nm, small_scene.CLASSES, [holes]))
    assert not np.array_equal(before, bench.peers.nearest_spectrum(pixels, nm, small_scene.CLASSES, [whole]))


def test_the_two_libraries_are_read_as_their_makers_wrote_them(bench: SimpleNamespace, tmp_path: Path) -> None:
    urban, klum = tmp_path / "roberts2017_urban", tmp_path / "klum"
    urban.mkdir()
    klum.mkdir()
    (urban / "roberts2017_urban.hdr").write_text(
        "ENVI\nlines = 2\nsamples = 3\nwavelength = {\n 0.4, 0.5,\n 1.4}\nbbl = {\n 1, 1, 0}\n"
    )
    np.array([[1000, 2000, 9], [3000, 4000, 9]], "<f4").tofile(urban / "roberts2017_urban.sli")
    (urban / "roberts2017_urban.csv").write_text("Name,Level_2,Level_3\na,GV,na\nb,paved,parking_lot\n")
    (klum / "KLUM_spectra.csv").write_text('"index","spectra",\n"lambda",400,500\n"A1",10,NaN\n')
    (klum / "KLUM_metadata.csv").write_text('"index","subclass","usage"\n"A1","Red brick ","Roof"\n', "utf-8-sig")
    first, second = bench.peers.read_libraries(tmp_path)
    assert first.wavelengths.tolist() == [400, 500, 1400] and first.texts == ("green vegetation", "paved parking lot")
    np.testing.assert_allclose(first.spectra, [[0.1, 0.2, np.nan], [0.3, 0.4, np.nan]])
    assert second.texts == ("red brick roof",)
    np.testing.assert_allclose(second.spectra, [[0.1, np.nan]])


# ---------------------------------------------------------------------------------------------------------------- runs


def test_what_is_done_is_not_done_again(
    bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench.runs.Runs(tmp_path / "out").figures(scene, "refine", base)
    monkeypatch.setattr(special, "label", None)
    again = bench.runs.Runs(tmp_path / "out")
    assert again.figures(scene, "refine", base) == made
    assert again.figures(scene, "pseudo", base)["teachers"] == {"spectrum-text": again.accuracy(scene, "pseudo", base)}


def test_another_classifier_has_a_run_of_its_own(bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path) -> None:
    made = {
        pipeline: bench.runs.Runs(tmp_path / "out", pipeline)._run(scene, "warmup", base)
        for pipeline in ("s3fn", "cnn3d", "mean")  # alike in all settings but the classifier's name
    }
    assert len(set(made.values())) == 3


def test_figures_are_those_of_the_public_interface(
    bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path
) -> None:
    runs = bench.runs.Runs(tmp_path / "out")
    run = special.label(
        scene.cube, scene.classes, scene.wavelengths, out=tmp_path / "run", settings=base.settings, seed=2
    )
    scores = special.evaluate(run, scene.truth).steps
    for step in ("pseudo", "warmup", "refine"):
        assert runs.accuracy(scene, step, base.but(seed=2)) == scores[step].oa


def test_variations_share_what_they_have_in_common(
    bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = bench.runs.Runs(tmp_path / "out")
    runs.accuracy(scene, "refine", base)
    real, done = special.label, []

    def label(*args: Any, **options: Any) -> special.Run:
        run = real(*args, **options)
        done.extend(outcome.step for outcome in run.outcomes if outcome.ran)
        return run

    monkeypatch.setattr(special, "label", label)
    runs.accuracy(scene, "refine", base.but(settings={"refine.lambda_hard": 0.9}))
    assert done == ["refine"]
    runs.accuracy(scene, "refine", base.but(settings={"warmup.views": load().values["warmup.views"]}))
    assert done == ["refine", "warmup", "refine"]


def test_other_files_settings_seeds_concepts_or_code_are_another_run(
    bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path
) -> None:
    runs = bench.runs.Runs(tmp_path / "out")
    concepts = tmp_path / "mine.toml"
    concepts.write_text("one")
    paths = [
        runs._run(scene, "pseudo", variation)
        for variation in (
            base,
            base.but(seed=1),
            base.but(settings={"pseudo.image_weight": 0.5}),
            base.but(concepts=concepts),
        )
    ]
    concepts.write_text("two")
    paths.append(runs._run(scene, "pseudo", base.but(concepts=concepts)))
    runs.code = "other"
    paths.append(runs._run(scene, "pseudo", base))
    assert len(set(paths)) == 6
    runs.code = bench.runs.code_hash()
    assert runs._run(scene, "pseudo", base.but(settings={"refine.views": 2})) == paths[0]


def test_three_bands_are_means_around_the_colours(bench: SimpleNamespace, scene: Any, tmp_path: Path) -> None:
    reduced = bench.changes.three_bands(scene, (655.0, 553.0, 451.0), tmp_path / "colours")
    cube, nm, _ = small_scene.cube()
    green = cube[..., np.abs(nm - 553) <= 30].mean(axis=-1)
    np.testing.assert_allclose(np.load(reduced.cube)[..., 1], green)
    opened = special.scene.open_scene(reduced.cube, wavelengths=reduced.wavelengths)
    assert opened.shape == (12, 10, 3) and opened.wavelengths.tolist() == [451, 553, 655]
    assert (reduced.truth, reduced.classes) == (scene.truth, scene.classes)


# ---------------------------------------------------------------------------------------------------------- confidence


def test_a_map_as_sure_as_it_is_right_has_no_calibration_error(bench: SimpleNamespace) -> None:
    probabilities = np.tile([0.75, 0.25], (4, 1))[None]
    found = bench.runs.confidence_figures(probabilities, np.array([[1, 1, 1, 2]]))
    assert found["confidence"] == pytest.approx(0.75)
    assert found["ece"] == pytest.approx(0)


def test_doubt_in_one_place_does_not_make_up_for_certainty_in_another(bench: SimpleNamespace) -> None:
    probabilities = np.array([[[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.55, 0.45]]])
    found = bench.runs.confidence_figures(probabilities, np.array([[1, 2, 1, 1]]))
    assert found["ece"] == pytest.approx((0.45 + 0.45) / 2)


def test_the_surer_half_is_counted_among_labelled_pixels_alone(bench: SimpleNamespace) -> None:
    probabilities = np.array([[[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.99, 0.01]]])
    found = bench.runs.confidence_figures(probabilities, np.array([[1, 2, 2, 2, 0]]))
    assert found["surest"] == pytest.approx(0.5)


def test_a_labelled_pixel_without_data_is_no_hit(bench: SimpleNamespace) -> None:
    found = bench.runs.confidence_figures(np.array([[[0.0, 0.0], [1.0, 0.0]]]), np.array([[1, 1]]))
    assert found == {"confidence": 0.5, "ece": 0, "surest": 1}


def test_how_sure_maps_are_is_told_scene_by_scene(bench: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"a": (0.9, 0.8, 0.1, 1.0), "b": (0.5, 0.6, 0.3, 0.4)}

    def figures(scene: Any, step: str, variation: Any) -> dict[str, float]:
        assert step == "refine"
        return dict(zip(("oa", "confidence", "ece", "surest"), said[scene.name], strict=True))

    scenes = [SimpleNamespace(name=name) for name in said]
    runs = SimpleNamespace(figures=figures)
    bench.accuracy.Accuracy(scenes, runs, bench.runs.Variation(), [0]).confidence()
    rows = capsys.readouterr().out.splitlines()
    assert rows[-3] == "| a | 0.900 | 0.800 | 0.100 | 1.000 |"
    assert rows[-1] == "| mean | 0.700 | 0.700 | 0.200 | 0.700 |"


# ------------------------------------------------------------------------------------------------------------ held out


def test_a_search_takes_one_constant_after_the_other(bench: SimpleNamespace) -> None:
    def score(settings: dict[str, Any]) -> float:
        b = settings.get("b", [1])
        return -abs(settings.get("a", 0) - 2) + (1.0 if settings.get("a") == 2 and b == [2] else 0.0)

    found = bench.settings.search({"a": (1, 2), "b": ([1], [2])}, {"a": 0, "b": [1]}, score)
    assert found == {"a": 2, "b": [2]}


def test_a_default_stays_where_nothing_does_better(bench: SimpleNamespace) -> None:
    assert bench.settings.search({"a": (1, 2)}, {"a": 0}, lambda settings: 0.5) == {}


LEVEL = "pseudo.spectrum_text.level_sd"


class Figures:
    """Instead of runs: the accuracy of each scene is best at a value of its own, with tables that err at 0.25."""

    pipeline = "special"

    def __init__(self, folder: Path, best: dict[str, float]) -> None:
        self.folder, self.best = folder, best

    def accuracy(self, scene: Any, step: str, variation: Any) -> float:
        best = 0.25 if variation.concepts else self.best[scene.name]
        return 0.8 - abs(variation.settings.get(LEVEL, 0.15) - best) + (0.1 if step == "refine" else 0.0)


@pytest.fixture
def held_out(bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.setattr(bench.accuracy, "CONSTANTS", {LEVEL: (0.1, 0.15, 0.25)})
    scenes = [SimpleNamespace(name=scene) for scene in "abc"]
    figures = Figures(tmp_path, {"a": 0.25, "b": 0.1, "c": 0.1})

    def rows(tables: int = 0, until: str = "refine", families: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
        base = bench.runs.Variation({LEVEL: 0.15})
        accuracy = bench.accuracy.Accuracy(scenes, figures, base, [0], until, families)
        accuracy.loso(tables)
        return accuracy.figures["loso"]

    return rows


def test_a_scene_gets_what_the_others_chose(
    held_out: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = held_out()
    assert {scene: row["chosen"] for scene, row in rows.items()} == {"a": {LEVEL: 0.1}, "b": {}, "c": {}}
    assert rows["a"]["refine"] == [pytest.approx(0.75)] and rows["a"]["tuned"] == [pytest.approx(0.8)]
    assert f"| a | 0.650 | 0.750 | 0.800 | {LEVEL} = 0.1 |" in capsys.readouterr().out


def test_nobody_of_its_family_chooses_for_a_scene(held_out: Callable[..., dict[str, Any]]) -> None:
    chosen = {scene: row["chosen"] for scene, row in held_out(families=["bc"]).items()}
    assert chosen == {"a": {LEVEL: 0.1}, "b": {LEVEL: 0.25}, "c": {LEVEL: 0.25}}


def test_tables_that_err_can_judge_as_well(held_out: Callable[..., dict[str, Any]]) -> None:
    assert {scene: row["chosen"] for scene, row in held_out(3).items()} == {key: {LEVEL: 0.25} for key in "abc"}


def test_steps_that_are_not_looked_at_are_not_run(held_out: Callable[..., dict[str, Any]]) -> None:
    rows = held_out(until="pseudo")
    assert "refine" not in rows["a"] and rows["a"]["tuned"] == [pytest.approx(0.7)]


# --------------------------------------------------------------------------------------------------------------- whole


def test_every_setting_that_is_varied_exists(bench: SimpleNamespace) -> None:
    for what in bench.accuracy.ABLATIONS.values():
        load(changes=what.settings)
    for name, values in bench.accuracy.CONSTANTS.items():
        for value in values:
            load(changes={name: value})


def test_a_spread_over_seeds_is_that_of_the_mean_over_scenes(bench: SimpleNamespace) -> None:
    rows = [[0.5, 0.7], [0.7, 0.5]]
    assert bench.accuracy.cell(rows[0]) == "0.600 ± 0.141"
    assert bench.accuracy.cell(bench.accuracy.over_scenes(rows)) == "0.600 ± 0.000"
    assert (bench.accuracy.cell([0.5]), bench.accuracy.cell([])) == ("0.500", "-")


@pytest.fixture
def printed(
    bench: SimpleNamespace,
    scene: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., list[str]]:
    """Runs the script on one scene; returns the lines that it prints."""

    def lines(*options: str) -> list[str]:
        folder, out = str(tmp_path / "scenes"), str(tmp_path / "out")
        tiny = [part for name, value in small_scene.TINY.items() for part in ("--set", f"{name}={value}")]
        monkeypatch.setattr(sys, "argv", ["accuracy.py", folder, "--out", out, "--seeds", "0", *options, *tiny])
        bench.accuracy.main()
        return capsys.readouterr().out.splitlines()

    return lines


def titles(lines: list[str]) -> list[str]:
    return [line.split(" | ")[0].removeprefix("| ") for line in lines]


def test_the_tables_are_printed(printed: Callable[..., list[str]]) -> None:
    lines = printed("--only", "teachers", "ablations", "tables", "--tables", "2")
    assert titles(lines).count("strips") == titles(lines).count("mean") == 2
    assert {"RGB only", "no calibration", "random set only"} <= set(titles(lines))
    assert "no resolution scaling" not in titles(lines)  # there is no CLIP


def test_with_clip_there_is_one_teacher_and_one_ablation_more(
    printed: Callable[..., list[str]], tmp_path: Path
) -> None:
    clip = f"tiny:{tiny_clip.save(tmp_path / 'tiny.safetensors')}"
    lines = printed("--only", "teachers", "ablations", "--until", "pseudo", "--clip", clip)
    assert "image-text alone | spectrum-text alone | pseudo-labels |" in lines[1]
    assert {"no resolution scaling", "no calibration"} <= set(titles(lines))
    assert "random set only" not in titles(lines)


def test_a_setting_that_is_gone_stops_the_benchmark_before_it_begins(
    bench: SimpleNamespace, printed: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(bench.accuracy.CONSTANTS, "pseudo.gone", (1,))
    with pytest.raises(SystemExit, match=r"accuracy\.py: there is no setting 'pseudo\.gone'"):
        printed()
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------------------- scenes as others


def test_every_change_makes_a_scene_that_opens_with_its_truth(
    bench: SimpleNamespace, scene: Any, tmp_path: Path
) -> None:
    plain = open_scene(scene.cube, wavelengths=scene.wavelengths)
    for change in bench.changes.CHANGES:
        made = bench.changes.changed(scene, change, tmp_path / change)
        opened = open_scene(made.cube, wavelengths=made.wavelengths)
        assert np.load(made.truth).shape == opened.shape[:2]
        same = opened.shape == plain.shape and np.allclose(opened.read(), plain.read())
        same = same and np.allclose(opened.wavelengths, plain.wavelengths)
        assert same == (change == "bands to 1000 nm"), change  # this scene ends at 980 nm


def test_halves_of_a_scene_make_up_the_whole(bench: SimpleNamespace, scene: Any, tmp_path: Path) -> None:
    halves = [
        np.load(bench.changes.changed(scene, f"{half} half", tmp_path / half).truth) for half in ("left", "right")
    ]
    np.testing.assert_array_equal(np.hstack(halves), np.load(scene.truth))


def test_the_table_of_changes_has_a_line_for_each(
    bench: SimpleNamespace, scene: Any, base: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = bench.accuracy.Accuracy([scene], bench.runs.Runs(tmp_path / "runs"), base, [0], "pseudo")
    accuracy.changes()
    printed = capsys.readouterr().out
    assert all(f"| {change} |" in printed for change in [*bench.changes.CHANGES, "mean"])
