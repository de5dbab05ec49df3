"""Class lists in tables, QGIS styles and ENVI headers, and the colours that they bring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner

from special.classnames.class_list import ClassList
from special.cli import main
from special.errors import ClassListError
from special.report.colours import palette
from special.report.legend import colours_of

BLUE, GREEN, BROWN = "#0000ff", "#00a000", "#a0522d"
NAMES, COLOURS = ["Water", "Grass", "Bare soil"], [BLUE, GREEN, BROWN]
TABLES = {
    "headed": "number,name,colour\n1,Water,#0000FF\n2,Grass,#00A000\n3,Bare soil,#A0522D\n",
    "in another order": "colour;class name;ID\n#a0522d;Bare soil;3\n#0000ff;Water;1\n#00a000;Grass;2\n",
    "red, green, blue": "value\tlabel\tred\tgreen\tblue\talpha\n1\tWater\t0\t0\t255\t255\n2\tGrass\t0\t160\t0\t255\n"
    "3\tBare soil\t160\t82\t45\t255\n",
    "without headings": "1,Water,0,0,255\n2,Grass,0,160,0\n3,Bare soil,160,82,45\n",
    "colours in one cell": 'id,name,rgb\n1,Water,"0, 0, 255"\n2,Grass,"rgb(0,160,0)"\n3,Bare soil,160 82 45\n',
    "colours with alpha": "Water,#0000ffff\nGrass,00a000ff\nBare soil,#a0522dff\n",
    "with what is not mapped": "0,Unclassified,#000000\n1,Water,#0000ff\n2,Grass,#00a000\n3,Bare soil,#a0522d\n",
}
STYLE = """<!DOCTYPE qgis><qgis version="3.34"><pipe><rasterrenderer type="paletted" band="1"><colorPalette>
<paletteEntry value="3" color="#a0522d" label="Bare soil" alpha="255"/>
<paletteEntry value="1" color="#0000ff" label="Water" alpha="255"/>
<paletteEntry value="2" color="#00a000" label="Grass" alpha="255"/></colorPalette></rasterrenderer></pipe></qgis>"""
RAMP = """<qgis><pipe><rasterrenderer type="singlebandpseudocolor"><rastershader><colorrampshader>
<item value="1" color="#0000ff" label="Water"/><item value="2" color="#00a000" label="Grass"/>
<item value="3" color="#a0522d" label="Bare soil"/></colorrampshader></rastershader></rasterrenderer></pipe></qgis>"""
HEADER = """ENVI
samples = 3
file type = ENVI Classification
classes = 4
class lookup = {0, 0, 0, 0, 0, 255,
 0, 160, 0, 160, 82, 45}
class names = {
 Unclassified, Water,
 Grass, Bare soil}
