"""What the readers that go through GDAL share: blocks of an open file, its place, and wavelengths from its tags."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import lengths_in, named_by_nm, plausible_nm
from special.scene.source import Georeference, Source

_CACHE_MB = 64
_CODE = re.compile(r'AUTHORITY\["EPSG","\d+"\]\]$')
_MOST_OFF_PIXELS = 0.5
_SAME_NM = 2.0  # as far as names and rounded tags differ from what they round
_BAND_TAGS = ("wavelength", "wavelengths", "center_wavelength", "central_wavelength", "centre_wavelength")
_UNIT_TAGS = ("wavelength_units", "wavelength_unit", "wavelengths_units", "units_of_wavelength")


@dataclass(frozen=True)
class RasterBlockReader:
    """Opens the file anew for every block, so that nothing is held open and a scene can go to another process.

    Attributes:
        path: what the user named, for messages.
        name: the name GDAL opens it by: a path, or one inside an archive.
        driver: the only driver that may open it.
    """

    path: Path
    name: str
    driver: str = "GTiff"

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block, (rows, cols, bands), in the file's own numbers."""
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        window = Window.from_slices(rows, cols)
        try:
            with quiet_open(self.name, self.driver) as dataset:
                return np.moveaxis(dataset.read([int(band) + 1 for band in bands], window=window), 0, 2)
        except RasterioError as error:
            raise SceneError(f"{self.path} cannot be read in full ({error}): it may be damaged") from None


@dataclass(frozen=True)
class RasterMask:
    """Reads the mask band or the alpha band of a file.

    Attributes:
        path, name, driver: as ``RasterBlockReader`` has them.
        alpha: the number of the alpha band, counted from 1; None for a mask band or a ``.msk`` file.
    """

    path: Path
    name: str
    driver: str = "GTiff"
    alpha: int | None = None

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols), True where a pixel is masked or wholly transparent."""
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        try:
            with quiet_open(self.name, self.driver) as dataset:
                window = Window(0, rows.start, dataset.width, rows.stop - rows.start)
                read = dataset.read_masks if self.alpha is None else dataset.read
                return np.asarray(read(self.alpha or 1, window=window) == 0)
        except RasterioError as error:
            raise SceneError(f"the mask of {self.path} cannot be read ({error}): it may be damaged") from None


@dataclass(frozen=True)
class RasterLayer:
    """Reads a band of a file, counted from 0, as a mask: the pixels that hold one of ``values``."""

    read: RasterBlockReader
    values: tuple[int, ...]
    cols: int
    band: int = 0

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols), True where a pixel is masked."""
        return np.isin(self.read(rows, slice(0, self.cols), np.array([self.band]))[:, :, 0], self.values)


def raster_source(dataset: Any, path: Path, kind: str, files: tuple[Path, ...], driver: str = "GTiff") -> Source:
    """Describe an open rasterio dataset: its bands in order, without an alpha band.

    Args:
        dataset: what ``quiet_open`` gave.
        path: what the user named.
        kind: what the format is called, "GeoTIFF".
        files: what the scene is made of.
        driver: the only one that may open it when its blocks are read.

    Raises:
        SceneError: it holds complex numbers.
    """
    from rasterio.enums import ColorInterp, MaskFlags

    bands = dataset.count
    alpha = bands if bands > 1 and dataset.colorinterp[-1] == ColorInterp.alpha else None
    if alpha is not None:
        bands -= 1
    dtype = np.dtype(dataset.dtypes[0])
    if dtype.kind not in "iuf":
        raise SceneError(f"{path} holds {dtype} values, but a scene holds real numbers")
    masked = alpha is not None or MaskFlags.per_dataset in dataset.mask_flag_enums[0]
    gains, offsets = np.array(dataset.scales[:bands]), np.array(dataset.offsets[:bands])
    place = georeference_of(dataset)
    notes: tuple[str, ...] = ()
    if (place is None or place.transform is None) and dataset.gcps[0]:
        place, notes = _place_by_points(dataset)
    return Source(
        path=path,
        format=kind,
        shape=(dataset.height, dataset.width, bands),
        dtype=dtype,
        read_block=RasterBlockReader(path, dataset.name, driver),
        files=files,
        wavelengths=(nm := _wavelengths(dataset, bands)),
        fwhm=None if nm is None else _fwhm(dataset, bands),
        good_bands=_good_bands(dataset, bands),
        nodata=None if dataset.nodata is None else float(dataset.nodata),
        gains=None if np.all(gains == 1) else gains,
        offsets=None if np.all(offsets == 0) else offsets,
        scale_factor=_scale_factor(dataset),
        georeference=place,
        notes=() if place is None else notes,
        warnings=notes if place is None else (),
        row_step=int(dataset.block_shapes[0][0]),
        mask=RasterMask(path, dataset.name, driver, alpha) if masked else None,
    )


