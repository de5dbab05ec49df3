"""The step ``rgb``: what the eye would see, interpolated from the spectrum.

Source: SPECIAL (arXiv 2501.16222), "spectral interpolation"; 655 / 553 / 451 nm are its authors' numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from special.cache.step import Step
from special.settings import Within
from special.steps.context import SceneContext
from special.storage.files import save_array, save_json

if TYPE_CHECKING:
    from special.scene import Scene

REACH_NM = 30.0
"""A colour is covered when some good band lies this near to it. Scenes that begin at 460 or 475 nm keep their blue; one
that begins in the near infrared has none, and a gap left by dropped bands is not bridged."""

INFRARED_NM = 850.0
"""Shown as red in colour infrared, where plants are bright; red is shown as green, green as blue."""

_GREY = 128
_GAMMA = 0.7  # below 1: dark parts of a picture get more light


@dataclass(frozen=True)
class RgbSettings:
    """Where red, green and blue are (nm), and which quantiles of a channel become black and white."""

    section: ClassVar[str] = "rgb"

    red_nm: Annotated[float, Within(200, 30000)]
    green_nm: Annotated[float, Within(200, 30000)]
    blue_nm: Annotated[float, Within(200, 30000)]
    low_quantile: Annotated[float, Within(0, below="high_quantile")]
    high_quantile: Annotated[float, Within(0, 1)]

    @property
    def colours(self) -> tuple[tuple[str, float], ...]:
        """Name and wavelength (nm) of each channel, red first."""
        return ("red", self.red_nm), ("green", self.green_nm), ("blue", self.blue_nm)


def missing_colours(wavelengths: np.ndarray, settings: RgbSettings) -> list[str]:
    """The colours that no band of ``wavelengths`` (bands,), nm, covers; empty when an RGB image can be made."""
    return [name for name, nm in settings.colours if np.abs(wavelengths - nm).min() > REACH_NM]


def render(scene: Scene, settings: RgbSettings) -> np.ndarray | None:
    """An RGB image, uint8 (rows, cols, 3), 0 at invalid pixels; None when the scene does not cover the visible.

    Each colour is interpolated linearly between the bands on both sides of it; beyond the first or last band the
    nearest one is taken. Each channel is stretched on its own between two quantiles of its valid pixels: gains and
    haze differ from band to band in raw numbers and radiance, and a joint stretch would leave their colour cast in.
    A channel that is constant over the valid pixels becomes mid-grey.
    """
    if missing_colours(scene.wavelengths, settings):
        return None
    weights = np.array([_weights(scene.wavelengths, nm) for _, nm in settings.colours], dtype=np.float32)
    bands = np.flatnonzero(weights.any(axis=0))
    colours = np.empty((*scene.shape[:2], 3), dtype=np.float32)
    for rows in scene.windows():
        colours[rows] = scene.read(rows, bands=bands) @ weights[:, bands].T
    image = np.zeros(colours.shape, dtype=np.uint8)
    for channel in range(3):
        values = colours[..., channel][scene.valid]
        image[..., channel][scene.valid] = _stretched(values, settings.low_quantile, settings.high_quantile)
    return image


def renderings(
    scene: Scene, settings: RgbSettings, true_colour: np.ndarray | None = None
) -> list[tuple[str, np.ndarray]]:
    """Return pictures of a scene for people, each with its title, uint8 (rows, cols, 3).

    True colour and colour infrared, as far as the scene has the bands; else three that it has. What lies in the shade
    is to be recognised as well: dark parts get more light. ``true_colour`` is taken where the run has it already.
    """
    infrared = replace(settings, red_nm=INFRARED_NM, green_nm=settings.red_nm, blue_nm=settings.green_nm)
    if true_colour is None:
        true_colour = render(scene, settings)
    found = {"True colour": true_colour, "Colour infrared": render(scene, infrared)}
    shown = [(title, _brighter(image)) for title, image in found.items() if image is not None]
    if shown:
        return shown
    blue, green, red = (float(nm) for nm in np.quantile(scene.wavelengths, (0.1, 0.5, 0.9), method="nearest"))
    image = render(scene, replace(settings, red_nm=red, green_nm=green, blue_nm=blue))
    assert image is not None  # these are bands of the scene
    return [(f"False colour: {red:.0f}, {green:.0f}, {blue:.0f} nm", _brighter(image))]


def _brighter(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * (np.arange(256) / 255) ** _GAMMA).astype(np.uint8)[image]


def _weights(wavelengths: np.ndarray, nm: float) -> np.ndarray:
    """Share of each band (bands,) in the value at ``nm``; they sum to 1."""
    weights = np.zeros(len(wavelengths))
    above = int(np.searchsorted(wavelengths, nm))
    below = above - 1
    if below < 0 or above == len(wavelengths):
        weights[min(max(below, 0), len(wavelengths) - 1)] = 1.0
        return weights
    # Not zero: searchsorted gives wavelengths[below] < nm <= wavelengths[above].
    share = (nm - wavelengths[below]) / (wavelengths[above] - wavelengths[below])
    weights[below], weights[above] = 1.0 - share, share
    return weights


def _stretched(values: np.ndarray, low_quantile: float, high_quantile: float) -> np.ndarray:
    low, high = (float(q) for q in np.quantile(values.astype(np.float64), (low_quantile, high_quantile)))
    if low == high:
        low, high = float(values.min()), float(values.max())  # nearly all the same: show what differs
    if low == high:
        return np.full(values.shape, _GREY, dtype=np.uint8)
    return np.rint(255 * np.clip((values - low) / (high - low), 0, 1)).astype(np.uint8)


def _run(context: SceneContext, folder: Path) -> None:
    """Interpolate the scene to RGB; a scene that does not cover the visible leaves none, and says so."""
    settings = context.settings(RgbSettings)
    image = render(context.scene, settings)
    missing = missing_colours(context.scene.wavelengths, settings)
    save_json(folder / "record.json", {"missing_colours": missing})
    if image is None:
        context.progress.say(f"The scene does not cover the visible (no {', '.join(missing)}): it has no RGB.")
        return
    from PIL import Image

    save_array(folder / "rgb.npy", image)
    Image.fromarray(image).save(folder / "rgb.png")


STEP = Step(
    name="rgb",
    version=1,
    function=_run,
    summary="Make the RGB image of RUN again, and what follows it.",
    examples=("special rgb", "special rgb scene.special --set rgb.high_quantile=0.99 --until rgb"),
    settings=(RgbSettings,),
    inputs={"scene": "the scene"},
    delivers=("rgb.png",),
)
