"""What else GDAL reads from local files: VRT, ESRI rasters with their own header, JPEG 2000, Erdas Imagine, DIMAP...

Only drivers that read local files are used. A VRT names other files, so those are looked at first: a file that came
from elsewhere must neither reach into the network nor run code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from special.errors import SceneError
from special.scene.readers.base import ANYTHING, HEAD_BYTES, Reader, ReadOptions
from special.scene.readers.markup import MOST_BYTES, parse_xml
from special.scene.readers.raster import quiet_open, raster_source
from special.scene.readers.sidecar import with_sidecar
from special.scene.source import Source

DRIVERS = ("VRT", "EHdr", "JP2OpenJPEG", "HFA", "DIMAP", "ERS", "RRASTER", "ISIS3", "GTiff", "ENVI")
"""The drivers that may open a file, or a file that a VRT names: none of them reads from a network."""

_JPEG2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xffO\xffQ")
_ERDAS = b"EHFA_HEADER_TAG"
_BEFORE_XML = b"\xef\xbb\xbf \r\n\t"
_XML_ROOTS = (b"<VRTDataset", b"<Dimap_Document")
_ESRI_FIELDS = (b"NROWS", b"NCOLS", b"LAYOUT", b"NBANDS", b"NBITS")
_ESRI_SUFFIXES = (".bil", ".bip", ".bsq", ".flt", ".img", ".dat", ".raw", ".bin")

_ARCHIVE = re.compile(r"/vsi(?:zip|tar|gzip)/")
_REMOTE = re.compile(r"/vsi|^\s*[A-Za-z][A-Za-z0-9+.-]+:|://|^\s*<", re.IGNORECASE)  # a drive has one letter
_SOURCES = ("SourceFilename", "SourceDataset")
_NO_FILE_NAMES = ("MDI", "SRS", "Description", "GeoTransform", "Category", "F", "LUT")
_DEEPEST = 5


class GdalReader(Reader):
    """Reads what GDAL reads and no other reader does."""

    name = "gdal"
    reads = "VRT and other local formats of GDAL"
    understands = (
        "through GDAL, from local files only: VRT, ESRI `.bil`, JPEG 2000, Erdas `.img`, SPOT DIMAP and others"
    )
    precedence = ANYTHING

    def recognises(self, path: Path, head: bytes) -> bool:
        """By the first bytes, or an ESRI header: the file itself or the one beside it."""
        if path.is_dir() or not head:
            return False
        if head.startswith((*_JPEG2000, _ERDAS)):
            return True
        if head.lstrip(_BEFORE_XML).startswith(b"<") and any(root in head for root in _XML_ROOTS):
            return True
        return _is_esri(head) or _esri_beside(path) is not None

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the bands in order.

        Raises:
            SceneError: GDAL cannot read it by the drivers that are used, or it names what must not be opened.
        """
        from rasterio.errors import RasterioError

        if path.is_dir():
            raise SceneError(f"{path} is a folder: name the scene's file in it")
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        data = _esri_data(path) if _is_esri(head) else path
        named = _checked_sources(path, 0) if _is_xml(head) else []
        header = _esri_beside(data)
        files = dict.fromkeys([path, data, *([header] if header else []), *named])
        driver = _driver(data)
        if driver is None:
            raise SceneError(f"{path} is in no format that GDAL reads here: convert it to GeoTIFF or ENVI")
        try:
            with quiet_open(str(data.absolute()), driver) as dataset:
                source = raster_source(dataset, path, driver, tuple(files), driver)
        except RasterioError as error:
            reason = str(error).partition("\n")[0]
            raise SceneError(f"{path} cannot be read by GDAL ({reason}): convert it to GeoTIFF or ENVI") from None
        return with_sidecar(source, data)


GDAL = GdalReader()


def _driver(path: Path) -> str | None:
    """The first of the drivers that can open a file."""
    from rasterio.errors import RasterioError

    for driver in DRIVERS:
        try:
            with quiet_open(str(path.absolute()), driver):
                return driver
        except RasterioError:
            continue
    return None


