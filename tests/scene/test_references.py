"""White and dark references: raw numbers of a camera become reflectance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner

import special
from special.cli import main
from special.errors import SceneError
from special.scene import open_scene

NM = np.linspace(420, 980, 24)


def write(path: Path, numbers: np.ndarray, nm: np.ndarray = NM, extra: str = "") -> Path:
    rows, cols, bands = numbers.shape
    path.with_suffix(".raw").write_bytes(np.round(numbers).astype("<u2").tobytes())
    path.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\ndata type = 12\ninterleave = bip\nbyte order = 0\n"
        f"wavelength = {{{', '.join(map(str, nm))}}}\n{extra}"
    )
    return path.with_suffix(".hdr")


def camera(
    folder: Path, white: str = "WHITEREF_scene", dark: str = "DARKREF_scene", exposures: tuple[float, float] = (10, 10)
) -> tuple[Path, np.ndarray, np.ndarray]:
    """Raw numbers whose columns and bands differ in offset and gain; a panel of five lines, a shutter of three."""
    cube, _, truth = small_scene.cube()
    rng = np.random.default_rng(2)
    offset, gain = rng.uniform(90, 110, (10, 24)), rng.uniform(4000, 9000, (10, 24))
    path = write(folder / "scene", offset + gain * cube * exposures[0] / 10, extra=f"tint = {exposures[0]}\n")
    panel = np.broadcast_to(offset + gain * exposures[1] / 10, (5, 10, 24))
    write(folder / white, panel, extra=f"tint = {exposures[1]}\n")
    write(folder / dark, np.broadcast_to(offset, (3, 10, 24)))
    return path, cube, truth


def test_references_beside_a_scene_make_it_reflectance(tmp_path: Path) -> None:
    path, cube, _ = camera(tmp_path)
    scene = open_scene(path)
    assert scene.known_reflectance
    assert any("white reference WHITEREF_scene.hdr and the dark reference DARKREF" in note for note in scene.notes)
    np.testing.assert_allclose(scene.read(), cube, atol=4e-4)
    raw = open_scene(path, white="none")
    assert not raw.known_reflectance and raw.read().min() > 80


def test_references_may_lie_anywhere_and_be_named(tmp_path: Path) -> None:
    path, cube, _ = camera(tmp_path, "panel", "shutter")
    assert not open_scene(path).known_reflectance
    scene = open_scene(path, white=tmp_path / "panel.hdr", dark=tmp_path / "shutter.hdr")
    np.testing.assert_allclose(scene.read(), cube, atol=4e-4)


def test_different_exposures_are_taken_into_account(tmp_path: Path) -> None:
    path, cube, _ = camera(tmp_path, exposures=(20, 5))
    scene = open_scene(path)
    assert any("exposures of 20 and 5" in note for note in scene.notes)
    np.testing.assert_allclose(scene.read(), cube, atol=1e-3)


def test_a_reference_of_another_width_counts_as_a_whole(tmp_path: Path) -> None:
    cube, _, _ = small_scene.cube()
    path = write(tmp_path / "scene", 100 + 5000 * cube)
    write(tmp_path / "WHITEREF_scene", np.full((4, 3, 24), 5100))
    write(tmp_path / "DARKREF_scene", np.full((4, 3, 24), 100))
    np.testing.assert_allclose(open_scene(path).read(), cube, atol=4e-4)


def test_a_reference_of_other_bands_is_refused(tmp_path: Path) -> None:
    path, _, _ = camera(tmp_path, "panel", "shutter")
    write(tmp_path / "panel", np.full((4, 10, 20), 5100), NM[:20])
    with pytest.raises(SceneError, match="has 20 bands but the scene has 24"):
        open_scene(path, white=tmp_path / "panel.hdr", dark=tmp_path / "shutter.hdr")


def test_one_beside_the_scene_that_does_not_fit_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path, _, _ = camera(tmp_path)
    write(tmp_path / "WHITEREF_scene", np.full((4, 10, 20), 5100), NM[:20])
    scene = open_scene(path)
    assert not scene.known_reflectance
    assert any("references left out" in warning and "20 bands" in warning for warning in scene.warnings)


def test_one_reference_alone_is_refused(tmp_path: Path) -> None:
    path, _, _ = camera(tmp_path, "panel", "shutter")
    with pytest.raises(SceneError, match="--white is given without --dark"):
        open_scene(path, white=tmp_path / "panel.hdr")


def test_a_reference_that_is_opened_as_a_scene_says_so(tmp_path: Path) -> None:
    camera(tmp_path)
    cube, _, _ = small_scene.cube()
    path = write(tmp_path / "DARKREF_other", 100 + 5000 * cube)
    assert any("reference of a scene, not a scene" in warning for warning in open_scene(path).warnings)


def test_a_dead_column_is_no_data(tmp_path: Path) -> None:
    path, _, _ = camera(tmp_path)
    white = np.full((5, 10, 24), 6000.0)
    white[:, 4, :] = 0
    write(tmp_path / "WHITEREF_scene", white)
    assert not open_scene(path).valid[:, 4].any()


def test_raw_numbers_are_labelled_by_their_references_and_the_run_keeps_them(tmp_path: Path) -> None:
    path, _, truth = camera(tmp_path, "panel", "shutter")
    out = tmp_path / "x.special"
    how = {"white": tmp_path / "panel.hdr", "dark": tmp_path / "shutter.hdr"}
    run = special.label(path, small_scene.CLASSES, out=out, clip="none", until="pseudo", **how)
    assert (1 + run.probabilities_of("pseudo").argmax(axis=2) == truth).mean() == 1
    assert not any(outcome.ran for outcome in special.rerun(out, "pseudo", until="pseudo").outcomes)
    write(tmp_path / "panel", np.full((5, 10, 24), 7000))
    with pytest.raises(special.errors.RunError, match="has changed"):
        special.rerun(out, "pseudo")


def test_info_and_the_command_line_know_them(tmp_path: Path) -> None:
    path, _, _ = camera(tmp_path, "panel", "shutter")
    arguments = ["info", str(path), "--white", str(tmp_path / "panel.hdr"), "--dark", str(tmp_path / "shutter.hdr")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0 and "reflectance by the white reference panel.hdr" in " ".join(done.output.split())
