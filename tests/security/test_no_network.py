"""No file that is given leads to a network: not by a name in it, nor by one in a file beside it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import h5py
import numpy as np
import products
import pytest
import rasterio
from raster_products import pack, write_enmap, write_tif

from special.answers.grid import Grid
from special.answers.reading import read_answers
from special.classnames.class_list import ClassList
from special.errors import SpecialError
from special.scene import open_scene
from special.scene.coordinates import crs_of

NM = np.linspace(450.0, 950.0, 8)


class Listener:
    """Waits on this machine for what should not come."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"

    @property
    def asked(self) -> bool:
        """Whether anybody has connected; whoever has is sent away."""
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    for name in ("GDAL_HTTP_TIMEOUT", "GDAL_HTTP_CONNECTTIMEOUT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = Listener()
    monkeypatch.setenv("AWS_S3_ENDPOINT", found.host)
    monkeypatch.setenv("AWS_HTTPS", "NO")
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")
    yield found
    found.socket.close()


def remote(host: str) -> dict[str, str]:
    """Names by which GDAL would reach a host."""
    return {
        "http": f"http://{host}/x.tif",
        "vsicurl": f"/vsicurl/http://{host}/x.tif",
        "vsicurl query": f"/vsicurl?url=http%3A%2F%2F{host.replace(':', '%3A')}%2Fx.tif",
        "vsis3": "/vsis3/bucket/x.tif",
        "zip over vsicurl": f"/vsizip//vsicurl/http://{host}/x.zip/x.tif",
        "WMS": f"WMS:http://{host}/?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=a&SRS=EPSG:4326&BBOX=0,0,1,1",
        "WCS": f"WCS:http://{host}/?coverage=a",
        "Zarr": f'ZARR:"/vsicurl/http://{host}/x.zarr"',
        "STAC": f'STACIT:"http://{host}/x"',
        "service": wms(host),
    }


def wms(host: str) -> str:
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>http://{host}/${{z}}</ServerUrl></Service><DataWindow><UpperLeftX>0'
        "</UpperLeftX><UpperLeftY>0</UpperLeftY><LowerRightX>1</LowerRightX><LowerRightY>1</LowerRightY><SizeX>5</SizeX>"
        "<SizeY>6</SizeY></DataWindow><BandsCount>8</BandsCount></GDAL_WMS>"
    )


def vrt(source: str, more: str = "") -> str:
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{n}"><SimpleSource><SourceFilename relativeToVRT="1">{source}'
        f"</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n in range(1, 9)
    )
    return f'<VRTDataset rasterXSize="5" rasterYSize="6">{more}{bands}</VRTDataset>'


def tif(path: Path) -> Path:
    return write_tif(path, np.round(products.reflectance() * 10000).astype("i2"))


def look(path: Path) -> str:
    """Open a scene and read all of it, as far as that goes; say what came of it."""
    try:
        scene = open_scene(path, wavelengths=NM)
        assert scene.read().shape == (6, 5, 8) and scene.valid.shape == (6, 5)
    except SpecialError as error:
        assert "\n" not in str(error)
        return str(error)
    return "read"


FORMS = list(remote("host:1"))


@pytest.mark.parametrize("form", FORMS)
def test_a_vrt_that_names_a_network_is_refused_and_none_is_asked(tmp_path: Path, listener: Listener, form: str) -> None:
    (tmp_path / "scene.vrt").write_text(vrt(escape(remote(listener.host)[form])))
    assert "only local files are opened" in look(tmp_path / "scene.vrt") or "is missing" in look(tmp_path / "scene.vrt")
    assert not listener.asked


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["scene.vrt", "scene.tif.aux.xml", "scene.vrt.aux.xml"])
def test_overviews_elsewhere_are_not_asked_for(tmp_path: Path, listener: Listener, form: str, place: str) -> None:
    elsewhere = escape(remote(listener.host)[form])
    overviews = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{elsewhere}</MDI></Metadata>'
    tif(tmp_path / "scene.tif")
    scene = tmp_path / place.removesuffix(".aux.xml")
    if scene.suffix == ".vrt":
        scene.write_text(vrt("scene.tif", overviews if place == "scene.vrt" else ""))
    if place.endswith(".xml"):
        (tmp_path / place).write_text(f"<PAMDataset>{overviews}</PAMDataset>")
    look(scene)
    assert not listener.asked


