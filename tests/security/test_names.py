"""What names hold is text wherever it is written or shown: no markup, no field of a header, no order to a terminal."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import products
import pytest
import rasterio
import small_scene
from click.testing import CliRunner

from special.cli import main
from special.cli.echo import printable
from special.report.exports import write_map
from special.scene.source import Georeference

HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "a}, map info = {UTM",
    "]]></label><!--",
    "&lt;b&gt; &amp;",
    "{{ 7 * 7 }} {% x %}",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map whose classes have such names."""
    folder = tmp_path_factory.mktemp("map")
    count = len(HOSTILE)
    shares = np.full((6, 7, count), 0.1, dtype=np.float32)
    shares[np.arange(6) % count, :, np.arange(6) % count] = 0.5
    valid = np.ones((6, 7), dtype=bool)
    place = Georeference(rasterio.CRS.from_epsg(32633).to_wkt(), (30.0, 0.0, 4e5, 0.0, -30.0, 5e6))
    write_map(folder, shares, valid, HOSTILE, place, reject=0.0)
    return folder


def test_styles_and_tables_hold_names_as_text(written: Path) -> None:
    style = ElementTree.parse(written / "map.qml").getroot()
    labels = [entry.get("label") for entry in style.iter("paletteEntry")]
    assert [name for name in HOSTILE if name in labels] == list(HOSTILE)
    table = ElementTree.parse(written / "map.tif.aux.xml").getroot()
    known = {item.tag for item in table.iter()}
    assert not {"script", "b"} & known
    assert set(HOSTILE) <= {item.text for item in table.iter()}


def test_an_envi_header_keeps_its_fields_whatever_a_class_is_called(written: Path) -> None:
    header = (written / "map_envi.hdr").read_text(encoding="utf-8")
    assert next(line for line in header.splitlines() if line.startswith("map info")).count("{") == 1
    with rasterio.open(written / "map_envi.img", driver="ENVI") as file:
        assert (file.height, file.width, file.crs.to_epsg()) == (6, 7, 32633)
    named = header[header.index("class names") :]
    assert len(named[: named.index("}")].split(",")) == 1 + len(HOSTILE)


class _Tags(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.handlers = 0, []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def test_the_page_of_questions_runs_its_own_script_alone(tmp_path: Path) -> None:
    def page(names: tuple[str, ...], folder: str) -> _Tags:
        files = small_scene.write(tmp_path / folder)
        files.classes.write_text("\n".join(names) + "\n", encoding="utf-8")
        out = tmp_path / folder / "run"
        options = [*files.options, "--out", str(out), *small_scene.tiny_options(), "-q", "--until", "pseudo"]
        assert CliRunner().invoke(main, ["label", *options]).exit_code == 0
        sheet = CliRunner().invoke(main, ["ask", str(out), "-q"])
        assert sheet.exit_code == 0, sheet.output
        tags = _Tags()
        tags.feed((out / "questions.html").read_text(encoding="utf-8"))
        ElementTree.parse(out / "questions.qml")
        return tags

    plain = page(small_scene.CLASSES, "plain")
    hostile = page(
        ("Water | <script>alert(1)</script>", "Grass' onclick='x", "</script><img src=x onerror=y>"), "hostile"
    )
    assert hostile.scripts == plain.scripts
    assert hostile.handlers == plain.handlers == []


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b2J", "\u202egpj.exe", "a\rb", "\x07", "\U000e0041"])
def test_what_orders_a_terminal_about_is_written_out(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and json.loads(f'"{shown}"') == text


@pytest.mark.parametrize("text", ["Straße", "مزرعه‌ها", "草地", "क्षेत्र", "a\tb\nc"])
def test_what_can_be_seen_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_scene_cannot_order_the_terminal_about(tmp_path: Path, more: tuple[str, ...]) -> None:
    nm = np.linspace(450.0, 950.0, 8)
    path = products.write_emit(tmp_path / "scene.nc", products.reflectance(), nm, np.ones(8))
    with h5py.File(path, "r+") as file:
        file.attrs["time_coverage_start"] = "\x1b]0;owned\x07\x9b31m"
    result = CliRunner().invoke(main, ["info", str(path), *more])
    assert result.exit_code == 0, result.output
    assert not [one for one in result.stdout + result.stderr if not one.isprintable() and one != "\n"]


def test_what_gdal_says_of_a_header_does_not_reach_the_terminal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = small_scene.write(tmp_path)
    cube = np.load(files.scene).astype(np.float32)
    rows, cols, bands = cube.shape
    cube.tofile(tmp_path / "scene.img")
    nm = ", ".join(files.wavelengths.read_text().split())
    (tmp_path / "scene.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
        f"wavelength = {{{nm}}}\nmap info = {{UTM, 1, 1, 4e5, 56e5, 30, 30, 32, North, W\x1b[31mS-84, units=Meters}}\n"
    )
    options = ["--classes", files.classes, "--out", tmp_path / "run", "--clip", "none", "--until", "rgb", "-q"]
    result = CliRunner().invoke(main, ["label", *map(str, [tmp_path / "scene.hdr", *options])])
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output and not caplog.records


def test_a_file_name_cannot_either(tmp_path: Path) -> None:
    for command in ("info", "status"):
        result = CliRunner().invoke(main, [command, str(tmp_path / "\x1b[31mred")])
        assert result.exit_code == 2
        assert "\x1b" not in result.output and "\\u001b[31mred" in result.stderr


def test_a_server_of_a_language_model_cannot_either(tmp_path: Path) -> None:
    import llm_server

    (tmp_path / "classes.txt").write_text("Asphalt\nGrass\n")
    with llm_server.serve() as server:
        server.respond = lambda request: llm_server.Reply({"error": {"message": "\x1b[31m\x9b"}}, status=401)
        words = ["--llm-url", server.url, "--llm-model", "tiny", "-o", str(tmp_path / "x.txt")]
        result = CliRunner().invoke(main, ["describe", "--classes", str(tmp_path / "classes.txt"), *words])
    assert result.exit_code == 2 and "wants another key" in result.stderr
    assert not {"\x1b", "\x9b"} & set(result.output)