"""


def read(folder: Path, text: str, name: str = "legend.csv") -> ClassList:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return ClassList.read(path)


@pytest.mark.parametrize("form", TABLES)
def test_a_table_of_names_and_colours_is_a_class_list(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, TABLES[form])
    assert (found.names, found.colours, found.notes) == (NAMES, COLOURS, ())


@pytest.mark.parametrize(
    ("name", "text"), [("style.qml", STYLE), ("ramp.QML", RAMP), ("map.hdr", HEADER)], ids=["palette", "ramp", "ENVI"]
)
def test_styles_and_headers_are_class_lists(tmp_path: Path, name: str, text: str) -> None:
    found = read(tmp_path, text, name)
    assert (found.names, found.colours) == (NAMES, COLOURS)


def test_a_table_may_be_of_names_alone(tmp_path: Path) -> None:
    assert read(tmp_path, "Water\nGrass: dry\nBare soil\n").names == NAMES
    assert read(tmp_path, "Water\nGrass: dry\nBare soil\n").classes[1].description == "dry"


def test_synonyms_and_descriptions_have_columns(tmp_path: Path) -> None:
    found = read(tmp_path, "name,synonyms,description\nWater,lake; river,deep and clear\nGrass,,\n").classes[0]
    assert (found.synonyms, found.description) == (("lake", "river"), "deep and clear")


def test_other_numbers_than_those_of_the_map_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, "code,class\n30,Bare soil\n10,Water\n20,Grass\n")
    assert found.names == NAMES
    assert found.notes == ("legend.csv numbers its classes 10, 20, 30: the map counts them from 1 to 3, in that order",)


def test_a_class_numbered_0_that_is_one_is_kept(tmp_path: Path) -> None:
    found = read(tmp_path, "0,Water\n1,Grass\n2,Bare soil\n")
    assert found.names == NAMES and "0, 1, 2" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "Water,deep\nGrass,dry\n", "2 columns, and which has the names is not clear"),
        ("a.csv", "1,Water\n1,Grass\n", "the number 1 twice"),
        ("a.csv", "name,colour\nWater,blue\nGrass,green\n", "class 1: the colour is 'blue'"),
        ("a.csv", "number,name\none,Water\n2,Grass\n", "class 1: the number is 'one'"),
        ("a.qml", "<qgis><unclosed></qgis>", "no QGIS style"),
        ("a.qml", "<qgis/>", "no classes with values and labels"),
        (
            "a.qml",
            f'<qgis><paletteEntry value="{"9" * 400}" label="Water"/></qgis>',
            "no classes with values and labels",
        ),
        ("a.hdr", "ENVI\nsamples = 3\n", "no `class names`"),
    ],
)
def test_a_legend_that_cannot_be_read_says_why(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(ClassListError, match=said):
        read(tmp_path, text, name)


def test_a_colour_stands_behind_a_name_in_a_plain_list() -> None:
    found = ClassList.parse(["Water #0000FF | lake: deep", "Grass", "Plot #3"])
    assert found.names == ["Water", "Grass", "Plot #3"] and found.colours == [BLUE, "", ""]
    assert ClassList.parse(found.to_lines()) == found
    assert found.to_lines(colours=False)[0] == "Water | lake: deep"


def test_colours_that_are_given_stay_and_the_others_keep_apart() -> None:
    found = palette(["Water", "Lake", "Grass"], ["", "#2f6fd0", ""])
    assert found[1].tolist() == [0x2F, 0x6F, 0xD0]
    assert found[0].tolist() != found[1].tolist()


def test_names_in_any_language_have_the_colours_of_maps() -> None:
    german, english = ClassList.parse(["Wasser", "Wald", "Boden"]), ["Water", "Forest", "Soil"]
    np.testing.assert_array_equal(colours_of(german), palette(english))


def test_the_colours_of_the_list_are_those_of_the_map(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    files.classes.write_text("".join(f"{n} {c}\n" for n, c in zip(NAMES, COLOURS, strict=True)), encoding="utf-8")
    given = [*files.options, *small_scene.tiny_options(), "--out", str(tmp_path / "run"), "-q"]
    assert CliRunner().invoke(main, ["label", *given]).exit_code == 0
    header = (tmp_path / "run" / "map_envi.hdr").read_text(encoding="utf-8")
    assert "class lookup = {255, 255, 255, 0, 0, 255, 0, 160, 0, 160, 82, 45}" in header


def test_another_colour_makes_the_map_and_its_report_again_and_nothing_else(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    given = [*files.options, *small_scene.tiny_options(), "--out", str(tmp_path / "run"), "-q"]
    assert CliRunner().invoke(main, ["label", *given]).exit_code == 0
    before = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["steps"]
    files.classes.write_text("Water #0000fe\nGrass\nBare soil\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["label", *given]).exit_code == 0
    after = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert [name for name, step in after["steps"].items() if step["key"] != before[name]["key"]] == ["map", "report"]
    assert after["classes"][0] == "Water #0000fe"


def test_the_categories_of_a_vector_style_are_classes(tmp_path: Path) -> None:
    path = tmp_path / "polygons.qml"
    path.write_text(
        '<qgis><renderer-v2 type="categorizedSymbol" attr="class"><categories>'
        '<category value="2" label="Grass" symbol="1"/><category value="1" label="Water" symbol="0"/>'
        '<category value="" label="all other values" symbol="2"/></categories><symbols>'
        '<symbol name="0"><layer><Option><Option name="color" value="0,0,255,255"/></Option></layer></symbol>'
        '<symbol name="1"><layer><prop k="color" v="0,255,0,255"/></layer></symbol>'
        '<symbol name="2"><layer/></symbol></symbols></renderer-v2></qgis>'
    )
    found = ClassList.read(path)
    assert (found.names, found.colours) == (["Water", "Grass"], ["#0000ff", "#00ff00"])
    path.write_text('<qgis><categories><category value="Gras" symbol="0"/><category value="Soil"/></categories></qgis>')
    assert ClassList.read(path).names == ["Gras", "Soil"]


@pytest.mark.parametrize("brackets", ["{}", "[]", "()"])
def test_the_header_of_a_classification_may_be_written_in_any_way(tmp_path: Path, brackets: str) -> None:
    start, end = brackets
    path = tmp_path / "map.hdr"
    path.write_text(
        f"ENVI\nSamples=2\nClass_Names={start}Unclassified,\n Water, Grass{end}\n"
        f"class_lookup = {start}0,0,0, 0,0,255,\n0,255,0{end}\n"
    )
    found = ClassList.read(path)
    assert (found.names, found.colours) == (["Water", "Grass"], ["#0000ff", "#00ff00"])
