"""A simulated scene as files: what a user would have of a real one, and its truth."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.simulate.scene import Simulated

_SCALE = 10000  # reflectance is stored as whole numbers, as most providers do
_IGNORE = -9999


@dataclass(frozen=True)
class SceneFiles:
    """Where the parts of a scene lie. ``truth``: 1..K, 0 = no data; ``wavelengths``: nm, one a line."""

    scene: Path
    classes: Path
    wavelengths: Path
    truth: Path


def write_scene(folder: Path, simulated: Simulated, stem: str = "scene") -> SceneFiles:
    """Write a scene as ENVI (``STEM.hdr``, ``STEM.img``) with class list, wavelengths and truth beside it.

    Files that are there already with the same content stay as they are.

    Raises:
        SceneError: the folder holds something else, or cannot be written to.
    """
    contents = _contents(simulated, stem)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = [
            path.name
            for path in sorted(folder.iterdir())
            if path.name not in contents and path.is_file() and path.name[0] != "."
        ]
        other = [name for name, content in contents.items() if _differs(folder / name, content)]
        if strange or other:
            raise SceneError(
                f"{folder} holds {(strange or other)[0]!r}, which is not of this scene: "
                "name another folder with --out, or remove this one"
            )
        for name, content in contents.items():
            if not (folder / name).exists():
                aside = folder / f".{name}.partial"
                aside.write_bytes(content)
                os.replace(aside, folder / name)
    except OSError as error:
        raise SceneError(f"{folder} cannot be written to ({error.strerror}): name another folder with --out") from None
    return SceneFiles(folder / f"{stem}.hdr", folder / "classes.txt", folder / "wavelengths.csv", folder / "truth.npy")


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() != content


def _contents(simulated: Simulated, stem: str) -> dict[str, bytes]:
    truth = io.BytesIO()
    np.save(truth, simulated.truth, allow_pickle=False)
    stored = _stored(simulated)
    listed = "".join(f"{nm:.3f}\n" for nm in simulated.wavelengths)
    return {
        f"{stem}.img": stored.tobytes(),
        f"{stem}.hdr": _header(simulated, stored).encode(),
        "classes.txt": "".join(f"{name}\n" for name in simulated.names).encode(),
        "wavelengths.csv": f"wavelength (nm)\n{listed}".encode(),
        "truth.npy": truth.getvalue(),
    }


def _stored(simulated: Simulated) -> np.ndarray:
    """Return what the data file holds, (bands, rows, cols)."""
    values = simulated.cube.transpose(2, 0, 1)
    if simulated.kind == "reflectance":
        values = np.rint(values * np.float32(_SCALE))
    kept = np.where(np.isfinite(values), values, np.float32(_IGNORE))
    return np.ascontiguousarray(kept, "<f4" if simulated.kind == "radiance" else "<i2")


def _header(simulated: Simulated, stored: np.ndarray) -> str:
    bands, rows, cols = stored.shape
    scale = [f"reflectance scale factor = {_SCALE}"] if simulated.kind == "reflectance" else []
    lines = [
        "ENVI",
        f"description = {{Simulated {simulated.kind}: no real place}}",
        f"samples = {cols}",
        f"lines = {rows}",
        f"bands = {bands}",
        "header offset = 0",
        "file type = ENVI Standard",
        f"data type = {4 if stored.dtype.kind == 'f' else 2}",
        "interleave = bsq",
        "byte order = 0",
        f"data ignore value = {_IGNORE}",
        *scale,
        "wavelength units = Nanometers",
        f"wavelength = {{{', '.join(f'{nm:.3f}' for nm in simulated.wavelengths)}}}",
        f"bbl = {{{', '.join(str(int(good)) for good in simulated.good_bands)}}}",
    ]
    return "\n".join(lines) + "\n"
