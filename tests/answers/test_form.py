"""How QGIS shows the questions: what the style says, and what a real QGIS makes of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from some_questions import UTM, questions

from special.answers.sheet.form import write_form
from special.answers.sheet.geopackage import write_geopackage
from special.answers.sheet.placement import Placement

NAMES = ('Roof, "tiled"', "水 & <Grass>", "Tab\there")
COLOURS = np.array([[200, 55, 45], [140, 198, 63], [47, 111, 208]], np.uint8)
OTHERS = ["none of these", "mixed", "I don't know"]

_LOOK = """
import json, os, sys
from qgis.core import QgsApplication, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(sys.argv[1], "questions", "ogr")
names = [field.name() for field in layer.fields()]
chosen = layer.editorWidgetSetup(names.index("class"))
categories = [(c.value(), c.symbol().color().name()) for c in layer.renderer().categories()]
seen = {
    "valid": layer.isValid(),
    "crs": layer.crs().authid(),
    "widget": chosen.type(),
    "answers": [list(entry.items())[0] for entry in chosen.config()["map"]],
    "categories": [[str(value), colour] for value, colour in categories],
    "editable": [name for index, name in enumerate(names) if not layer.editFormConfig().readOnly(index)],
    "label": layer.labeling().settings().fieldName if layer.labelsEnabled() else None,
}
print("SEEN" + json.dumps(seen), flush=True)
os._exit(0)  # QGIS takes its objects down in an order that crashes Python
"""


def widget(root: ElementTree.Element, field: str) -> ElementTree.Element:
    found = root.find(f"fieldConfiguration/field[@name='{field}']/editWidget")
    assert found is not None
    return found


@pytest.mark.parametrize("areas", [False, True])
def test_the_class_is_chosen_from_a_list(areas: bool, tmp_path: Path) -> None:
    root = ElementTree.parse(write_form(tmp_path / "questions.qml", NAMES, COLOURS, areas=areas)).getroot()
    chosen = widget(root, "class")
    assert chosen.get("type") == "ValueMap"
    options = chosen.findall("config/Option/Option[@name='map']/Option/Option")
    assert [option.get("value") for option in options] == [*NAMES, *OTHERS]
    assert [option.get("name") for option in options] == [*NAMES, *OTHERS]


def test_only_the_class_can_be_edited(tmp_path: Path) -> None:
    root = ElementTree.parse(write_form(tmp_path / "questions.qml", NAMES, COLOURS, areas=False)).getroot()
    editable = {field.get("name"): field.get("editable") for field in root.findall("editable/field")}
    assert editable == {"id": "0", "class": "1", "guess": "0", "confidence": "0", "runners_up": "0", "scene": "0"}


def test_answers_have_the_colours_of_the_map(tmp_path: Path) -> None:
    root = ElementTree.parse(write_form(tmp_path / "questions.qml", NAMES, COLOURS, areas=False)).getroot()
    symbols = root.findall("renderer-v2/symbols/symbol/layer/prop[@k='color']")
    assert [symbol.get("v") for symbol in symbols[:3]] == ["200,55,45,255", "140,198,63,255", "47,111,208,255"]
    assert len(symbols) == len(NAMES) + len(OTHERS) + 1


def test_characters_that_xml_cannot_hold_do_not_break_the_style(tmp_path: Path) -> None:
    path = write_form(tmp_path / "questions.qml", ["a\ufffeb", "c"], COLOURS[:2], areas=False)
    options = widget(ElementTree.parse(path).getroot(), "class").findall("config/Option/Option/Option/Option")
    assert options[0].get("value") == "ab"


def unset_python() -> dict[str, str]:
    """The environment without what belongs to the Python of the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def qgis() -> str:
    """A Python that has QGIS: the distribution's, as QGIS is in no package index."""
    python = "/usr/bin/python3"
    if Path(python).exists():
        found = subprocess.run([python, "-c", "import qgis.core"], capture_output=True, env=unset_python(), check=False)
        if found.returncode == 0:
            return python
    pytest.skip("no QGIS on this machine (Debian and Ubuntu: python3-qgis)")


@pytest.mark.parametrize("areas", [False, True])
def test_qgis_shows_the_layer_and_its_form(qgis: str, areas: bool, tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "questions.gpkg", questions(NAMES), Placement.of(UTM), areas=areas)
    write_form(tmp_path / "questions.qml", NAMES, COLOURS, areas=areas)
    plain = unset_python() | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([qgis, "-c", _LOOK, str(path)], capture_output=True, text=True, env=plain, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("SEEN")), "")
    assert line, done.stderr
    seen = json.loads(line.removeprefix("SEEN"))
    assert seen["valid"]
    assert seen["crs"] == "EPSG:32633"
    assert seen["widget"] == "ValueMap"
    assert seen["answers"] == [[answer, answer] for answer in (*NAMES, *OTHERS)]
    assert seen["categories"][:2] == [[NAMES[0], "#c8372d"], [NAMES[1], "#8cc63f"]]
    assert seen["editable"] == ["fid", "class"]
    assert seen["label"] == "id"