def georeference_of(dataset: Any) -> Georeference | None:
    """The georeference of an open rasterio dataset, or None when it has none."""
    crs = dataset.crs.to_wkt() if dataset.crs else None
    if crs and not _CODE.search(crs) and (epsg := dataset.crs.to_epsg()):
        crs = type(dataset.crs).from_epsg(epsg).to_wkt()  # ENVI headers name no projection that others would know
    transform = None
    if not dataset.transform.is_identity:
        transform = tuple(float(value) + 0.0 for value in tuple(dataset.transform)[:6])  # + 0.0: no minus zero
    return Georeference(crs, transform) if crs or transform else None


def _place_by_points(dataset: Any) -> tuple[Georeference | None, tuple[str, ...]]:
    """The affine transform that ground control points stand for, if they lie on one within half a pixel; and a note."""
    points, crs = dataset.gcps
    pixels = np.array([[point.col, point.row, 1.0] for point in points])
    ground = np.array([[point.x, point.y] for point in points])
    many = f"the file is placed by {len(points)} ground control points"
    if len(points) < 3 or np.linalg.matrix_rank(pixels) < 3:
        return None, (f"{many}, too few to say where it lies: the map will carry no place",)
    centre = ground.mean(axis=0)  # map coordinates are large, and least squares loses their last digits
    fit, *_ = np.linalg.lstsq(pixels, ground - centre, rcond=None)
    (a, d), (b, e), (c, f) = fit
    if not np.isfinite(fit).all() or abs(a * e - b * d) <= 1e-12 * max(abs(fit[:2]).max() ** 2, 1e-300):
        return None, (f"{many}, which lie on one line: the map will carry no place",)
    off = np.linalg.solve(fit[:2].T, (pixels @ fit - (ground - centre)).T)
    worst = float(np.hypot(*off).max())
    if worst > _MOST_OFF_PIXELS:
        said = f"{many}, which no affine transform fits (it is up to {worst:.3g} pixels off)"
        return None, (f"{said}: the map will carry no place; warp the scene first to keep it",)
    transform = tuple(float(value) + 0.0 for value in (a, b, c + centre[0], d, e, f + centre[1]))
    note = f"{many}; the map takes the affine transform through them, which is within {max(worst, 0.01):.2g} pixels"
    return Georeference(crs.to_wkt() if crs else None, transform), (note,)


@contextmanager
def quiet_open(name: str, driver: str = "GTiff") -> Iterator[Any]:
    """Open a file by the name GDAL knows it by, with ``driver`` alone, and no word about a missing place.

    Whatever its name, a file may be one that leads GDAL elsewhere, a VRT or the description of a web service: so its
    format is never left to GDAL.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    # GDAL would leave a file of its own beside a packed one that it has read to its end; and no file that it is given
    # may lead it into a network, whatever that file names.
    offline = {"CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".nothing-is-remote", "GDAL_VRT_ENABLE_PYTHON": "NO"}
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, CPL_VSIL_GZIP_WRITE_PROPERTIES="NO", **offline), _silent_log():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(name, driver=driver)
        with dataset:
            yield dataset


@contextmanager
def _silent_log() -> Iterator[None]:
    """Within the block, what GDAL quotes of a file that is not UTF-8 is lost to rasterio's log, without a traceback."""
    shown = sys.unraisablehook
    sys.unraisablehook = lambda what: None if isinstance(what.exc_value, UnicodeDecodeError) else shown(what)
    try:
        yield
    finally:
        sys.unraisablehook = shown