def _is_xml(head: bytes) -> bool:
    """Whether a file that starts like this is XML, or GDAL could take it for such: it looks for its roots anywhere."""
    return head.lstrip(_BEFORE_XML).startswith(b"<") or any(root in head for root in _XML_ROOTS)


def _is_esri(head: bytes) -> bool:
    """Whether a file that starts like this is the header of an ESRI raster (``.bil``, ``.bip``, ``.bsq``)."""
    words = {line.split()[0].upper() for line in head.splitlines() if line.split() and len(line) < 200}
    return {b"NROWS", b"NCOLS"} <= words and len(words & set(_ESRI_FIELDS)) >= 3


def _esri_beside(data: Path) -> Path | None:
    for path in (data.with_suffix(".hdr"), data.with_suffix(".HDR")):
        if path != data and path.is_file():
            with path.open("rb") as stream:
                if _is_esri(stream.read(HEAD_BYTES)):
                    return path
    return None


def _esri_data(header: Path) -> Path:
    found = sorted(
        path
        for path in header.parent.iterdir()
        if path.stem == header.stem and path.suffix.lower() in _ESRI_SUFFIXES and path.is_file()
    )
    if len(found) != 1:
        wrong = f"could belong to {' or '.join(p.name for p in found)}" if found else "has no data file beside it"
        raise SceneError(f"{header} is the header of an ESRI raster and {wrong}: name the data file (.bil, .bip, .bsq)")
    return found[0]


def _checked_sources(path: Path, depth: int) -> list[Path]:
    """Return the files that an XML file names, and those that these name in turn.

    Raises:
        SceneError: one of them is missing or not local, or in no format that is read; or code is to be run.
    """
    if depth > _DEEPEST:
        raise SceneError(f"{path} is nested too deeply: name the file in its middle")
    with path.open("rb") as stream:
        root = parse_xml(stream.read(MOST_BYTES + 1), str(path))
    if any((item.text or "").strip().lower() == "python" for item in root.iter("PixelFunctionLanguage")):
        raise SceneError(f"{path} holds code that would have to be run: save its result as GeoTIFF")
    found: dict[Path, None] = {}
    for text in _texts(root):
        if _REMOTE.search(_ARCHIVE.sub("", text)):
            raise SceneError(f"{path} names {text.strip()[:100]!r}: only local files are opened, by their plain names")
    for text, relative in _named(root):
        inside = _ARCHIVE.search(text) is not None
        place = text if inside or not relative else str(path.parent / text)
        file = _archive_of(place) if inside else Path(place)
        if file is None or not file.is_file():
            raise SceneError(f"{path} needs the file {text}, which is missing: fetch it as well")
        if file in found:
            continue
        found[file] = None
        if inside:
            continue
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if _is_xml(head) or head.startswith(b"{"):
            found |= dict.fromkeys(_checked_sources(file, depth + 1))
        if _driver(file) is None:
            raise SceneError(f"{path} names {text}, which is in no format that is read: save it as GeoTIFF")
    return list(found)


def _texts(root: ElementTree.Element) -> Iterator[str]:
    """What may be the name of a file: the text of every element, without descriptions, and links."""
    for item in root.iter():
        tag = item.tag.rpartition("}")[2]
        if root.tag == "VRTDataset" and item.text and tag not in _NO_FILE_NAMES:
            yield item.text
        yield from (value for name, value in item.attrib.items() if name.lower() == "href")


def _named(root: ElementTree.Element) -> Iterator[tuple[str, bool]]:
    """The files that a VRT names, and whether from its own folder."""
    for item in root.iter():
        if item.tag in _SOURCES and item.text:
            yield item.text, item.get("relativeToVRT", item.get("relativetoVRT", "0")) == "1"


def _archive_of(name: str) -> Path | None:
    """The archive on disk in a name such as ``/vsizip//data/x.zip/a.tif``."""
    plain = Path(_ARCHIVE.sub("", name).replace("{", "").replace("}", ""))
    return next((part for part in (plain, *plain.parents) if part.is_file()), None)
