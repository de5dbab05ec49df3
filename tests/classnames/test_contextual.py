"""Class names in the context of their descriptions: which tokens count, long texts, other encoders."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from special.classnames.class_list import ClassList
from special.classnames.contextual import ContextEncoder
from special.classnames.texts import Texts
from special.errors import DescriptionError, WeightsError

CLASSES = ClassList.parse(["Bare soil", "Water"])


@pytest.fixture(scope="module")
def encoder() -> ContextEncoder:
    return ContextEncoder()


def test_a_label_embedding_is_the_mean_of_the_name_s_tokens(encoder: ContextEncoder) -> None:
    text = "Water: a lake of water."
    ((states, places),) = encoder.windows(text)
    words = [text[first:last].lower() for first, last in places]
    named = [state for state, word in zip(states, words, strict=True) if word == "water"]
    assert len(named) == 2
    found = encoder.label_embeddings(ClassList.parse(["Sand", "Water"]), [(), ("a lake of water.",)])
    np.testing.assert_allclose(found[1], np.mean(named, axis=0), rtol=1e-4)


def test_the_description_gives_the_name_another_meaning(encoder: ContextEncoder) -> None:
    bare = encoder.label_embeddings(CLASSES, [(), ()])
    told = encoder.label_embeddings(CLASSES, [("Dry and brown.",), ("Dark, blue and wet.",)])
    assert bare.shape == told.shape == (2, 384)
    assert np.abs(bare - told).max() > 0.01


def test_a_name_of_several_words_counts_with_all_of_them(encoder: ContextEncoder) -> None:
    both = encoder.label_embeddings(ClassList.parse(["Bare_soil", "Water"]), [(), ()])[0]
    ((states, _),) = encoder.windows("Bare soil")
    np.testing.assert_allclose(both, states.mean(axis=0), rtol=1e-4)


def test_long_texts_are_read_to_their_end(encoder: ContextEncoder) -> None:
    text = "grass " * 900 + "Water"
    windows = encoder.windows(text)
    assert len(windows) > 1
    assert windows[-1][1].max() == len(text)


def test_the_order_of_the_classes_is_the_list_s(encoder: ContextEncoder) -> None:
    forward = encoder.label_embeddings(CLASSES, [("a.",), ("b.",)])
    backward = encoder.label_embeddings(ClassList.parse(["Water", "Bare soil"]), [("b.",), ("a.",)])
    np.testing.assert_allclose(forward, backward[::-1], rtol=1e-5)


def test_every_description_is_an_anchor_and_synonyms_stand_in_for_none(encoder: ContextEncoder) -> None:
    classes = ClassList.parse(["Water | lake | river", "Soil"])
    anchors = encoder.anchors(classes, [(), ("Brown.", "Dry.")])
    assert [own.shape for own in anchors] == [(3, 384), (2, 384)]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(anchors), axis=1), 1, rtol=1e-5)


def test_an_encoder_can_be_a_folder(encoder: ContextEncoder, tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel, BertTokenizerFast

    from special.classnames.encoder import minilm_folder

    BertTokenizerFast.from_pretrained(minilm_folder()).save_pretrained(tmp_path)
    tiny = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(tiny).save_pretrained(tmp_path)
    other = ContextEncoder(str(tmp_path))
    assert other.label_embeddings(CLASSES, [(), ()]).shape == (2, 8)
    assert other.sha256 != encoder.sha256


def test_an_unknown_encoder_offline_is_one_line() -> None:
    with pytest.raises(WeightsError, match=r"no text encoder 'nobody/nothing'.*not on this machine") as error:
        Texts("names", "nobody/nothing", offline=True).read(CLASSES)
    assert "\n" not in str(error.value)


def test_a_folder_without_an_encoder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no text encoder") as error:
        Texts("names", str(tmp_path)).read(CLASSES)
    assert "\n" not in str(error.value)


@pytest.fixture
def tiny_encoder(tmp_path: Path) -> Path:
    """A folder with an encoder of a few words, as transformers writes it."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "water", "bare", "soil"]
    known = BertWordPieceTokenizer({word: number for number, word in enumerate(words)})
    BertTokenizerFast(tokenizer_object=known._tokenizer, model_max_length=64).save_pretrained(tmp_path)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(tmp_path)
    return tmp_path


def test_an_encoder_of_short_texts_reads_long_ones_in_more_windows(tiny_encoder: Path) -> None:
    windows = ContextEncoder(str(tiny_encoder)).windows("water " * 200)
    assert len(windows) > 3 and all(states.shape[1] == 8 for states, _ in windows)


def _write(path: Path, changes: dict) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _without_a_tensor(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.0.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _of_nan(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = {name: value * np.float32("nan") for name, value in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a tensor is gone": _without_a_tensor,
    "weights are no numbers": _of_nan,
    "weights are cut": lambda folder: (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}"),
    "no JSON": lambda folder: (folder / "tokenizer.json").write_text("{"),
    "JSON without end": lambda folder: (folder / "tokenizer.json").write_text("[" * 100_000),
    "another configuration": lambda folder: _write(folder / "config.json", {"hidden_size": 7}),
    "a configuration of words": lambda folder: _write(folder / "config.json", {"num_hidden_layers": "many"}),
    "a model of no kind": lambda folder: _write(folder / "config.json", {"model_type": "1e+300"}),
    "fewer words than the tokenizer has": lambda folder: _write(folder / "config.json", {"vocab_size": 3}),
    "texts of no length": lambda folder: _write(folder / "tokenizer_config.json", {"model_max_length": 1}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_encoder_that_is_damaged_is_one_line(tiny_encoder: Path, damage: str) -> None:
    DAMAGES[damage](tiny_encoder)
    with pytest.raises(WeightsError) as error:
        ContextEncoder(str(tiny_encoder)).label_embeddings(CLASSES, [("A water.",), ()])
    assert "\n" not in str(error.value) and str(tiny_encoder) in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_beside_an_encoder_is_not_run(tiny_encoder: Path, name: str) -> None:
    (tiny_encoder / "trap.py").write_text(f"open({str(tiny_encoder / 'sprung')!r}, 'w')\nclass Trap: pass\n")
    kinds = ("AutoConfig", "AutoModel", "AutoTokenizer")
    _write(tiny_encoder / name, {"auto_map": dict.fromkeys(kinds, "trap.Trap"), "model_type": "trap"})
    with contextlib.suppress(WeightsError):
        ContextEncoder(str(tiny_encoder)).windows("water")
    assert not (tiny_encoder / "sprung").exists()


def test_malformed_descriptions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("[Bare soil]\nBrown.\n", encoding="utf-8")
    with pytest.raises(DescriptionError, match="does not describe Water"):
        Texts(str(path), "minilm").read(CLASSES)


def test_other_texts_have_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("[Bare soil]\nBrown.\n[Water]\nBlue.\n", encoding="utf-8")
    mine = Texts(str(path), "minilm").identity()
    path.write_text("[Bare soil]\nBrown.\n[Water]\nGreen.\n", encoding="utf-8")
    identities = [mine, Texts(str(path), "minilm").identity(), Texts("curated", "minilm").identity()]
    identities += [Texts("names", "minilm").identity(), Texts("names", "roberta-large").identity()]
    assert len({repr(identity) for identity in identities}) == 5
