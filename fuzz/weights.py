"""What holds weights: models of ``special fit``, CLIP checkpoints, text encoders, trainings that were interrupted."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import fruit
import numpy as np
import small_scene
import tiny_clip
import tiny_transformers
from binaries import changed_arrays, of_safetensors
from kind import Kind
from texts import of_bytes, of_json
from values import anything

from special.progress import Progress

SCENE = ("scene.npy", "--wavelengths", "wavelengths.csv")
TINY = ("--set", "mambahsi.hidden=8", "--set", "mambahsi.blocks=1", "--set", "fit.epochs=2")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "water", "grass", "bare", "soil", "a", "of", "##s", ".")


class _Interrupted(Exception):
    """Stands for a kill."""


class _KillAfter(Progress):
    """Ends a training in the middle."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Raise when it is time."""
        self.left -= steps * bool(figures)  # a training shows its loss
        if self.left < 0:
            raise _Interrupted


def special(*words: object) -> None:
    """Run a command that succeeds.

    Raises:
        RuntimeError: it did not.
    """
    from special.cli import main

    try:
        main(args=[*map(str, words), "-q"], prog_name="special")
    except SystemExit as ending:
        if ending.code:
            raise RuntimeError(f"special {words} ended with {ending.code}") from None


def _fit(folder: Path) -> None:
    files = small_scene.write(folder, "scene")
    scene = (files.scene, "--wavelengths", files.wavelengths, "--classes", files.classes)
    special("fit", *scene, "--labels", folder / "scene_truth.npy", "--out", folder / "fitted", *TINY)
    _keep_model(folder)


def quick_images() -> list[str]:
    """Options with which a classifier of images is trained in no time."""
    sizes = ("cubes.side=8", "cubes.components=4", "cubes.epochs=1", "cubes.steps=4", "cubes.votes=3")
    return ["--classifier", "cnn3d", *(word for one in sizes for word in ("--set", one))]


def _fit_images(folder: Path) -> None:
    fruit.write(folder / "fruit", images=3)
    special("fit", "--dataset", folder / "fruit", "--out", folder / "fitted", *quick_images())
    shutil.copy(folder / "fruit" / "Ripe" / "01.npy", folder / "image.npy")
    shutil.rmtree(folder / "fruit")
    _keep_model(folder)


def _keep_model(folder: Path) -> None:
    (folder / "model.fit").mkdir()
    for name in ("model.json", "model.safetensors"):
        shutil.copy(next((folder / "fitted" / "steps").glob(f"*/{name}")), folder / "model.fit")
    shutil.rmtree(folder / "fitted")


def _consistent_model(rng: np.random.Generator, folder: Path) -> None:
    """Whoever makes a hostile model writes its hash as well."""
    described, weights = folder / "model.fit" / "model.json", folder / "model.fit" / "model.safetensors"
    try:
        document = json.loads(described.read_bytes())
        document["sha256"]["weights"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        described.write_text(json.dumps(document))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass


def _interrupted(folder: Path) -> None:
    """A run whose training was killed when it had saved its state."""
    import special as package

    files = small_scene.write(folder, "scene")
    options = {"wavelengths": files.wavelengths, "clip": "none", "out": folder / "run.special", "device": "cpu"}
    settings = {**small_scene.TINY, "warmup.epochs": 3}
    with contextlib.suppress(_Interrupted):
        package.label(files.scene, files.classes, settings=settings, until="warmup", progress=_KillAfter(5), **options)
    if not list((folder / "run.special" / "work").rglob("checkpoint.safetensors")):
        raise RuntimeError("the training has left no checkpoint")


def _consistent_state(rng: np.random.Generator, folder: Path) -> None:
    """A checkpoint whose hash is right, as somebody would send it who wants it to be taken."""
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save

    from special.training.checkpoint import _digest

    for path in (folder / "run.special" / "work").rglob("checkpoint.safetensors"):
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if rng.random() < 0.5:
                header["progress"] = of_json(rng, header["progress"].encode()).decode("utf-8", "replace")
            if rng.random() < 0.3 and tensors:
                name = sorted(tensors)[rng.integers(len(tensors))]
                tensors[name] = (torch.zeros(3), torch.full_like(tensors[name], 7), tensors[name][:0])[rng.integers(3)]
            header["sha256"] = _digest(tensors, header["progress"])
            path.write_bytes(save(tensors, header))
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError):
            pass


@cache
def _checkpoint() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return tiny_clip.save(Path(folder) / "x.safetensors").read_bytes()


def _clip(suffix: str, folder: Path) -> None:
    small_scene.write(folder, "scene")
    path = folder / f"clip{suffix}"
    if suffix == ".safetensors":
        path.write_bytes(_checkpoint())
    elif suffix == ".pt":
        import torch

        torch.save(tiny_clip.make("tiny").state_dict(), path)
    else:
        _save_program(path)


