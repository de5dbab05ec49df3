"""What GDAL reads and no other reader does: VRT, ESRI rasters, JPEG 2000; and what it must not be led to."""

from __future__ import annotations

import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from raster_products import write_tif

from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers.base import recognise
from special.scene.readers.raster import quiet_open

NM = [450.0, 550.0, 650.0]


def cube(dtype: str = "int16") -> np.ndarray:
    return np.random.default_rng(5).integers(1, 100, (6, 5, 3)).astype(dtype)


def vrt(path: Path, source: str, *, relative: int = 1, wavelengths: bool = True, extra: str = "") -> Path:
    """A VRT of three bands of one file, with wavelengths as EnMAP-Box writes them."""
    bands = []
    for band, nm in enumerate(NM, 1):
        tags = f'<Metadata domain="ENVI"><MDI key="wavelength">{nm}</MDI></Metadata>' if wavelengths else ""
        bands.append(
            f'<VRTRasterBand dataType="Int16" band="{band}">{tags}<SimpleSource>'
            f'<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename><SourceBand>{band}</SourceBand>'
            "</SimpleSource></VRTRasterBand>"
        )
    path.write_text(f'<VRTDataset rasterXSize="5" rasterYSize="6">{extra}{"".join(bands)}</VRTDataset>')
    return path


def test_a_vrt_reads_its_sources_from_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tif(tmp_path / "a.tif", cube())
    path = vrt(tmp_path / "scene.vrt", "a.tif")
    monkeypatch.chdir(tmp_path.parent)
    scene = open_scene(path)
    assert scene.format == "VRT"
    np.testing.assert_array_equal(scene.read(), cube())
    np.testing.assert_array_equal(scene.wavelengths, NM)
    before = scene.content_hash()
    write_tif(tmp_path / "a.tif", cube() + np.int16(1))
    assert open_scene(path).content_hash() != before


def test_a_vrt_of_a_vrt_and_of_a_zip_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(write_tif(tmp_path / "a.tif", cube()), "a.tif")
    vrt(tmp_path / "inner.vrt", f"/vsizip/{tmp_path / 'a.zip'}/a.tif", relative=0)
    scene = open_scene(vrt(tmp_path / "outer.vrt", "inner.vrt"))
    np.testing.assert_array_equal(scene.read(), cube())


@pytest.mark.parametrize(
    "source",
    [
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "/vsis3/bucket/a.tif",
        "/vsizip//vsicurl/http://127.0.0.1:9/a.zip/a.tif",
        "http://127.0.0.1:9/a.tif",
        "https://127.0.0.1:9/a.tif",
        "WMS:http://127.0.0.1:9/",
        "NETCDF:a.nc:x",
        "&lt;GDAL_WMS&gt;&lt;/GDAL_WMS&gt;",
        "vrt://http://127.0.0.1:9/a.tif",
        "/vsistdin/",
    ],
)
@pytest.mark.parametrize("relative", [0, 1])
def test_a_vrt_that_names_what_is_not_local_is_refused(tmp_path: Path, source: str, relative: int) -> None:
    for nested in (False, True):
        path = vrt(tmp_path / "scene.vrt", source, relative=relative)
        if nested:
            path = vrt(tmp_path / "outer.vrt", "scene.vrt")
        with pytest.raises(SceneError, match="only local files are opened"):
            open_scene(path)


def test_a_vrt_of_a_file_that_leads_to_a_service_is_refused(tmp_path: Path) -> None:
    (tmp_path / "service.xml").write_text("<GDAL_WMS><Service><ServerUrl>x</ServerUrl></Service></GDAL_WMS>")
    with pytest.raises(SceneError, match="in no format that is read"):
        open_scene(vrt(tmp_path / "scene.vrt", "service.xml"))


def test_a_vrt_that_would_run_code_is_refused(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif", cube())
    extra = "<PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    with pytest.raises(SceneError, match="holds code"):
        open_scene(vrt(tmp_path / "scene.vrt", "a.tif", extra=extra))


def test_a_vrt_of_itself_ends(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="nested too deeply"):
        open_scene(vrt(tmp_path / "scene.vrt", "scene.vrt"))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"scene\.vrt needs the file a\.tif, which is missing"):
        open_scene(vrt(tmp_path / "scene.vrt", "a.tif"))


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A port, and who has called there."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, address = listening.accept()
                except TimeoutError:
                    continue
                calls.append(str(address))
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield listening.getsockname()[1], calls
        over.set()
        thread.join()


def test_gdal_asks_no_network_even_where_a_name_leads_there(server: tuple[int, list[str]]) -> None:
    port, calls = server
    with pytest.raises(rasterio.errors.RasterioError), quiet_open(f"/vsicurl/http://127.0.0.1:{port}/a.tif"):
        pass
    assert calls == []


def esri(folder: Path) -> Path:
    (folder / "scene.hdr").write_text("BYTEORDER I\nLAYOUT BIL\nNROWS 6\nNCOLS 5\nNBANDS 3\nNBITS 16\n")
    (folder / "scene.bil").write_bytes(cube("uint16").transpose(0, 2, 1).tobytes())
    return folder / "scene.hdr"


@pytest.mark.parametrize("name", ["scene.hdr", "scene.bil"])
def test_an_esri_raster_is_named_by_header_or_data(tmp_path: Path, name: str) -> None:
    esri(tmp_path)
    scene = open_scene(tmp_path / name, wavelengths=NM)
    assert scene.format == "EHdr"
    np.testing.assert_array_equal(scene.read(), cube())


def test_an_esri_header_without_data_says_so(tmp_path: Path) -> None:
    header = esri(tmp_path)
    (tmp_path / "scene.bil").unlink()
    with pytest.raises(SceneError, match="header of an ESRI raster and has no data file beside it"):
        open_scene(header, wavelengths=NM)


@pytest.mark.parametrize("name", ["scene.hdr", "scene.bil"])
def test_the_esri_raster_of_the_case_is_read(shared: Path, name: str) -> None:
    folder = shared / "cases" / "esri-hdr"
    if not folder.is_dir():
        pytest.skip("the case is not beside this checkout")
    assert open_scene(folder / name, wavelengths="420:990").shape == (8, 8, 40)


def test_jpeg_2000_is_read(tmp_path: Path) -> None:
    write_tif(tmp_path / "scene.jp2", cube("uint16"), driver="JP2OpenJPEG", quality=100, reversible="YES")
    scene = open_scene(tmp_path / "scene.jp2", wavelengths=NM)
    assert scene.format == "JP2OpenJPEG"
    np.testing.assert_array_equal(scene.read(), cube())
    assert scene.georeference is not None


def test_other_xml_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "service.xml").write_text("<GDAL_WMS></GDAL_WMS>")
    with pytest.raises(SceneError, match="is text that describes something"):
        recognise(tmp_path / "service.xml")


def test_a_real_vrt_whose_source_is_missing_says_which(shared: Path) -> None:
    path = shared / "products" / "gtiff_misc" / "RGB.byte.gcp.vrt"
    if not path.is_file():
        pytest.skip("the VRT is not beside this checkout")
    with pytest.raises(SceneError, match=re.escape("needs the file RGB.byte.tif, which is missing")):
        open_scene(path, wavelengths=NM)
