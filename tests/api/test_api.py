"""From Python: ``special.label`` does what the command does and hands back the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import small_scene
import tiny_clip

import special
from special.classnames.encoder import SentenceEncoder
from special.errors import ClassListError, RunError, SceneError, SettingsError, SpecialError, WeightsError
from special.progress import Progress
from special.teachers.base import Absent, TeacherRequest
from special.teachers.image_text.teacher import ImageTextTeacher
from special.teachers.image_text.weights import LoadedClip, find_clip


class Listener(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.begun: list[str] = []

    def begin(self, what: str, total: int) -> None:
        self.begun.append(what)

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module", autouse=True)
def encode_once() -> Iterator[None]:
    """Keep what the sentence encoder says: the tests read the same names again and again."""
    real, known = SentenceEncoder.encode, {}

    def encode(self: SentenceEncoder, texts: Sequence[str], **options: int) -> np.ndarray:
        if tuple(texts) not in known:
            known[tuple(texts)] = real(self, texts, **options)
        return known[tuple(texts)]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SentenceEncoder, "encode", encode)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> small_scene.Files:
    return small_scene.write(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def made(files: small_scene.Files, tmp_path_factory: pytest.TempPathFactory) -> special.Run:
    """A finished run that no test changes."""
    return label(files, tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def run(made: special.Run, tmp_path: Path) -> special.Run:
    """A finished run of the test's own."""
    return special.Run(Path(shutil.copytree(made.path, tmp_path / "run")))


def label(files: small_scene.Files, out: Path, **options) -> special.Run:
    settings = {**small_scene.TINY, **options.pop("settings", {})}
    options = {"classes": files.classes, "wavelengths": files.wavelengths, "clip": "none", "device": "cpu", **options}
    return special.label(options.pop("scene", files.scene), out=out, settings=settings, **options)


def ran(run: special.Run) -> list[str]:
    return [outcome.step for outcome in run.outcomes if outcome.ran]


