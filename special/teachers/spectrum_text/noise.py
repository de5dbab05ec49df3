"""What the sensor adds to every pixel: the part of a spectral region that its neighbours do not explain.

Spectra are smooth; noise is not. It is additive, so it is nothing beside a bright thing and much of what is seen of
water: a likelihood that does not know of it takes noisy water for whatever is the least certain.
"""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 3  # regions to either side that explain one
DARK_SHARE = 1 / 3  # of the pixels, the darkest: in these, noise is least mixed up with what materials differ in
FEWEST = 4  # pixels for each neighbour: with fewer, anything is explained
NORMAL = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


def noise_of(signals: np.ndarray) -> np.ndarray:
    """Return the standard deviation (regions,) of the noise in ``signals`` (pixels, regions); 0 where it is unknown.

    Each region is regressed on the regions beside it, as Bioucas-Dias and Nascimento (2008, doi
    10.1109/TGRS.2008.918089, section III-A) do with all bands.
    """
    brightness = signals.mean(axis=1)
    dark = signals[brightness <= np.quantile(brightness, DARK_SHARE)]
    dark = dark - dark.mean(axis=0)
    count = signals.shape[1]
    found = np.zeros(count)
    for region in range(count):
        beside = [at for at in range(max(0, region - NEIGHBOURS), min(count, region + NEIGHBOURS + 1)) if at != region]
        if not beside or len(dark) < FEWEST * len(beside):
            continue
        weights = np.linalg.lstsq(dark[:, beside], dark[:, region], rcond=None)[0]
        left = dark[:, region] - dark[:, beside] @ weights
        found[region] = NORMAL * np.median(np.abs(left - np.median(left)))
    return found