def _wavelengths(dataset: Any, bands: int) -> np.ndarray | None:
    """The first of these that names every band: tags of the bands, of the file, their descriptions, GDAL's IMAGERY.

    Last come names of bands that are numbers of nm, ``Band_503``.

    Raises:
        SceneError: two of them differ.
    """
    own = [_lower(dataset.tags(band, ns="ENVI")) | _lower(dataset.tags(band)) for band in range(1, bands + 1)]
    # GDAL has turned the ENVI header into tags of a domain of its own, where this file was made from one.
    whole = _lower(dataset.tags()) | _lower(dataset.tags(ns="ENVI"))
    units = _first(own[0], _UNIT_TAGS) or _first(whole, _UNIT_TAGS)
    listed = _first(whole, _BAND_TAGS)
    imagery = [_lower(dataset.tags(band, ns="IMAGERY")) for band in range(1, bands + 1)]
    places = {
        "tags of the bands": _numbers([_first(tags, _BAND_TAGS) for tags in own], units),
        "tags of the file": _numbers(re.split(r"[,;\s]+", listed.strip("{}[]() \n")), units) if listed else None,
        "names of the bands": lengths_in(dataset.descriptions[:bands]),
        "tags that name the bands": lengths_in([whole.get(f"band_{band}") for band in range(1, bands + 1)]),
        "tags of the domain IMAGERY": _numbers([tags.get("central_wavelength_um") for tags in imagery], "um"),
    }
    found = {place: nm for place, nm in places.items() if nm is not None}
    if not found:
        return named_by_nm(dataset.descriptions[:bands])
    first = next(iter(found))
    for place, nm in found.items():
        if len(nm) == len(found[first]) and not np.allclose(nm, found[first], 0, _SAME_NM, equal_nan=True):
            raise SceneError(
                f"{dataset.name} has wavelengths in the {first} and others in the {place}: give --wavelengths with the "
                "right ones"
            )
    return found[first]


def _fwhm(dataset: Any, bands: int) -> np.ndarray | None:
    """The widths of the bands (bands,), nm, by tags of the bands or of the file, in nm or micrometres by their size."""
    own = [_lower(dataset.tags(band, ns="ENVI")) | _lower(dataset.tags(band)) for band in range(1, bands + 1)]
    texts = [tags.get("fwhm") for tags in own]
    if not all(texts):
        texts = [_lower(dataset.tags(band, ns="IMAGERY")).get("fwhm_um") for band in range(1, bands + 1)]
    if not all(texts):
        whole = _lower(dataset.tags()) | _lower(dataset.tags(ns="ENVI"))
        texts = list(re.split(r"[,;\s]+", whole.get("fwhm", "").strip("{}[]() \n")))
    try:
        widths = np.array([float(text or "nan") for text in texts])
    except ValueError:
        return None
    if len(widths) != bands or not (np.isfinite(widths) & (widths > 0)).all():
        return None
    return widths * 1000 if widths.max() < 1 else widths


def _numbers(texts: list[Any], units: str | None) -> np.ndarray | None:
    """Texts that are numbers, with units or without, as nm."""
    if not all(texts):
        return None
    try:
        return plausible_nm(np.array([float(text) for text in texts]), units)
    except ValueError:
        return lengths_in(texts)


def _good_bands(dataset: Any, bands: int) -> np.ndarray | None:
    """``bbl`` as GDAL carries it over from ENVI, or as a tag of each band (1 is good)."""
    texts = [
        (_lower(dataset.tags(band, ns="ENVI")) | _lower(dataset.tags(band))).get("bbl") for band in range(1, bands + 1)
    ]
    if not all(texts):
        whole = _lower(dataset.tags()) | _lower(dataset.tags(ns="ENVI"))
        texts = re.split(r"[,;\s]+", whole.get("bbl", "").strip("{}[] \n"))
    try:
        flags = np.array([float(text or "nan") for text in texts])
    except ValueError:
        return None
    return flags > 0 if len(flags) == bands and np.isfinite(flags).all() else None


def _scale_factor(dataset: Any) -> float | None:
    tags = _lower(dataset.tags()) | _lower(dataset.tags(ns="ENVI"))
    try:
        scale = float(tags.get("reflectance_scale_factor", ""))
    except ValueError:
        return None
    return scale if scale and scale != 1 else None


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {"_".join(name.lower().split()): value for name, value in tags.items()}


def _first(tags: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((tags[name] for name in names if tags.get(name)), None)
