"""A simulated data set of images of fruit: a disc on a masked background, ripe or not, with a spectrum to tell by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES = ("Unripe", "Ripe", "Overripe")


def image(
    kind: int,
    generator: np.random.Generator,
    side: int = 20,
    bands: int = 16,
    noise: float = 0.02,
    spread: float = 0.1,
) -> np.ndarray:
    """One fruit, float32 (side, side, bands), 0 outside of it: ripening takes chlorophyll away, then water.

    ``noise``: of every value, ``spread``: of what a fruit of its kind holds, both as a share.
    """
    nm = np.linspace(450, 1000, bands)
    chlorophyll = (0.9, 0.5, 0.15)[kind] * generator.uniform(1 - spread, 1 + spread)
    water = (0.3, 0.3, 0.9)[kind] * generator.uniform(1 - spread, 1 + spread)
    spectrum = (
        0.7 - 0.5 * chlorophyll * np.exp(-(((nm - 675) / 40) ** 2)) - 0.3 * water * np.exp(-(((nm - 970) / 40) ** 2))
    )
    rows, cols = np.mgrid[:side, :side] - (side - 1) / 2
    away = np.hypot(rows, cols) / (side / 2)
    shade = np.sqrt(np.clip(1 - 0.7 * away**2, 0, 1))  # a ball is darker at its rim
    disturbed = generator.normal(1, noise, (side, side, bands))
    return np.where(away[..., None] < 0.95, shade[..., None] * spectrum * disturbed, 0).astype(np.float32)


def write(
    folder: Path, images: int = 5, side: int = 20, seed: int = 0, noise: float = 0.02, spread: float = 0.1
) -> Path:
    """Write a data set: a folder per class, every other cube as ENVI, the others as ``.npy``."""
    import spectral.io.envi as envi

    generator = np.random.default_rng(seed)
    for kind, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(images):
            cube = image(kind, generator, side, noise=noise, spread=spread)
            if number % 2:
                np.save(folder / name / f"{number:02}.npy", cube)
            else:
                bands = np.linspace(450, 1000, cube.shape[2]).tolist()
                meta = {"wavelength": bands, "wavelength units": "Nanometers"}
                envi.save_image(str(folder / name / f"{number:02}.hdr"), cube, metadata=meta, ext=".bin")
    return folder
