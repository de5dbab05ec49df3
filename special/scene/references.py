"""White and dark references: raw numbers of a camera made reflectance.

    reflectance = (raw - dark) / (white - dark) * exposure of the white / exposure of the scene

A reference is a cube of the scene's bands, some lines of a white panel or of a closed shutter. Its lines are averaged;
where it is as wide as the scene, every column (each is a detector of its own) has its own values. The panel is taken to
reflect everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import ReadOptions, open_source
from special.scene.source import BlockReader, Source

NONE = "none"
_PREFIXES = {"white": ("WHITEREF_", "whiteref_"), "dark": ("DARKREF_", "darkref_")}
_NAMES = {"white": "whiteReference.hdr", "dark": "darkReference.hdr"}
_BYTES = 1 << 26


@dataclass(frozen=True)
class ReferencedBlockReader:
    """Reads reflectance, float32, NaN where there is no data. ``dark`` and ``span`` are float32 (cols or 1, bands)."""

    read: BlockReader
    dark: np.ndarray
    span: np.ndarray
    nodata: float | None

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block."""
        raw = self.read(rows, cols, bands)
        dark, span = (part[cols if len(part) > 1 else slice(None)][:, bands] for part in (self.dark, self.span))
        found = (raw.astype(np.float32) - dark) / span
        if self.nodata is not None:
            found[raw == np.float64(self.nodata)] = np.nan
        return found


def with_references(source: Source, path: Path, white: str | Path | None, dark: str | Path | None) -> Source:
    """Return reflectance by the references that the user names, or else by those that lie beside the scene.

    Beside it are taken: ``WHITEREF_NAME.hdr`` and ``DARKREF_NAME.hdr``, or ``whiteReference.hdr`` and
    ``darkReference.hdr``. "none" for either leaves the numbers as they are.

    Raises:
        SceneError: one is named without the other, does not fit the scene, or the scene needs none.
    """
    if path.name.startswith((*_PREFIXES["white"], *_PREFIXES["dark"])):
        said = "its name says that this is a reference of a scene, not a scene: the map means nothing"
        source = replace(source, warnings=(*source.warnings, said))
    if NONE in (str(white), str(dark)):
        return source
    if white is None and dark is None:
        beside = _beside(path)
        raw = source.dtype.kind in "iu" and source.scale_factor is None and source.gains is None
        if len(beside) < 2 or not raw:
            return source
        try:
            return _applied(source, beside["white"], beside["dark"])
        except SceneError as error:
            return replace(source, warnings=(*source.warnings, f"references left out: {error}"))
    if white is None or dark is None:
        given, lacks = ("dark", "white") if white is None else ("white", "dark")
        raise SceneError(f"--{given} is given without --{lacks}: name both references")
    if source.scale_factor is not None or source.is_reflectance:
        raise SceneError(f"{path} is reflectance already: leave out --white and --dark")
    return _applied(source, Path(white), Path(dark))


def _beside(path: Path) -> Mapping[str, Path]:
    found = {}
    for kind, prefixes in _PREFIXES.items():
        names = [*(f"{prefix}{path.stem}.hdr" for prefix in prefixes), _NAMES[kind]]
        there = [path.with_name(name) for name in names if path.with_name(name).is_file()]
        if there:
            found[kind] = there[0]
    return found


def _applied(source: Source, white: Path, dark: Path) -> Source:
    opened = {"white": open_source(white, ReadOptions()), "dark": open_source(dark, ReadOptions())}
    cols, bands = source.shape[1:]
    for kind, reference in opened.items():
        if reference.shape[2] != bands:
            raise SceneError(
                f"the {kind} reference {reference.path} has {reference.shape[2]} bands but the scene has {bands}: "
                "give references of the same camera and mode"
            )
    means = {kind: _mean(reference, cols) for kind, reference in opened.items()}
    span = means["white"] - means["dark"]
    exposures = source.exposure, opened["white"].exposure
    note = f"reflectance by the white reference {white.name} and the dark reference {dark.name}"
    if None not in exposures and exposures[0] != exposures[1]:
        scene, panel = (float(value or 0) for value in exposures)
        span = span * (scene / panel)
        note += f", exposures of {scene:g} and {panel:g} taken into account"
    with np.errstate(invalid="ignore"):
        span = np.where(span > 0, span, np.nan).astype(np.float32)
    return replace(
        source,
        dtype=np.dtype(np.float32),
        read_block=ReferencedBlockReader(source.read_block, means["dark"].astype(np.float32), span, source.nodata),
        files=tuple(dict.fromkeys([*source.files, *opened["white"].files, *opened["dark"].files])),
        nodata=None,
        is_reflectance=True,
        gains=None,
        offsets=None,
        notes=(*source.notes, note),
    )


def _mean(reference: Source, cols: int) -> np.ndarray:
    """The mean over the lines, float64 (cols, bands); over everything, (1, bands), where it is of another width."""
    rows, width, bands = reference.shape
    step = max(1, _BYTES // (width * bands * 8))
    total = np.zeros((width, bands))
    for start in range(0, rows, step):
        block = reference.read_block(slice(start, min(rows, start + step)), slice(0, width), np.arange(bands))
        total += block.sum(axis=0, dtype=np.float64)
    mean = total / rows
    return mean if width == cols else mean.mean(axis=0, keepdims=True)