@pytest.mark.parametrize("form", [*FORMS[:3], "service", "VRT"])
@pytest.mark.parametrize("suffix", [".msk", ".ovr", ".MSK", ".aux"])
def test_a_file_beside_a_scene_that_is_no_image_is_not_followed(
    tmp_path: Path, listener: Listener, form: str, suffix: str
) -> None:
    names = remote(listener.host)
    tif(tmp_path / "scene.tif")
    held = vrt(names["vsicurl"]) if form == "VRT" else names[form]
    (tmp_path / f"scene.tif{suffix}").write_text(held)
    look(tmp_path / "scene.tif")
    assert not listener.asked


@pytest.mark.parametrize("form", FORMS)
def test_overviews_named_in_the_tags_of_a_tiff_are_not_asked_for(tmp_path: Path, listener: Listener, form: str) -> None:
    path = tif(tmp_path / "scene.tif")
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=remote(listener.host)[form])
    assert look(path) == "read"
    assert not listener.asked


@pytest.mark.parametrize("content", ["service", "VRT"])
@pytest.mark.parametrize("packed", [None, ".zip", ".tar.gz"])
def test_the_image_of_a_product_is_a_tiff_or_is_refused(
    tmp_path: Path, listener: Listener, content: str, packed: str | None
) -> None:
    write_enmap(tmp_path / "scene")
    image = next((tmp_path / "scene").glob("*SPECTRAL_IMAGE.TIF"))
    image.write_text(wms(listener.host) if content == "service" else vrt(f"/vsicurl/http://{listener.host}/x.tif"))
    scene = tmp_path / "scene" if packed is None else pack(tmp_path / "scene", tmp_path / f"ENMAP{packed}")
    assert "cannot be read" in look(scene)
    assert not listener.asked


@pytest.mark.parametrize(
    "text", ["http://{}/x.wkt", "/vsicurl/http://{}/x.wkt", "ESRI::http://{}/x", "+init=http://{}"]
)
def test_a_coordinate_system_is_no_address(tmp_path: Path, listener: Listener, text: str) -> None:
    said = text.format(listener.host)
    with pytest.raises(rasterio.errors.CRSError):
        crs_of(said)
    path = products.write_emit(tmp_path / "scene.nc", products.reflectance(), NM, np.ones(8))
    with h5py.File(path, "r+") as file:
        file.attrs["spatial_ref"] = said
    look(path)
    path = products.write_cf(tmp_path / "cf.nc", products.reflectance(), NM)
    with h5py.File(path, "r+") as file:
        file["crs"].attrs["crs_wkt"] = said
    look(path)
    (tmp_path / "scene.img").write_bytes(bytes(2 * 6 * 5 * 8))
    (tmp_path / "scene.hdr").write_text(
        "ENVI\nsamples = 5\nlines = 6\nbands = 8\ndata type = 2\ninterleave = bsq\n"
        f"map info = {{UTM, 1, 1, 0, 0, 1, 1}}\ncoordinate system string = {{{said}}}\n"
    )
    look(tmp_path / "scene.hdr")
    assert not listener.asked


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "link", "properties": {"href": "http://{}/x", "type": "proj4"}},
        {"type": "url", "properties": {"url": "http://{}/x"}},
        {"type": "name", "properties": {"name": "http://{}/x"}},
        {"type": "LINK", "properties": {"href": "http://{}/x"}, "deep": json.loads("[" * 900 + "]" * 900)},
    ],
    ids=["link", "url", "name", "deep"],
)
def test_labels_do_not_fetch_their_coordinate_system(tmp_path: Path, listener: Listener, crs: object) -> None:
    point = {"type": "Feature", "properties": {"class": "Water"}, "geometry": {"type": "Point", "coordinates": [1, -1]}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": [point]}).replace("{}", listener.host)
    (tmp_path / "labels.geojson").write_text(text)
    with pytest.raises(SpecialError) as caught:
        read_answers(tmp_path / "labels.geojson", Grid((6, 5)), ClassList.parse(["Water", "Grass"]))
    assert "\n" not in str(caught.value)
    assert not listener.asked


def test_an_honest_scene_beside_its_overviews_and_mask_is_read(tmp_path: Path) -> None:
    path = tif(tmp_path / "scene.tif")
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2])
        file.write_mask(np.arange(30).reshape(6, 5) > 0)
    with rasterio.open(path) as file, rasterio.Env(TIFF_USE_OVR=True):
        assert file.overviews(1) == [2]
    assert look(path) == "read"
