"""What ``special classes`` says of a class list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.cli import main
from special.landcover.attributes import attributes, brightness
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene import open_scene
from special.teachers.confusion import SHOWN, ConfusedPair, messages
from special.teachers.spectrum_text.confusion import confused_pairs
from special.teachers.spectrum_text.explain import Explanation, explain
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

TEMPLATES = ("an aerial photo of {}.", "{} from above.")


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


@pytest.fixture(scope="module")
def teacher(table: ConceptTable) -> SpectrumTextTeacher:
    built = settings.load("special").build(SpectrumTextSettings)
    return SpectrumTextTeacher(built, table=table, encoder=default_encoder())


def explained(teacher: SpectrumTextTeacher, *lines: str) -> Explanation:
    return explain(ClassList.parse(lines), teacher, TEMPLATES, general=10)


def pairs(teacher: SpectrumTextTeacher, *lines: str) -> list[tuple[int, int]]:
    return [(pair.first, pair.second) for pair in confused_pairs(teacher, ClassList.parse(lines))]


@pytest.mark.parametrize(
    ("concept", "looks"),
    [
        ("grass", "green"),
        ("straw", "dry plants"),
        ("water", "water"),
        ("snow", "snow or ice"),
        ("asphalt", "made"),
        ("bare soil", "mineral"),
        ("red soil", "red mineral"),
        ("clay", "mineral, clay at 2200 nm"),
        ("limestone", "mineral, carbonate at 2300 nm"),
    ],
)
def test_a_sketch_is_told_in_words(table: ConceptTable, concept: str, looks: str) -> None:
    spectrum = table.concepts[concept].variants[-1 if concept == "grass" else 0].reflectance
    assert attributes(spectrum, table.wavelengths, concept in table.made) == looks


def test_brightness_follows_the_level(table: ConceptTable) -> None:
    flat = np.ones(len(table.wavelengths))
    assert [brightness(level * flat, table.wavelengths) for level in (0.04, 0.2, 0.5)] == ["dark", "medium", "bright"]


def test_a_class_is_told_with_concepts_modifiers_and_sources(teacher: SpectrumTextTeacher) -> None:
    corn = explained(teacher, "Corn-notill", "Water").classes[0]
    assert corn.meanings[0].concepts == (("corn", 1.0),)
    assert corn.meanings[0].modifiers == ("60% residue on the ground",)
    assert corn.sketches[0][0] == "corn" and "physics" in corn.sketches[0][2]
    assert "soil between plants" in corn.looks


def test_stages_are_told_with_their_number(teacher: SpectrumTextTeacher) -> None:
    late = explained(teacher, "Lettuce 7wk", "Lettuce 4wk", "Lettuce 5wk").classes[0]
    assert late.meanings[0].modifiers[0] == "growth stage 3 of 3, by greenness in the scene"


def test_what_a_crop_is_too_young_for_is_told(teacher: SpectrumTextTeacher) -> None:
    young, grown = explained(teacher, "Corn 2 weeks", "Soybean 8 weeks").classes
    assert young.meanings[0].modifiers == ("too young to cover much more than 25% of the ground",)
    assert grown.meanings[0].modifiers == ()


def test_prompts_count_every_text_in_every_template(teacher: SpectrumTextTeacher) -> None:
    roof, _ = explained(teacher, "Yard | court: light concrete", "Water").classes
    assert roof.prompts == 3 * (len(TEMPLATES) + 10)
    assert roof.examples == ("an aerial photo of Yard.", "light concrete from above.")


def test_a_name_that_means_nothing_certain_gets_a_hint(teacher: SpectrumTextTeacher) -> None:
    found = explained(teacher, "Zorbium plains", "Water", "Coniferous woodland")
    assert found.unsure == ["Zorbium plains"]
    assert "describe it" in found.hints()[0]


def test_two_names_for_one_thing_are_alike(teacher: SpectrumTextTeacher) -> None:
    assert pairs(teacher, "Road", "Water", "Street") == [(0, 2)]


def test_a_description_tells_two_names_apart(teacher: SpectrumTextTeacher) -> None:
    assert pairs(teacher, "Road", "Water", "Street: light concrete") == []


def test_materials_of_their_own_are_not_alike(teacher: SpectrumTextTeacher) -> None:
    assert pairs(teacher, "Water", "Grass", "Snow", "Bare soil", "Asphalt", "Other") == []


def test_stages_of_one_crop_are_not_warned_of(teacher: SpectrumTextTeacher) -> None:
    assert pairs(teacher, "Lettuce 4wk", "Lettuce 5wk", "Water") == []


def test_bands_decide_what_can_be_told_apart(teacher: SpectrumTextTeacher) -> None:
    """Snow and cloud are white to the eye and differ beyond."""
    classes = ClassList.parse(["Snow", "Cloud"])
    visible = confused_pairs(teacher, classes, np.array([480.0, 550.0, 620.0]))
    assert visible and not confused_pairs(teacher, classes)


def test_on_a_scene_its_bands_and_calibration_count(teacher: SpectrumTextTeacher, tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    scene = open_scene(files.scene, wavelengths=files.wavelengths)
    classes = ClassList.parse(["Water", "Grass", "Turf", "Bare soil"])
    assert [(p.first, p.second) for p in confused_pairs(teacher, classes, scene=scene)] == [(1, 2)]


def test_at_most_five_pairs_are_told_and_the_rest_counted() -> None:
    many = [ConfusedPair(0, 1, 0.5, 0.5)] * 7
    lines = messages(many, ["Road", "Street"])
    assert len(lines) == SHOWN + 1 and "'Road' and 'Street'" in lines[0] and lines[-1].startswith("2 more")


def test_outlines_are_told_where_they_tell_two_classes_apart(teacher: SpectrumTextTeacher) -> None:
    assert [entry.outline for entry in explained(teacher, "Road", "Roof", "Grass").classes] == [1, -1, 0]
    assert [entry.outline for entry in explained(teacher, "Road", "Street", "Grass").classes] == [0, 0, 0]


def test_a_pair_that_only_outlines_tell_apart_says_so(table: ConceptTable, teacher: SpectrumTextTeacher) -> None:
    bitumen = replace(table.concepts["asphalt"], name="bitumen", synonyms=())
    same = replace(table, concepts={**table.concepts, "bitumen": bitumen})
    classes = ClassList.parse(["Road", "Bitumen", "Street"])
    pairs = confused_pairs(SpectrumTextTeacher(teacher.settings, table=same, encoder=teacher.encoder), classes)
    assert {(pair.first, pair.second): pair.outlines for pair in pairs} == {(0, 1): True, (0, 2): False, (1, 2): True}
    assert {"only by their outlines" in line for line in messages(pairs[:1], classes.names)} == {pairs[0].outlines}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def class_file(tmp_path: Path) -> Path:
    path = tmp_path / "classes.txt"
    path.write_text("Road\nStreet\nRoof (tiles)\nOther\n", encoding="utf-8")
    return path


def test_the_command_shows_every_class_and_warns(class_file: Path) -> None:
    result = run("classes", "--classes", class_file)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "3 Roof (tiles) means red roof tiles" in text
    assert "what no other class explains" in text
    assert "'Road' and 'Street' cannot be told apart" in text


def test_the_command_prints_json(class_file: Path) -> None:
    told = json.loads(run("classes", "--classes", class_file, "--json").stdout)
    assert [entry["name"] for entry in told["classes"]] == ["Road", "Street", "Roof (tiles)", "Other"]
    assert told["classes"][2]["understood_as"][0]["concepts"] == {"red roof tiles": 1.0}
    assert told["alike"][0]["classes"] == ["Road", "Street"]


def test_bad_input_is_one_line_and_exit_code_two(tmp_path: Path, class_file: Path) -> None:
    for arguments in (("--classes", tmp_path / "none.txt"), (tmp_path / "none.hdr", "--classes", class_file)):
        result = run("classes", *arguments)
        assert result.exit_code == 2 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1


def test_labelling_says_and_records_which_classes_are_alike(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    files.classes.write_text("Water\nGrass\nTurf\nBare soil\n", encoding="utf-8")
    result = run("label", *files.options, "--out", tmp_path / "run", "--until", "pseudo")
    assert result.exit_code == 0, result.output
    assert "'Grass' and 'Turf' cannot be told apart" in result.stderr
    document = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert document["steps"]["pseudo"]["figures"]["alike"][0]["classes"] == ["Grass", "Turf"]


def test_a_description_is_part_of_what_the_pseudo_labels_depend_on(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    assert run("label", *files.options, "--out", tmp_path / "run", "--until", "pseudo", "-q").exit_code == 0
    files.classes.write_text("Water\nGrass: dry\nBare soil\n", encoding="utf-8")
    plan = run("label", *files.options, "--out", tmp_path / "run", "--until", "pseudo", "--dry-run").stdout
    assert "the class list changed" in plan


@pytest.mark.parametrize("made", [False, True])
def test_a_spectrum_that_is_black_somewhere_has_a_description(made: bool) -> None:
    nm = np.linspace(400.0, 2500.0, 50)
    for reflectance in (np.zeros(50), np.where(nm < 700, 0.0, 0.3), np.where(nm > 2000, 0.0, 0.3)):
        assert attributes(reflectance, nm, made) and brightness(reflectance, nm)
