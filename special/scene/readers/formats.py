"""Which reader a file needs: its first bytes decide, not its suffix."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from special.errors import SceneError
from special.scene.readers.arrays import ArrayFile, cube_of
from special.scene.readers.envi import header_beside, is_header, open_envi
from special.scene.source import Source

_HDF5 = b"\x89HDF\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_KNOWN = "MATLAB .mat (v5 to v7.3), ENVI (header and raw file), GeoTIFF or .npy"


def open_source(path: Path, key: str | None, counts: Collection[int]) -> Source:
    """The cube of a file of any format we know.

    ``key`` names the array in a file of several; ``counts`` are the numbers of bands that the user's wavelengths fit.

    Raises:
        SceneError: there is no such file, its format is unknown, or it holds no cube.
    """
    found = recognise(path)
    if isinstance(found, ArrayFile):
        with found as file:
            source = cube_of(file, key, counts)
    else:
        if key is not None:
            raise SceneError(f"{path} holds one cube without a name: --key is for .mat and HDF5 files")
        source = open_raster(path, found)
    if source.shape[2] < 2:
        raise SceneError(f"{path} has a single band, so it is an image, not a cube of rows x columns x bands")
    return source


def open_raster(path: Path, header: Path | None) -> Source:
    """The cube or image of an ENVI file with this header, or of a GeoTIFF when there is none."""
    if header is not None:
        return open_envi(path, header)
    from special.scene.readers.geotiff import open_geotiff

    return open_geotiff(path)


def recognise(path: Path) -> ArrayFile | Path | None:
    """What a file is: a file of arrays, still closed; the header of an ENVI scene; None for a GeoTIFF.

    Raises:
        SceneError: no such file, or not one of the formats we know.
    """
    if path.is_dir():
        raise SceneError(f"{path} is a folder: name the scene's file in it")
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except FileNotFoundError:
        raise SceneError(f"no such file: {path}") from None
    except OSError as error:
        raise SceneError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    if start.startswith(b"\x93NUMPY"):
        from special.scene.readers.npy import NpyFile

        return NpyFile(path)
    # HDF5 allows for a block of the user's own in front, of 512 bytes doubled any number of times.
    if any(start[at:].startswith(_HDF5) for at in (0, 512, 1024, 2048)):
        from special.scene.readers.hdf5 import Hdf5File

        return Hdf5File(path)
    if start.startswith(b"MATLAB 5.0") or start[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        from special.scene.readers.mat import Mat5File

        return Mat5File(path)
    if is_header(start):
        return path
    if start.startswith(_TIFF):
        return None
    if header := header_beside(path):
        return header
    kind = "is empty" if not start else "is in no format that can be read"
    raise SceneError(f"{path} {kind}: give {_KNOWN}; the raw file of an ENVI scene needs its header (.hdr) beside it")
