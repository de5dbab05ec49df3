"""What the concept table adds to the user's words."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_clip
import torch
from torch.nn import functional as F

from special.classnames.class_list import ClassList
from special.landcover.concepts import ConceptTable, load_concepts
from special.teachers.image_text.class_texts import ClassText, class_texts
from special.teachers.image_text.text_vectors import embed, name_embeddings, text_vectors
from special.teachers.image_text.weights import find_clip


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def texts_of(table: ConceptTable, *names: str) -> list[ClassText]:
    return class_texts(ClassList.parse(names), table)


def test_a_class_that_means_one_concept_has_its_synonyms_and_its_sentence(table: ConceptTable) -> None:
    grass, water = texts_of(table, "Lawn", "Water")
    concept = table.concepts["grass"]
    assert grass.text == "Lawn"
    assert "turf" in grass.synonyms and "grass" in grass.synonyms and "lawn" not in grass.synonyms
    assert grass.sentence == concept.sentence
    assert water.owner == 1


def test_two_classes_of_one_concept_keep_to_their_own_words(table: ConceptTable) -> None:
    lawn, turf, water = texts_of(table, "Lawn", "Turf", "Water")
    assert (lawn.synonyms, lawn.sentence, turf.synonyms, turf.sentence) == ((), "", (), "")
    assert water.sentence


def test_no_class_has_a_word_of_another(table: ConceptTable) -> None:
    assert "park" in texts_of(table, "Grass", "Xyzzy")[0].synonyms
    assert "park" not in texts_of(table, "Grass", "Xyzzy | Park | Water")[0].synonyms


def test_what_the_table_lacks_is_said_in_the_user_s_words(table: ConceptTable) -> None:
    found = texts_of(table, "Xyzzy | Plugh: rows of seats", "Water")[:3]
    assert [one.text for one in found] == ["Xyzzy", "Plugh", "rows of seats"]
    assert all(not one.synonyms and not one.sentence for one in found)


def test_other_languages_are_enriched_as_english_is(table: ConceptTable) -> None:
    assert texts_of(table, "Rasen", "Wasser")[0].sentence == table.concepts["grass"].sentence


def test_the_share_of_the_table_is_what_the_setting_says(tmp_path: Path) -> None:
    tiny_clip.register()
    clip, _ = find_clip(f"tiny:{tiny_clip.save(tmp_path / 'a.safetensors')}", offline=True, device="cpu")
    assert clip is not None
    texts = [ClassText(0, "lawn", ("turf", "grass"), "Short green grass."), ClassText(1, "water")]
    templates = ("a photo of {}.", "{} from above")
    own = name_embeddings(clip.model, clip.tokenizer, ["lawn", "water"], templates)
    more = embed(clip.model, clip.tokenizer, ["turf from above", "grass from above", "Short green grass."]).mean(dim=0)
    for weight in (0.0, 0.3, 1.0):
        found = text_vectors(clip.model, clip.tokenizer, texts, templates, weight)
        torch.testing.assert_close(found[0], F.normalize((1 - weight) * own[0] + weight * more, dim=-1))
        torch.testing.assert_close(found[1], own[1])