def _save_program(path: Path) -> None:
    """The weights as OpenAI has them: a TorchScript archive."""
    import torch
    from torch import nn

    whole = nn.Module()
    for key, value in tiny_clip.make("tiny-quickgelu").state_dict().items():
        *names, last = key.split(".")
        home = whole
        for name in names:
            if name not in home._modules:
                home.add_module(name, nn.Module())
            home = getattr(home, name)
        home.register_buffer(last, value)
    for name in ("input_resolution", "context_length", "vocab_size"):
        whole.register_buffer(name, torch.tensor(32))
    torch.jit.save(torch.jit.script(whole.eval()), str(path))


def _encoder(folder: Path) -> None:
    """A text encoder of a few words, as transformers writes it."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    small_scene.write(folder, "scene")
    torch.manual_seed(0)
    words = BertWordPieceTokenizer(dict(zip(WORDS, range(len(WORDS)), strict=True)))
    BertTokenizerFast(tokenizer_object=words._tokenizer, model_max_length=64).save_pretrained(folder / "encoder")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder / "encoder")


class _Trap:
    """Unpickled, it would leave a file behind."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("../trapped",)


def _of_state(rng: np.random.Generator, data: bytes) -> bytes:
    """Other tensors, in any of the ways in which people wrap them."""
    import torch

    arrays = {name: tensor.numpy() for name, tensor in torch.load(io.BytesIO(data), weights_only=True).items()}
    changed = {name: torch.from_numpy(array.copy()) for name, array in changed_arrays(rng, arrays).items()}
    wrapped = (changed, {"state_dict": changed}, {"model": changed, "epoch": anything(rng)}, [changed])
    out = io.BytesIO()
    torch.save(wrapped[min(int(rng.integers(6)), 3)] if rng.random() < 0.5 else changed, out)
    return out.getvalue()


def _of_torch(rng: np.random.Generator, data: bytes) -> bytes:
    """Change the tensors of a torch checkpoint, damage its pickle, members or bytes, or put a trap into it."""
    chance = rng.random()
    if chance < 0.2:
        return of_bytes(rng, data)
    out = io.BytesIO()
    if chance < 0.6 and b"constants.pkl" not in data:
        return _of_state(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        entries = old.infolist()
        chosen = int(rng.integers(len(entries)))
        for place, entry in enumerate(entries):
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                match rng.integers(4):
                    case 0:
                        content = pickle.dumps(_Trap() if rng.random() < 0.5 else {"state_dict": _Trap()}, 2)
                    case 1:
                        content = pickle.dumps(anything(rng), 2)
                    case 2:
                        content = of_bytes(rng, content)
            elif place == chosen:
                content = of_bytes(rng, content)[: len(content) + 64]
            new.writestr(entry, content)
    return out.getvalue()


def _siglip(folder: Path) -> None:
    small_scene.write(folder, "scene")
    tiny_transformers.save_siglip(folder / "siglip")


CLIP = ("label", *SCENE, "--classes", "classes.txt", "--out", "out", "--until", "pseudo", "-q", "--clip")
PREDICT = ("predict", "model.fit", *SCENE, "--out", "out", "-q")
VOTE = ("predict", "model.fit", "image.npy", "--out", "out", "-q")
READ = ("fit", *SCENE, "--classes", "classes.txt", "--labels", "scene_truth.npy", "--classifier", "s3fn", "-q", "--out")
DENSE = ("--set", 'pseudo.teachers=["spectrum-text", "dense-text"]', "--set", "pseudo.dense_text.model=siglip")
OPENAI = "tiny-quickgelu:clip.pth"
MODEL = ("model.fit/*",)
WEIGHTS = (
    Kind("model", _fit, (PREDICT,), MODEL, mend=_consistent_model),
    Kind("model-images", _fit_images, (VOTE,), MODEL, mend=_consistent_model),
    Kind(
        "training-state",
        _interrupted,
        (("warmup", "run.special", "--until", "warmup", "-q"),),
        ("run.special/work/*",),
        {"*": of_safetensors},
        _consistent_state,
    ),
    Kind("clip-safetensors", partial(_clip, ".safetensors"), ((*CLIP, "tiny:clip.safetensors"),), ("clip*",)),
    Kind("clip-torch", partial(_clip, ".pt"), ((*CLIP, "tiny:clip.pt"),), ("clip*",), {"*": _of_torch}),
    Kind(
        "clip-torchscript", partial(_clip, ".pth"), ((*CLIP, "tiny-quickgelu:clip.pth"),), ("clip*",), {"*": _of_torch}
    ),
    Kind("dense-text", _siglip, ((*CLIP, "none", *DENSE),), ("siglip/*",)),
    Kind("encoder", _encoder, ((*READ, "out", "--set", "fit.epochs=1", "--encoder", "encoder"),), ("encoder/*",)),
)
