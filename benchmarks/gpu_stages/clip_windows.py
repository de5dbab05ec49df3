"""Dense CLIP: windows in a second by number type, how far each is from float32, and a whole scene through the teacher.

Weights are random, of the shape of ViT-B-16: time does not depend on them. Of labels among random texts the share that
stays the same is what a map would notice; trained weights tell classes apart by more.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from dense_clip import SMALL, tower

from gpu_stages.stage import Row, distance, gigabytes, seconds, wait

BATCHES = (4, 32, 128)  # the first is the default pipeline's
FACTOR = 0.3
CLASSES = 9
TYPES = {"float32": torch.float32, "TF32": torch.float32, "bf16": torch.bfloat16}


def rows(small: bool, device: str) -> Iterator[Row]:
    from special.teachers.image_text.dense_features import dense_features, spare_copies

    visual = tower(small)
    spare_copies(visual)
    visual = visual.to(device).requires_grad_(False)
    side = SMALL["image_size"] if small else 224
    torch.manual_seed(0)
    with torch.inference_mode():
        for batch in (2,) if small else BATCHES:
            images = torch.randn(batch, 3, side, side, device=device)
            _allow_tf32(False)
            exact = dense_features(visual, images, FACTOR)
            texts = torch.nn.functional.normalize(torch.randn(exact.shape[-1], CLASSES, device=device), dim=0)
            for name, dtype in TYPES.items():
                _allow_tf32(name == "TF32")
                model, given = copy.deepcopy(visual).to(dtype), images.to(dtype)

                def run(model: Any = model, given: Any = given) -> Any:
                    return dense_features(model, given, FACTOR)

                taken, found = seconds(run, device, 1 if small else 10), run().float()
                same = ((found @ texts).argmax(-1) == (exact @ texts).argmax(-1)).float().mean()
                yield {
                    "what": f"{name}, {batch} together",
                    "windows/s": batch / taken,
                    "difference": distance(found, exact),
                    "same labels": float(same),
                    "GB": gigabytes(run, device),
                }
    yield from _teacher(small, device)


def _allow_tf32(allowed: bool) -> None:
    """Products and convolutions alike: left alone, PyTorch lets convolutions use TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def _teacher(small: bool, device: str) -> Iterator[Row]:
    """The teacher's way over a scene of Pavia Centre's size: texts, windows, and how long the windows' making takes."""
    import open_clip

    from special.classnames.class_list import ClassList
    from special.progress import SILENT
    from special.settings import load
    from special.teachers.image_text.teacher import ImageTextSettings, ImageTextTeacher
    from special.teachers.image_text.weights import LoadedClip

    logging.getLogger().setLevel(logging.ERROR)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True  # as PyTorch begins
    name = "ViT-B-32" if small else "ViT-B-16"
    model = open_clip.create_model(name, pretrained=None).eval().requires_grad_(False).to(device)
    mean, std = model.visual.image_mean, model.visual.image_std
    clip = LoadedClip(name, name, model, open_clip.get_tokenizer(name), "random", mean, std, "GELU", "random weights")
    changes = {"pseudo.image_text.scales": [1], "pseudo.image_text.shortest_side": 32} if small else {}
    teacher = ImageTextTeacher(clip, load(changes=changes).build(ImageTextSettings))
    size = (24, 20) if small else (1096, 715)
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    classes = ClassList.parse(["Water", "Trees"] if small else [f"Material {k}" for k in range(CLASSES)])
    wait(device)
    started = time.perf_counter()
    teacher._texts(classes, SILENT)
    wait(device)
    yield {"what": f"texts of {len(classes)} classes", "s": time.perf_counter() - started}
    started = time.perf_counter()
    teacher.coarse(rgb, np.ones(size, dtype=bool), classes, SILENT)
    wait(device)
    taken = time.perf_counter() - started
    tilings = teacher._tilings(size)
    count = sum(len(tiling.corners) for tiling in tilings)
    started = time.perf_counter()
    for tiling in tilings:
        for corner in tiling.corners:
            tiling.pixels(rgb.astype(np.float32), corner)
    made = time.perf_counter() - started
    yield {"what": f"{size[0]} x {size[1]}: texts and windows", "s": taken, "windows/s": count / taken}
    yield {"what": "    making the windows alone, on the CPU", "s": made, "windows/s": count / made}
