"""Class names in other languages, and by scientific names and abbreviations."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.draft import draft
from special.classnames.encoder import default_encoder
from special.classnames.languages import ENGLISH, in_english, languages
from special.classnames.reading import Reading, english_list, read_names
from special.classnames.translation import AGES, key, stem
from special.classnames.vocabulary import PLACES, Lexicon, is_modifier, normalise
from special.classnames.word_lists import read_language
from special.errors import SettingsError
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene import open_scene
from special.teachers.spectrum_text.expected_spectra import NEGLIGIBLE
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

SPOKEN = ["Chinese", "French", "German", "Italian", "Japanese", "Portuguese", "Russian", "Spanish"]
SAME_LIST = {"muufl_east": "muufl_west", "pavia_reg": "pavia_subset"}
SCENES = [
    *("berlin_enmap", "berlin_hymap", "botswana", "houston_ff", "indian_subset", "jasper"),
    *("muufl_east", "muufl_west", "pavia_reg", "pavia_subset", "salinasA", "samson"),
]

# What users of other languages write, and what that is in English. None of it is from the translated lists.
WRITTEN = {
    "German": {
        "Nadelwald": "conifer forest",
        "Laubwald": "tree",
        "Streuobstwiesen": "orchard",
        "Gewaesser": "water",
        "ASPHALTSTRASSEN": "asphalt",
        "Ziegeldächer": "red roof tiles",
        "Zuckerrübenfeld": "sugar beet",
        "Kahlschläge": "crop residue",
        "Hochmoor": "wetland",
        "Gleisanlagen": "railway",
        "Photovoltaikanlage": "solar panel",
        "Tagebau": "mine tailings",
        "Schatten von Bäumen": "shadow",
        "verbrannter Wald": "burnt area",
        "Brachland": "fallow",
        "Misch-Wald": "mixed forest",
    },
    "French": {
        "Forêt de feuillus": "tree",
        "PINÈDE": "conifer forest",
        "Champs de blé": "cereal",
        "Vignes": "vineyard",
        "Marais": "wetland",
        "Terre labourée": "bare soil",
        "Ombre des arbres": "shadow",
        "Route en béton": "concrete",
        "Voies ferrées": "railway",
        "Toits de tuiles rouges": "red roof tiles",
        "Panneaux photovoltaïques": "solar panel",
        "Plage": "sand",
        "Zone industrielle": "commercial area",
        "Algues": "aquatic vegetation",
    },
    "Spanish": {
        "Olivares": "olive grove",
        "Encinar": "tree",
        "Pinares": "conifer forest",
        "Playa": "sand",
        "Trigo maduro": "cereal",
        "Matorral": "shrub",
        "Viñedos": "vineyard",
        "Rastrojo": "straw",
        "Invernaderos de plástico": "plastic greenhouse",
        "Zona quemada": "burnt area",
        "Techos de teja": "red roof tiles",
        "Autopista": "asphalt",
        "Salar": "salt flat",
        "Campo de girasoles": "sunflower",
    },
    "Portuguese": {
        "Manguezal": "mangrove",
        "Cana-de-açúcar": "sugarcane",
        "Floresta de coníferas": "conifer forest",
        "Cafezal": "orchard",
        "Areia": "sand",
        "Lagoa": "water",
        "Estrada de terra": "dirt road",
        "Telhados metálicos": "metal roof",
        "Soja": "soybean",
        "Pedreira": "mine tailings",
        "Eucaliptos": "eucalyptus",
        "Área queimada": "burnt area",
    },
    "Italian": {
        "Risaia": "rice paddy",
        "Oliveti": "olive grove",
        "Bosco misto": "mixed forest",
        "Tetti in tegole": "red roof tiles",
        "Ghiacciaio": "glacier",
        "Spiagge": "sand",
        "Barbabietole da zucchero": "sugar beet",
        "Campo di mais": "corn",
        "Binari": "railway",
        "Cave": "mine tailings",
        "Laguna": "shallow water",
        "Vigneti": "vineyard",
    },
    "Russian": {
        "Хвойные леса": "conifer forest",
        "Берёзовый лес": "tree",
        "БОЛОТА": "wetland",
        "Пшеничное поле": "cereal",
        "Реки и озёра": "water",
        "Железная дорога": "railway",
        "Тень деревьев": "shadow",
        "Снежный покров": "snow",
        "Песчаный пляж": "sand",
        "Жилые дома": "roof",
        "Гарь": "burnt area",
        "Карьеры": "mine tailings",
        "Картофельное поле": "potato",
    },
    "Chinese": {
        "针叶林": "conifer forest",
        "水稻田": "rice paddy",
        "冬小麦": "cereal",
        "玉米地": "corn",
        "互花米草": "wetland",
        "红树林": "mangrove",
        "高速公路": "asphalt",
        "建筑物的阴影": "shadow",
        "蓝色屋顶": "painted metal sheets",
        "塑料大棚": "plastic greenhouse",
        "盐碱地": "salt flat",
        "樹木": "tree",
        "瀝青": "asphalt",
        "荒漠": "sand",
    },
    "Japanese": {
        "スギ林": "conifer forest",
        "水田": "rice paddy",
        "コムギ畑": "cereal",
        "湖": "water",
        "河川": "water",
        "瓦屋根": "red roof tiles",
        "木の影": "shadow",
        "砂浜": "sand",
        "太陽光パネル": "solar panel",
        "線路": "railway",
        "ビニールハウス": "plastic greenhouse",
        "みかん園地": "orchard",
        "コンクリートの道路": "concrete",
        "積雪": "snow",
    },
}


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


@pytest.fixture(scope="module")
def lexicon(table: ConceptTable) -> Lexicon:
    return Lexicon((name, text) for name, concept in table.concepts.items() for text in concept.texts)


@cache
def translated() -> dict[str, dict[str, list[str]]]:
    """Scene names to class names, by language."""
    found: dict[str, dict[str, list[str]]] = {}
    text = Path(__file__).with_name("translated_lists.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            own = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            scene, _, names = line.partition(": ")
            own[scene] = names.split("; ")
    return found


def in_language(language: str, scene: str) -> ClassList:
    return ClassList.parse(translated()[language][SAME_LIST.get(scene, scene)])


def read(table: ConceptTable, *lines: str) -> list[Reading]:
    return [group[0] for group in read_names(ClassList.parse(lines), table, default_encoder())]


def meaning(reading: Reading) -> tuple[dict[str, float], dict[str, object]]:
    """Concepts with their weights, and what the modifiers change."""
    changed = ("parts", "dry", "residue", "stage", "age", "level", "weeds", "kind")
    weights = {name: round(weight, 2) for name, weight in reading.concepts if weight >= NEGLIGIBLE}
    return weights, {field: getattr(reading, field) for field in changed}


@pytest.mark.parametrize("language", SPOKEN)
@pytest.mark.parametrize("scene", SCENES)
def test_the_translated_list_of_a_scene_means_what_the_english_one_means(
    shared: Path, table: ConceptTable, scene: str, language: str
) -> None:
    english = ClassList.read(shared / "scenes" / scene / "classes.txt")
    expected, found = read(table, *english.to_lines()), read(table, *in_language(language, scene).to_lines())
    assert len(expected) == len(found)
    wrong = {
        name: (now.english, meaning(now))
        for name, now, then in zip(in_language(language, scene).names, found, expected, strict=True)
        if meaning(now) != meaning(then)
    }
    assert not wrong
    together = [(r.series or r.kind_of) is not None for r in expected]
    assert [(r.series or r.kind_of) is not None for r in found] == together


@pytest.mark.parametrize("scene", ["pavia_reg", "samson"])
def test_the_map_from_translated_names_is_that_from_the_english_ones(shared: Path, scene: str) -> None:
    home = shared / "scenes" / scene
    cube = open_scene(home / f"{scene}.mat", wavelengths=home / "wavelengths.csv")
    teacher = SpectrumTextTeacher(settings.load().build(SpectrumTextSettings))
    expected = teacher.predict(cube, None, ClassList.read(home / "classes.txt"))[:].argmax(axis=-1)
    for language in ("German", "Spanish", "Chinese", "Russian"):
        found = teacher.predict(cube, None, in_language(language, scene))[:].argmax(axis=-1)
        assert np.mean(found[cube.valid] != expected[cube.valid]) <= 0.02, language


@pytest.mark.parametrize("language", WRITTEN)
def test_what_users_of_a_language_write_is_understood(table: ConceptTable, language: str) -> None:
    names, english = list(WRITTEN[language]), list(dict.fromkeys(WRITTEN[language].values()))
    expected = dict(zip(english, read(table, *english), strict=True))
    found = read(table, *names)
    wrong = {
        name: (reading.english, reading.concepts[:2])
        for name, reading in zip(names, found, strict=True)
        if reading.read_by != "table" or reading.concepts != expected[WRITTEN[language][name]].concepts
    }
    assert not wrong
    assert {reading.language for reading in found} == {language}


@pytest.mark.parametrize("language", SPOKEN)
def test_a_language_has_words_for_every_concept(table: ConceptTable, lexicon: Lexicon, language: str) -> None:
    words = next(one for one in languages() if one.name == language).words.values()
    own = [word.english for word in words if word.language == language]
    said = {concept for english in own for concept in draft(english, lexicon).concepts}
    assert set(table.concepts) - said == set()


def test_every_word_leads_to_english_that_the_table_has(lexicon: Lexicon) -> None:
    places = {normalise(place) for place in PLACES}
    for language in languages():
        for word in language.words.values():
            known = draft(word.english, lexicon)
            if word.role == "things":
                assert known.concepts or known.rest or word.english in places, (language.name, word.english)
            elif word.role == "looks":
                plain = normalise(word.english)
                assert is_modifier(plain) or plain in AGES or all(map(lexicon.knows, plain.split())), word.english


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Mais, Direktsaat", "residue", 0.6),
        ("junger Mais", "stage", 0.0),
        ("dichter Wald", "stage", 1.0),
        ("reifer Weizen", "dry", 0.825),
        ("Gemähte Wiese", "dry", 0.35),
        ("Mais mit Unkraut", "weeds", True),
        ("nasser Sand", "level", -0.35),
        ("Salat 6 Wochen", "age", 6.0),
    ],
)
def test_modifiers_change_what_they_change_in_english(
    table: ConceptTable, name: str, field: str, value: object
) -> None:
    assert getattr(read(table, name, "Wasser", "Straße")[0], field) == value


def test_an_english_list_is_read_as_written(table: ConceptTable) -> None:
    names = ["Water", "Playa", "Tuber mustard", "Lettuce romaine 4wk", "Arena", "Sand", "Asphalt", "Alfalfa"]
    assert [reading.english for reading in read(table, *names)] == [""] * len(names[:4]) + ["sand"] + [""] * 3


def test_the_list_decides_what_a_word_means_that_two_languages_share(table: ConceptTable) -> None:
    assert read(table, "Playa", "Water", "Grass")[0].concepts == (("salt flat", 1.0),)
    assert read(table, "Playa", "Agua", "Hierba")[0].concepts == (("sand", 1.0),)


def test_names_of_several_languages_may_stand_in_one_list(table: ConceptTable) -> None:
    found = read(table, "Water", "Wiese", "Sol nu", "道路", "Лес")
    assert [reading.concepts[0][0] for reading in found] == ["water", "meadow", "bare soil", "asphalt", "tree"]
    assert [reading.language for reading in found] == ["", "German", "French", "Chinese", "Russian"]


def test_a_concept_of_the_users_keeps_its_name_in_any_language(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    grid = ", ".join(str(nm) for nm in range(400, 2401, 100))
    flat = ", ".join(["20"] * 21)
    own.write_text(
        f'wavelengths = [{grid}]\n[[concept]]\nname = "Wiese"\nsentence = "My meadow."\nsource = "me"\n'
        f'level_sd = 0.3\nshape_sd = 0.1\nvariants = [{{ name = "mine", percent = [{flat}] }}]\n'
    )
    found = read(load_concepts([own]), "Wiese", "Wasser", "Boden")
    assert [reading.concepts[0][0] for reading in found] == ["Wiese", "water", "bare soil"]


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Zea mays", "corn"),
        ("Glycine max", "soybean"),
        ("Triticum aestivum", "cereal"),
        ("Medicago sativa", "alfalfa"),
        ("Quercus robur", "tree"),
        ("Quercus sp.", "tree"),
        ("Pinus sylvestris L.", "conifer forest"),
        ("Phragmites australis", "wetland"),
        ("Spartina alterniflora", "wetland"),
        ("Brassica napus", "rapeseed"),
        ("Brassica oleracea", "broccoli"),
        ("Picea abies forest", "conifer forest"),
        ("Vitis vinifera", "vineyard"),
        ("Rhizophora mangle", "mangrove"),
    ],
)
@pytest.mark.parametrize("others", [("Water", "Bare soil"), ("Wasser", "Boden"), ("水体", "裸土")])
def test_scientific_names_are_read_in_a_list_of_any_language(
    table: ConceptTable, name: str, concept: str, others: tuple[str, str]
) -> None:
    assert read(table, name, *others)[0].concepts == ((concept, 1.0),)


@pytest.mark.parametrize(
    ("name", "concept"), [("Bldg", "roof"), ("veg.", "green vegetation"), ("NPV", "dry grass"), ("OSR", "rapeseed")]
)
def test_common_abbreviations_are_spelt_out(table: ConceptTable, name: str, concept: str) -> None:
    reading = read(table, name, "Water", "Road")[0]
    assert reading.concepts == ((concept, 1.0),) and reading.english and not reading.language


def test_a_compound_of_which_only_the_last_part_is_known_is_read_by_that(table: ConceptTable) -> None:
    reading = read(table, "Wupperwald", "Wasser", "Boden")[0]
    assert reading.english == "wupper forest" and reading.concepts[0][0] == "tree"


def test_synonyms_and_descriptions_are_read_too(table: ConceptTable) -> None:
    classes = ClassList.parse(["Zorbel | Wald", "Hof: heller Beton und Pflastersteine", "Wasser", "Boden"])
    zorbel, court = read_names(classes, table, default_encoder())[:2]
    assert zorbel[0].concepts == (("tree", 1.0),)
    assert {name for name, _ in court[0].concepts} >= {"concrete", "paving bricks"}


@pytest.mark.parametrize("name", ["Зырбуль", "蘩蘩", "Tuesday"])
def test_a_name_that_no_language_has_stays_unknown(table: ConceptTable, name: str) -> None:
    reading = read(table, name, "Wasser", "Boden")[0]
    assert reading.read_by == "meaning" and reading.nearness < 0.6


def test_image_text_models_are_asked_in_english(table: ConceptTable) -> None:
    found = english_list(ClassList.parse(["Wasser | See", "Nadelwald", "Road"]), table)
    assert [entry.texts for entry in found] == [("water", "lake"), ("conifer forest",), ("Road",)]


def test_what_stands_between_the_words_stays(table: ConceptTable, lexicon: Lexicon) -> None:
    found = in_english(ClassList.parse(["Bäume (immergrün oder laubabwerfend)", "Wasser", "Dach, grau"]), lexicon)
    assert [entry.name for entry in found.classes] == ["tree (evergreen or deciduous)", "water", "roof, gray"]


def test_genitives_and_adjectives_come_where_english_has_them(lexicon: Lexicon) -> None:
    said = {language.name: language for language in languages()}
    assert said["French"].translate("ombre du toit rouge", lexicon.knows).english == "red roof shadow"
    assert said["Russian"].translate("тень красной крыши", lexicon.knows).english == "red roof shadow"
    assert said["German"].translate("Schatten des roten Daches", lexicon.knows).english == "red roof shadow"
    assert said["Japanese"].translate("赤い屋根の影", lexicon.knows).english == "red roof shadow"


def test_case_accents_blanks_and_hyphens_do_not_matter() -> None:
    assert key("Straßen-Bäume") == key("STRASSEN BAUME") == "strassenbaume"
    assert key("ガラス") != key("カラス")  # the marks of kana are no accents


def test_endings_leave_enough_of_a_word() -> None:
    assert stem("wiesen", ("en", "n")) == "wies" and stem("see", ("e",)) == "see"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("language: X\n[things]\nwater aqua\n", "line 3"),
        ("language: X\n[stuff]\nwater: aqua\n", "line 2"),
        ("language: X\norder: backwards\n[things]\nwater: aqua\n", "order"),
        ("[things]\nwater: aqua\n", "language"),
    ],
)
def test_a_file_of_words_that_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "xx.txt"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_language(path)


def test_english_comes_first() -> None:
    assert languages()[0].code == ENGLISH and sorted(one.name for one in languages()[1:]) == SPOKEN
