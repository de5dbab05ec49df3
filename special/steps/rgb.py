"""The step ``rgb``: what the eye would see, interpolated from the spectrum.

Source: SPECIAL (arXiv 2501.16222), "spectral interpolation"; 655 / 553 / 451 nm are its authors' numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from special.cache.step import Step
from special.scene.rendering import AUTO, EACH, TOGETHER, Stretch, covers
from special.scene.rendering import render as rendered
from special.settings import OneOf, Within
from special.steps.context import SceneContext
from special.storage.files import save_array, save_json

if TYPE_CHECKING:
    from special.scene import Scene


INFRARED_NM = 850.0
"""Shown as red in colour infrared, where plants are bright; red is shown as green, green as blue."""


@dataclass(frozen=True)
class RgbSettings:
    """Where red, green and blue are (nm), and what becomes black and white (see ``special.scene.rendering``)."""

    section: ClassVar[str] = "rgb"

    red_nm: Annotated[float, Within(200, 30000)]
    green_nm: Annotated[float, Within(200, 30000)]
    blue_nm: Annotated[float, Within(200, 30000)]
    low_quantile: Annotated[float, Within(0, below="high_quantile")]
    high_quantile: Annotated[float, Within(0, 1)]
    stretch: Annotated[str, OneOf((AUTO, TOGETHER, EACH))]
    gamma: Annotated[float, Within(0.1, 10)]

    @property
    def colours(self) -> tuple[tuple[str, float], ...]:
        """Name and wavelength (nm) of each channel, red first."""
        return ("red", self.red_nm), ("green", self.green_nm), ("blue", self.blue_nm)


def missing_colours(wavelengths: np.ndarray, settings: RgbSettings) -> list[str]:
    """The colours that no band of ``wavelengths`` (bands,), nm, covers; empty when an RGB image can be made."""
    return [name for name, nm in settings.colours if not covers(wavelengths, nm)]


def render(scene: Scene, settings: RgbSettings) -> np.ndarray | None:
    """An RGB image, uint8 (rows, cols, 3), 0 at invalid pixels; None when the scene does not cover the visible."""
    if missing_colours(scene.wavelengths, settings):
        return None
    stretch = Stretch(settings.low_quantile, settings.high_quantile, settings.stretch, settings.gamma)
    return rendered(scene, [nm for _, nm in settings.colours], stretch)


def renderings(
    scene: Scene, settings: RgbSettings, true_colour: np.ndarray | None = None
) -> list[tuple[str, np.ndarray]]:
    """Return pictures of a scene for people, each with its title, uint8 (rows, cols, 3).

    True colour and colour infrared, as far as the scene has the bands; else three that it has. ``true_colour`` is taken
    where the run has it already.
    """
    if true_colour is None:
        true_colour = render(scene, settings)
    settings = replace(settings, stretch=EACH)  # infrared outshines the visible, and hides it
    infrared = replace(settings, red_nm=INFRARED_NM, green_nm=settings.red_nm, blue_nm=settings.green_nm)
    found = {"True colour": true_colour, "Colour infrared": render(scene, infrared)}
    shown = [(title, image) for title, image in found.items() if image is not None]
    if shown:
        return shown
    blue, green, red = (float(nm) for nm in np.quantile(scene.wavelengths, (0.1, 0.5, 0.9), method="nearest"))
    image = render(scene, replace(settings, red_nm=red, green_nm=green, blue_nm=blue))
    assert image is not None  # these are bands of the scene
    return [(f"False colour: {red:.0f}, {green:.0f}, {blue:.0f} nm", image)]


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
    version=2,
    function=_run,
    summary="Make the RGB image of RUN again, and what follows it.",
    examples=("special rgb", "special rgb scene.special --set rgb.high_quantile=0.99 --until rgb"),
    settings=(RgbSettings,),
    inputs={"scene": "the scene"},
    delivers=("rgb.png",),
)