def test_the_run_holds_what_was_made(made: special.Run, files: small_scene.Files) -> None:
    assert made.classes == list(small_scene.CLASSES)
    assert made.map.shape == files.truth.shape and set(np.unique(made.map)) <= {1, 2, 3}
    assert made.probabilities.shape == (*files.truth.shape, 3) and made.probabilities.dtype == np.float32
    np.testing.assert_allclose(made.probabilities.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_array_equal(made.map, made.probabilities.argmax(axis=-1) + 1)
    np.testing.assert_allclose(made.confidence, made.probabilities.max(axis=-1))
    assert ran(made) == ["rgb", "pseudo", "warmup", "refine", "map", "report"]


def test_the_teacher_knows_water_from_grass_from_soil(made: special.Run, files: small_scene.Files) -> None:
    assert ((made.probabilities_of("pseudo").argmax(axis=-1) + 1) == files.truth).mean() > 0.9


def test_the_map_is_no_surer_than_the_pseudo_labels(
    files: small_scene.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from special.steps import refine

    learn = refine.refine

    def too_sure(*given, **options):
        found = learn(*given, **options)
        found.probabilities[:] = 0.97 * np.eye(found.probabilities.shape[-1])[found.probabilities[:].argmax(axis=-1)]
        found.probabilities[:] += (1 - found.probabilities[:].sum(axis=-1, keepdims=True)) / found.probabilities.shape[
            -1
        ]
        return found

    monkeypatch.setattr(refine, "refine", too_sure)
    run = label(files, tmp_path / "run", until="refine", settings={"pseudo.spectrum_text.sharpness": 0.05})
    pseudo, refined = (np.array(run.probabilities_of(step)) for step in ("pseudo", "refine"))
    known = pseudo.sum(axis=-1) > 0
    np.testing.assert_allclose(refined[known].max(axis=-1).mean(), pseudo[known].max(axis=-1).mean(), atol=1e-3)


def test_the_deliverables_are_at_the_top(made: special.Run) -> None:
    names = {path.name for path in made.path.iterdir() if not path.name.startswith(".")}
    expected = {"map.npy", "confidence.npy", "probabilities.npy", "map.png", "map.tif", "rgb.png", "run.json"}
    assert expected <= names
    assert {"request.json", "steps"} <= names
    assert not list(made.path.glob("work/*"))
    np.testing.assert_array_equal(np.load(made.path / "map.npy"), made.map)


def test_the_record_says_how_it_was_made(made: special.Run) -> None:
    record = made.record
    assert record == json.loads((made.path / "run.json").read_text())
    assert record["settings"]["warmup.epochs"] == 2 and record["seed"] == 0
    assert record["versions"]["special"] == special.__version__ and "torch" in record["versions"]
    assert list(record["steps"]) == ["rgb", "pseudo", "warmup", "refine", "map", "report"]
    assert all(len(step["key"]) == 64 and step["seconds"] >= 0 and step["files"] for step in record["steps"].values())
    teacher = record["teachers"]["spectrum-text"]
    assert teacher["weight"] == 1.0 and any(len(str(value)) == 64 for value in teacher.values()), "no hash of weights"
    assert record["clip"] == {"asked": "none", "used": "none", "because": None}
    assert record["device"] == "cpu" and record["scan"] == "cpu"


def test_the_backend_of_the_scan_can_be_forced_and_is_recorded(files: small_scene.Files, tmp_path: Path) -> None:
    run = label(files, tmp_path / "run", settings={"scan.backend": "reference"}, until="warmup")
    assert run.record["scan"] == "reference"
    assert ran(label(files, run.path, settings={"scan.backend": "cpu"}, until="warmup")) == []


def test_a_backend_that_does_not_work_here_is_refused_before_anything_is_made(
    files: small_scene.Files, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="'triton' does not work on cpu here: choose from auto, cpu, reference"):
        label(files, tmp_path / "run", settings={"scan.backend": "triton"})
    assert not (tmp_path / "run").exists()


def test_areas_add_up(made: special.Run) -> None:
    areas = made.areas()
    assert [area.name for area in areas] == made.classes
    assert sum(area.pixels for area in areas) == made.map.size
    assert sum(area.share for area in areas) == pytest.approx(1)


def test_a_second_call_makes_nothing_again(run: special.Run, files: small_scene.Files) -> None:
    before = (run.path / "map.npy").stat().st_mtime_ns
    assert ran(label(files, run.path)) == []
    assert (run.path / "map.npy").stat().st_mtime_ns == before


def test_two_calls_with_one_seed_agree_to_the_bit(made: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    again = label(files, tmp_path / "again")
    for step in ("pseudo", "warmup", "refine"):
        assert again.record["steps"][step]["files"] == made.record["steps"][step]["files"]


def test_another_seed_makes_everything_again_that_draws_from_it(run: special.Run, files: small_scene.Files) -> None:
    assert ran(label(files, run.path, seed=1)) == ["pseudo", "warmup", "refine", "map", "report"]


def test_killed_in_training_it_ends_with_the_same_bits(
    made: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    class Kill(Listener):
        steps = 0

        def advance(self, steps: int = 1, **figures: float) -> None:
            Kill.steps += steps if self.begun[-1] in ("warmup", "refine") else 0
            if Kill.steps in (3, 6):  # the first training's third step, the second one's second
                Kill.steps += 1
                raise Killed

    for expected in ("warmup", "refine"):
        with pytest.raises(Killed):
            label(files, tmp_path / "run", progress=Kill())
        assert not (tmp_path / "run" / "steps" / expected).exists()
    resumed = label(files, tmp_path / "run")
    assert resumed.record["steps"]["map"]["files"] == made.record["steps"]["map"]["files"]
    for step in ("warmup", "refine"):
        assert resumed.record["steps"][step]["files"] == made.record["steps"][step]["files"]


def test_a_damaged_training_checkpoint_is_named_and_not_used(files: small_scene.Files, tmp_path: Path) -> None:
    class Stop(Listener):
        def advance(self, steps: int = 1, **figures: float) -> None:
            if self.begun[-1] == "refine":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label(files, tmp_path / "run", progress=Stop())
    found = special.Run(tmp_path / "run")
    key = found.record["steps"]["warmup"]["key"]
    assert "refine" not in found.record["steps"], "the record says what there is, also after a stop"
    special.rerun(found, "warmup", until="warmup")
    damaged = tmp_path / "run" / "work" / f"warmup-{key[:16]}" / "checkpoint.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"these are no tensors")
    shutil.rmtree(tmp_path / "run" / "steps" / "warmup")
    listener = Listener()
    again = label(files, tmp_path / "run", progress=listener)
    assert listener.lines == [f"The training checkpoint {damaged} is damaged: the step is trained from its beginning."]
    assert again.record["steps"]["warmup"]["key"] == key


def test_refine_reruns_itself_and_the_map_and_nothing_before(run: special.Run) -> None:
    assert ran(special.refine(run, {"refine.lambda_hard": 0.9})) == ["refine", "map", "report"]
    assert ran(special.refine(run.path)) == [], "what was set stays set"


def test_the_map_can_be_written_again_with_another_threshold(run: special.Run) -> None:
    again = special.rerun(run, "map", {"map.reject": 0.99999})
    assert ran(again) == ["map", "report"]
    np.testing.assert_array_equal(again.map == 0, again.confidence < 0.99999)
    np.testing.assert_array_equal(np.load(run.path / "map.npy"), again.map)


def test_rerun_stops_where_it_is_told(run: special.Run) -> None:
    assert ran(special.rerun(run, "warmup", {"warmup.epochs": 3}, until="warmup")) == ["warmup"]
    states = {verdict.step: verdict.state for verdict in special.status(run)[0]}
    assert states == {
        "rgb": "done",
        "pseudo": "done",
        "warmup": "done",
        "refine": "stale",
        "map": "stale",
        "report": "stale",
    }


def test_a_setting_of_an_earlier_step_is_refused(run: special.Run) -> None:
    with pytest.raises(SettingsError, match=r"warmup.epochs is a setting of warmup, which comes before refine"):
        special.refine(run, {"warmup.epochs": 3})
    with pytest.raises(SettingsError, match=r"mambahsi.hidden is a setting of warmup"):
        special.refine(run, {"mambahsi.hidden": 4})


def test_a_refused_setting_leaves_the_run_as_it_was(run: special.Run) -> None:
    before = (run.path / "request.json").read_bytes()
    with pytest.raises(SpecialError):
        special.rerun(run, "map", {"map.reject": 7})
    assert (run.path / "request.json").read_bytes() == before


def test_other_classes_ask_the_teachers_again(run: special.Run, files: small_scene.Files) -> None:
    listener = Listener()
    again = label(files, run.path, classes=["Water", "Grass"], progress=listener)
    assert ran(again) == ["pseudo", "warmup", "refine", "map", "report"]
    assert listener.lines[0] == "pseudo runs again: the class list changed"
    assert again.map.max() <= 2


def test_another_scene_is_refused_unless_forced(run: special.Run, files: small_scene.Files) -> None:
    other = 0.5 * small_scene.cube(seed=1)[0]
    with pytest.raises(RunError, match=r"was made from another scene \(.*strips.npy\).*--out.*--force"):
        label(files, run.path, scene=other, wavelengths=np.loadtxt(files.wavelengths))
    assert ran(label(files, run.path, scene=other, wavelengths=np.loadtxt(files.wavelengths), force=True))[0] == "rgb"


def test_an_array_needs_no_file_and_can_be_run_again(
    made: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    values, nm, _ = small_scene.cube()
    run = label(files, tmp_path / "array", scene=values, wavelengths=list(nm), classes=small_scene.CLASSES)
    np.testing.assert_array_equal(run.probabilities, made.probabilities)
    assert ran(special.refine(run.path, {"refine.lambda_hard": 0.9})) == ["refine", "map", "report"]
    assert {verdict.state for verdict in special.status(run.path)[0]} == {"done"}


def test_the_wavelengths_file_may_go(run: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    moved = tmp_path / "wavelengths.csv"
    shutil.copy(files.wavelengths, moved)
    label(files, run.path, wavelengths=moved)
    moved.unlink()
    assert ran(special.refine(run, {"refine.lambda_hard": 0.9})) == ["refine", "map", "report"]


def test_a_scene_that_has_changed_is_not_mixed_in(made: special.Run, tmp_path: Path) -> None:
    mine = small_scene.write(tmp_path)
    run = label(mine, tmp_path / "run", until="rgb")
    np.save(mine.scene, 0.5 * small_scene.cube()[0])
    with pytest.raises(RunError, match=r"strips.npy has changed since"):
        special.rerun(run, "rgb")
    verdicts, note = special.status(run)
    assert "has changed since" in note and verdicts[0].state == "done"
    mine.scene.unlink()
    with pytest.raises(SceneError, match=r"strips.npy"):
        special.rerun(run, "rgb")


def test_nan_and_infinite_pixels_are_masked(files: small_scene.Files, tmp_path: Path) -> None:
    values, nm, _ = small_scene.cube()
    values[0, 0, 3], values[5, 5, :] = np.nan, np.inf
    run = label(files, tmp_path / "run", scene=values, wavelengths=nm)
    assert run.map[0, 0] == run.map[5, 5] == 0
    assert np.count_nonzero(run.map == 0) == 2
    assert np.isfinite(run.probabilities).all() and np.all(run.probabilities[0, 0] == 0)


def test_bands_of_zeros_change_nothing(made: special.Run, files: small_scene.Files, tmp_path: Path) -> None:
    values, nm, _ = small_scene.cube()
    padded = np.concatenate([values, np.zeros((*values.shape[:2], 2), np.float32)], axis=-1)
    run = label(files, tmp_path / "run", scene=padded, wavelengths=[*nm, 990.0, 1000.0])
    np.testing.assert_array_equal(run.probabilities, made.probabilities)


def test_a_scene_without_the_visible_goes_on_without_rgb(files: small_scene.Files, tmp_path: Path) -> None:
    values, nm, _ = small_scene.cube()
    listener = Listener()
    run = label(files, tmp_path / "run", scene=values[..., 16:], wavelengths=nm[16:], progress=listener)
    assert any("does not cover the visible" in line for line in listener.lines)
    assert not (run.path / "rgb.png").exists() and run.map.max() >= 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"classes": []}, ClassListError, "empty"),
        ({"classes": ["a", "A"]}, ClassListError, "twice"),
        ({"scene": np.ones((3, 4, 24)), "wavelengths": None}, SceneError, "give wavelengths="),
        ({"scene": np.ones((3, 4)), "wavelengths": [500.0]}, SceneError, "no cube"),
        ({"device": "abacus"}, SettingsError, "name auto, cpu or cuda"),
        ({"seed": -1}, SettingsError, "the seed is -1"),
        ({"until": "supper"}, SettingsError, "there is no step 'supper': name one of rgb, pseudo"),
    ],
)
def test_what_cannot_be_understood_writes_nothing(
    files: small_scene.Files, tmp_path: Path, options, error, message
) -> None:
    with pytest.raises(error, match=message):
        label(files, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_map_says_how_to_get_one(files: small_scene.Files, tmp_path: Path) -> None:
    run = label(files, tmp_path / "run", until="rgb")
    with pytest.raises(RunError, match=r"has no map\.npy of the step map: run the step map again"):
        _ = run.map


def test_a_damaged_map_is_not_handed_out(run: special.Run) -> None:
    (run.path / "steps" / "map" / "map.npy").write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"map\.npy is damaged: run the step map again"):
        _ = run.map


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which image-text models are looked for; none is found, as on a machine without a network."""
    models: list[str] = []

    def make(request: TeacherRequest) -> ImageTextTeacher:
        models.append(request.settings.values["pseudo.image_text.clip"])
        raise Absent("no CLIP: the weights are not here")

    monkeypatch.setattr(ImageTextTeacher, "make", make)
    return models


def test_a_resumed_run_keeps_the_teachers_it_began_with(
    files: small_scene.Files, tmp_path: Path, asked: list[str]
) -> None:
    listener = Listener()
    label(files, tmp_path / "run", clip="auto", until="pseudo", progress=listener)
    assert listener.lines == ["no CLIP: the weights are not here"]
    (tmp_path / "run" / "steps" / "pseudo" / "bvsb.npy").unlink()
    resumed = label(files, tmp_path / "run", clip="auto", until="pseudo")
    assert ran(resumed) == ["pseudo"]
    assert asked == ["auto"], "it does not look again for what it began without"
    assert resumed.record["clip"] == {"asked": "auto", "used": "none", "because": "no CLIP: the weights are not here"}


def test_a_run_that_is_done_asks_for_no_teacher(files: small_scene.Files, tmp_path: Path, asked: list[str]) -> None:
    for _ in range(2):
        label(files, tmp_path / "run", clip="auto", until="pseudo")
    special.rerun(tmp_path / "run", "rgb", until="pseudo")
    special.status(tmp_path / "run")
    assert asked == ["auto"]


def test_a_teacher_that_the_network_kept_away_is_asked_again(
    files: small_scene.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = ["no CLIP: nothing came within 10 s", "no CLIP: the hub answers 503"]
    passing, listener = iter(reasons), Listener()

    def make(request: TeacherRequest) -> ImageTextTeacher:
        raise Absent(next(passing), passing=True)

    monkeypatch.setattr(ImageTextTeacher, "make", make)
    done = label(files, tmp_path / "run", clip="auto", until="pseudo")
    assert ran(done) == ["rgb", "pseudo"]
    special.rerun(tmp_path / "run", "rgb", until="pseudo")  # a command about a step asks for nobody
    label(files, tmp_path / "run", clip="auto", until="pseudo", offline=True)
    again = label(files, tmp_path / "run", clip="auto", until="pseudo", progress=listener)
    assert ran(again) == [], "it could not be had again, so nothing has changed"
    assert listener.lines == ["The image-text teacher could not be had before; asking again.", reasons[1]]
    assert next(passing, None) is None


def test_a_teacher_that_comes_later_makes_the_pseudo_labels_again(
    files: small_scene.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_clip.register()
    path = tiny_clip.save(tmp_path / "tiny.safetensors")
    tries = iter([None, find_clip(f"tiny:{path}", offline=True, device="cpu")[0]])
    monkeypatch.setattr("special.teachers.image_text.teacher.load_clip", lambda *_, **__: next(tries) or refuse())

    def refuse() -> LoadedClip:
        raise WeightsError("nothing came within 10 s", passing=True)

    label(files, tmp_path / "run", clip="auto", until="pseudo")
    again = label(files, tmp_path / "run", clip="auto", until="pseudo")
    assert ran(again) == ["pseudo"]
    assert again.record["clip"]["because"] is None


def test_asking_for_another_model_chooses_again(run: special.Run, files: small_scene.Files, asked: list[str]) -> None:
    told = ran(label(files, run.path, clip="auto"))
    assert told == ["report"], "auto came to none, which is what the run had: only that has to be reported"
    assert asked == ["auto"]
    assert special.Run(run.path).record["clip"]["asked"] == "auto"


def test_a_concept_of_one_s_own_asks_the_teachers_again(
    run: special.Run, files: small_scene.Files, tmp_path: Path
) -> None:
    table = (Path(__file__).parents[2] / "prompts" / "concepts.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(table, encoding="utf-8")
    verdicts = {v.step: v for v in special.status(label(files, run.path, concepts=[tmp_path / "mine.toml"]))[0]}
    assert {v.state for v in verdicts.values()} == {"done"}
    (tmp_path / "mine.toml").write_text(table + "\n# seen again\n", encoding="utf-8")
    assert special.status(run.path)[0][1].reason == "the teachers changed"


def test_the_names_of_the_package_are_its_api() -> None:
    assert {name for name in dir(special) if name in special.__all__} == set(special.__all__)
    for name in special.__all__:
        assert getattr(special, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lable'"):
        _ = special.lable


def test_bands_where_nothing_is_known_of_land_cover_are_refused(tmp_path: Path) -> None:
    values, _, _ = small_scene.cube()
    with pytest.raises(SceneError, match="lie at 7500 to 12000 nm, and what land cover reflects is known from 400 to"):
        special.label(values, small_scene.CLASSES, np.linspace(7500, 12000, 24), out=tmp_path / "x.special")
    assert not (tmp_path / "x.special").exists()


def test_the_public_thermal_case_is_refused_before_anything_is_written(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases" / "thermal"
    if not case.is_dir():
        pytest.skip("the folder of cases is not beside this checkout")
    with pytest.raises(SceneError, match="lie at 7500 to 12000 nm, and what land cover reflects is known from 400 to"):
        special.label(case / "tir.hdr", case / "classes.txt", out=tmp_path / "x.special", clip="none")
    assert not (tmp_path / "x.special").exists()
