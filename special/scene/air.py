"""Whether a scene is seen through air that nobody has taken off: its own absorptions tell radiance from reflectance."""

from __future__ import annotations

import numpy as np

AIR_BANDS = (
    ((757, 766), (740, 755), (770, 785)),
    ((925, 970), (845, 885), (1000, 1060)),
    ((1110, 1155), (1050, 1090), (1220, 1260)),
)  # nm: an absorption of the air (oxygen, water vapour, water vapour) and its shoulders
CLEAR = 0.8  # of the shoulders: reflectance is never this low where the air absorbs, radiance always is
BRIGHT = 0.75  # quantile of brightness from which a pixel is looked at: water is dark beyond 900 nm without any air


def is_radiance(spectra: np.ndarray, wavelengths: np.ndarray) -> bool:
    """Tell radiance from reflectance by what the air absorbs from the brightest quarter of ``spectra`` (pixels, bands).

    ``wavelengths`` (bands,), nm. One shoulder is enough, so that sensors that end at 1000 nm and such with few bands
    are recognised as well. A scene that has no band where the air absorbs is taken for reflectance.
    """
    brightness = spectra.mean(axis=1)
    typical = np.median(spectra[brightness >= np.quantile(brightness, BRIGHT)], axis=0)

    def level(ends: tuple[int, int]) -> float:
        inside = (wavelengths >= ends[0]) & (wavelengths <= ends[1])
        return float(typical[inside].mean()) if inside.any() else float("nan")

    for band, *shoulders in AIR_BANDS:
        known = [value for value in map(level, shoulders) if np.isfinite(value)]
        if known and level(band) < CLEAR * float(np.mean(known)):
            return True
    return False
