"""The scene: a hyperspectral cube with its wavelengths, its valid pixels and its place on the map."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from special.errors import SceneError, damage_of
from special.scene.axes import read_axes
from special.scene.masks import Masked, mask_pixels, names_of
from special.scene.nanometres import plausible_nm
from special.scene.quality import is_factor, judge
from special.scene.readers.base import ArrayBlockReader, ReadOptions, open_source
from special.scene.references import with_references
from special.scene.source import Georeference, Ground, Source
from special.scene.wavelengths import centres_of, given_wavelengths

__all__ = ["Georeference", "Scene", "open_scene"]

_EVERYTHING = slice(None)
_WINDOW_BYTES = 1 << 25
_JUDGED_BYTES = 1 << 24
_FAR_LARGER = 8


class Scene:
    """A cube that is read by windows: only its masks and its description are held in memory.

    Attributes:
        path: the file, or None for an array. format, key: how it is stored, and the array's name in its file.
        shape: (rows, cols, bands), good bands only.
        wavelengths: float64 (bands,), nm, ascending; overlapping detectors are merged by wavelength.
        valid: bool (rows, cols); False where a pixel has no data.
        georeference: where it lies, or None. ground: for one in sensor geometry, a grid on the ground and its pixels.
        looked_at: the blocks of rows whose pixels were judged; all, unless a file was only to be described.
        masked: the masks that came with it, how many pixels each marks, and whether these were left out.
        sensor, level, acquired: what its product says of itself, or None.
        band_numbers: int (bands,), for each good band its number in the file, counted from 0.
        uniform: whether all valid pixels are known to have the same spectrum.
        bad_bands: for each dropped band, by its number in the file, the reason.
        fwhm: float64 (bands,), the widths of the bands, nm; or None where the file does not say.
        scale_factor: what ``read`` has divided by to give reflectance, when the file says so, else None.
        known_reflectance: whether the file says that what ``read`` gives is reflectance.
        notes: what was understood, sentences for people.
        warnings: those of them that nobody who makes a map must miss.
        gains_applied: whether ``read`` applies gains and offsets that the file lists.
    """

    def __init__(
        self,
        source: Source,
        wavelengths: np.ndarray,
        *,
        valid: np.ndarray | None = None,
        masks: Sequence[str] | None = None,
        most_bytes: int | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        """Judge the bands and pixels of ``source``; ``wavelengths`` are nm, one per band of the file.

        ``valid``, bool (rows, cols), excludes pixels that the data alone would not, and so do ``masks``, by name: None
        for those that a product is used with by default. ``most_bytes`` is how much to look at, evenly spread over the
        rows, where a file is much larger: that is enough to describe it, not to work on it.

        Raises:
            SceneError: no band is good, no pixel is valid, or there is no such mask.
        """
        if source.scale_factor is not None and not (source.scale_factor > 0 and is_factor(source.scale_factor)):
            odd = f"its scale factor is {source.scale_factor:g}, which makes no reflectance: it was left out"
            source = replace(source, scale_factor=None, warnings=(*source.warnings, odd))
        blocks = list(row_blocks(source, _JUDGED_BYTES))
        if most_bytes is not None and _FAR_LARGER * most_bytes < math.prod(source.shape) * source.dtype.itemsize:
            chosen = np.linspace(0, len(blocks) - 1, max(1, most_bytes // _JUDGED_BYTES)).round().astype(int)
            blocks = [blocks[i] for i in np.unique(chosen)]
        self.looked_at: tuple[slice, ...] = tuple(blocks)
        allowed = np.ones(source.shape[:2], dtype=bool) if valid is None else np.array(valid, dtype=bool)
        self.masked: tuple[Masked, ...] = mask_pixels(source, masks, blocks, allowed)
        if not allowed.any():
            words = " and ".join(str(mask) for mask in self.masked if mask.used and mask.pixels)
            raise SceneError(f"{source.path or 'the array'} has no pixel that is not masked ({words or 'by valid'})")
        verdict = judge(source, blocks, has_wavelength=np.isfinite(wavelengths), allowed=allowed)
        good = np.flatnonzero(verdict.good)
        order = good[np.argsort(wavelengths[good], kind="stable")]
        self._source, self._stamps = source, _stamps(source.files)
        self.path: Path | None = source.path
        self.format: str = source.format
        self.key: str | None = source.key
        self.shape: tuple[int, int, int] = (*source.shape[:2], len(order))
        self.wavelengths: np.ndarray = wavelengths[order].astype(np.float64)
        self.valid: np.ndarray = verdict.valid
        self.georeference: Georeference | None = _usable(source.georeference)
        self.ground: Ground | None = source.ground
        self.sensor, self.level, self.acquired = source.sensor, source.level, source.acquired
        self.band_numbers: np.ndarray = order
        self.bad_bands: Mapping[int, str] = verdict.bad_bands
        self.uniform: bool = verdict.uniform and most_bytes is None
        self.fwhm: np.ndarray | None = None if source.fwhm is None else source.fwhm[order].astype(np.float64)
        self.scale_factor: float | None = source.scale_factor
        self.known_reflectance: bool = source.scale_factor is not None or source.is_reflectance
        merged = ("the bands were put in order of wavelength",) if np.any(np.diff(order) < 0) else ()
        self.gains_applied: bool = source.gains is not None or source.offsets is not None
        self.warnings: tuple[str, ...] = source.warnings
        if self.georeference is not source.georeference:
            self.warnings += ("its place on the map is no number or has no extent: the map will carry no place",)
        self.notes: tuple[str, ...] = (*self.warnings, *source.notes, *notes, *merged, *verdict.notes)

    @classmethod
    def from_array(
        cls,
        cube: np.ndarray,
        wavelengths: Sequence[float] | np.ndarray,
        *,
        valid: np.ndarray | None = None,
        georeference: Georeference | None = None,
    ) -> Scene:
        """A scene from an array (rows, cols, bands) and its wavelengths (bands,), nm or micrometres, in any order.

        Bands and pixels are judged as those of a file are. The array is not copied.

        Raises:
            SceneError: not a cube of numbers, or the wavelengths or ``valid`` do not fit it.
        """
        cube = np.asarray(cube)
        if cube.ndim != 3 or 0 in cube.shape or cube.dtype.kind not in "iuf":
            raise SceneError(f"an array of {cube.dtype} {cube.shape} is no cube: give numbers as (rows, cols, bands)")
        nm = plausible_nm(np.asarray(wavelengths, dtype=np.float64).ravel(), None)
        if nm is None:
            raise SceneError("the wavelengths are not plausible: give one per band, in nm")
        if len(nm) != cube.shape[2]:
            raise SceneError(f"{len(nm)} wavelengths were given for {cube.shape[2]} bands: give one per band")
        if valid is not None and np.shape(valid) != cube.shape[:2]:
            raise SceneError(f"valid is {np.shape(valid)} but the cube is {cube.shape[:2]}: give one flag per pixel")
        source = Source(
            path=None,
            format="array",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=ArrayBlockReader(cube, (0, 1, 2)),
            georeference=georeference,
        )
        return cls(source, nm, valid=None if valid is None else np.asarray(valid, dtype=bool))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is made of."""
        return self._source.files

    @property
    def file_bands(self) -> int:
        """How many bands the file holds, good and bad."""
        return self._source.shape[2]

    def read(
        self, rows: slice = _EVERYTHING, cols: slice = _EVERYTHING, *, bands: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """A window as float32 (rows, cols, bands): reflectance when the file says how, else its own numbers.

        Invalid pixels are NaN in every band, all others finite. ``bands`` picks good bands by position; the slices
        are Python's, without a step. The result is the caller's own.
        """
        rows, cols = (_whole_slice(part, size) for part, size in zip((rows, cols), self.shape[:2], strict=True))
        numbers = self.band_numbers if bands is None else self.band_numbers[np.asarray(bands, dtype=np.intp)]
        if rows.stop <= rows.start or cols.stop <= cols.start or not len(numbers):
            shape = (max(0, rows.stop - rows.start), max(0, cols.stop - cols.start), len(numbers))
            return np.empty(shape, dtype=np.float32)
        with damage_of(self._source.path):
            raw = self._source.read_block(rows, cols, numbers)
        with np.errstate(over="ignore", invalid="ignore"):
            cube = np.array(raw, dtype=np.float32, order="C")
            if self._source.gains is not None:
                cube *= self._source.gains[numbers].astype(np.float32)
            if self._source.offsets is not None:
                cube += self._source.offsets[numbers].astype(np.float32)
            if self.scale_factor is not None:
                cube /= np.float32(self.scale_factor)
        cube[~self.valid[rows, cols]] = np.nan
        return cube

    def windows(self, max_bytes: int = _WINDOW_BYTES) -> Iterator[slice]:
        """Row slices that cover the scene in order; each window takes about ``max_bytes`` as float32."""
        return row_blocks(self._source, max_bytes, bytes_per_value=4)

    @property
    def replaced(self) -> Path | None:
        """A file of the scene that is another one, or gone, since it was opened; None where there is none."""
        now = _stamps(self._source.files)
        return next((path for path in self._source.files if now[path] != self._stamps[path]), None)

    def content_hash(self) -> str:
        """SHA-256 (hex) over the bytes of every file this scene is made of, and over what its format said of it."""
        source, outer = self._source, hashlib.sha256()
        for path in source.files:
            with path.open("rb") as stream:
                outer.update(hashlib.file_digest(stream, "sha256").digest())
        if not source.files:
            for rows in row_blocks(source, 1 << 24):
                block = source.read_block(rows, slice(0, source.shape[1]), np.arange(source.shape[2]))
                outer.update(block.tobytes())
        description: list[object] = [source.key, source.shape, source.dtype.str, source.nodata, source.scale_factor]
        lists = source.wavelengths, source.good_bands, source.gains, source.offsets
        description += [None if a is None else a.tolist() for a in lists]
        if source.georeference:
            description += [source.georeference.crs_wkt, source.georeference.transform]
        if source.is_reflectance:  # only then: the hashes of formats that never say so stay what they were
            description.append("reflectance")
        outer.update(json.dumps(description).encode())
        return outer.hexdigest()

    def __repr__(self) -> str:
        """Name, size, range and format."""
        rows, cols, bands = self.shape
        span = f"{self.wavelengths[0]:.0f}-{self.wavelengths[-1]:.0f} nm"
        return f"<Scene {self.path or 'the array'}: {rows} x {cols} x {bands}, {span}, {self.format}>"


def open_scene(
    path: str | Path,
    *,
    key: str | None = None,
    wavelengths: str | Path | Sequence[float] | np.ndarray | None = None,
    sensor: str | None = None,
    reader: str | None = None,
    mask: str | Sequence[str] | None = None,
    white: str | Path | None = None,
    dark: str | Path | None = None,
    axes: str | None = None,
    most_bytes: int | None = None,
) -> Scene:
    """Open a hyperspectral scene: MATLAB, ENVI, GeoTIFF, ``.npy`` or another format that has a reader.

    ``key`` names the array in a ``.mat`` file of several. ``wavelengths`` (a CSV file, ``"430:860"``, or numbers
    (bands,) in nm) or ``sensor`` (such as ``"aviris"``) stand in for wavelengths that the file lacks, and beat those it
    has. ``reader`` names the reader to use (such as ``"envi"``), where the content of the file shall not decide.
    ``mask`` names the masks of a product that leave pixels out (``"cloud,shadow"``, or ``"none"``), clouds when None.
    ``white`` and ``dark`` are references that make reflectance of raw numbers; ``"none"`` leaves those beside it out.
    ``axes`` says what the axes of a stored array are (``"row,band,col"``), where its file does not.
    The file is read once through, block by block, to find its bad bands and invalid pixels; or no more than
    ``most_bytes`` of one that is far larger, which is enough to describe it.

    Raises:
        SceneError: the file or its wavelengths cannot be understood; the message says what to do.
        SettingsError: there is no such reader.
    """
    path = Path(path)
    given = given_wavelengths(wavelengths, sensor)
    options = ReadOptions(
        key, tuple(given.lists) if given else (), any_count=bool(given and given.span), axes=read_axes(axes)
    )
    with damage_of(path):
        source = with_references(open_source(path, options, reader), path, white, dark)
        centres, notes = centres_of(source, given)
        return Scene(source, centres, masks=names_of(mask), most_bytes=most_bytes, notes=notes)


def row_blocks(source: Source, max_bytes: int, bytes_per_value: int | None = None) -> Iterator[slice]:
    """Blocks of whole rows that cover a cube in a file, each of about ``max_bytes`` or of one stored step.

    A stored step that is far larger (a GeoTIFF of one strip) is not kept to: time is cheaper than memory.
    """
    rows, cols, bands = source.shape
    row_bytes = cols * bands * (bytes_per_value or source.dtype.itemsize)
    step = max(1, max_bytes // max(1, row_bytes))
    if source.row_step * row_bytes <= 8 * max_bytes:
        step = max(source.row_step, step - step % source.row_step)
    # A block never lies in two stored steps: both would have to be unpacked for it.
    stored = max(step, source.row_step)
    for first in range(0, rows, stored):
        for start in range(first, min(rows, first + stored), step):
            yield slice(start, min(rows, first + stored, start + step))


def _stamps(paths: Sequence[Path]) -> dict[Path, tuple[int, ...]]:
    """Which file each path leads to, how large it is, and when it was written; () where there is none."""
    found: dict[Path, tuple[int, ...]] = {}
    for path in paths:
        try:
            about = path.stat()
            found[path] = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
        except OSError:
            found[path] = ()
    return found


def _usable(place: Georeference | None) -> Georeference | None:
    """A place whose pixels lie somewhere and have an area, or None."""
    if place is None or place.transform is None:
        return place
    a, b, _, d, e, _ = place.transform
    fits = all(math.isfinite(value) and abs(value) < 1e12 for value in place.transform)
    return place if fits and abs(a * e - b * d) > 0 else None


def _whole_slice(part: slice, size: int) -> slice:
    start, stop, step = part.indices(size)
    if step != 1:
        raise ValueError("a window is a slice without a step")
    return slice(start, stop)
