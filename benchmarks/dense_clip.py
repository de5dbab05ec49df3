"""The arithmetic rate of dense CLIP beside that of its matrix products alone.

    python benchmarks/dense_clip.py            # ViT-B-16, the batch of the default pipeline
    python benchmarks/dense_clip.py --batch 1 4 8
    python benchmarks/dense_clip.py --smoke    # a small model, to see that it works

The matrix products that ``dense_features`` makes are recorded, then made again with nothing between them: that is what
the machine can do at best. Both take turns. Weights are random: time does not depend on them.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import Any

import torch
from measure import HEADINGS, in_turns, machine
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

SMALL = {"width": 64, "layers": 3, "heads": 2, "patch_size": 16, "image_size": 64}


class Products(TorchDispatchMode):
    """Remembers the matrix products that are made while it is on: their shapes, and functions that make them again."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Callable[[], Any]] = []
        self.operations = 0.0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        if name in ("mm", "bmm"):
            self._add(function, *args[:2])
        elif name == "addmm":
            self._add(torch.ops.aten.mm.default, *args[1:3])
        elif name == "convolution":
            image, weight = args[:2]
            rows = image.numel() // weight[0].numel()
            self._add(torch.ops.aten.mm.default, image.new_ones(rows, weight[0].numel()), weight.flatten(1).T)
        elif name.startswith("_scaled_dot_product"):
            q, k, v = (part.flatten(0, 1) for part in args[:3])
            self._add(torch.ops.aten.bmm.default, q, k.transpose(1, 2))
            self._add(torch.ops.aten.bmm.default, q.new_ones(len(q), q.shape[1], k.shape[1]), v)
        return function(*args, **(kwargs or {}))

    def _add(self, product: Any, a: Tensor, b: Tensor) -> None:
        self.operations += 2.0 * a.numel() * b.shape[-1]
        self.made.append(lambda: product(a, b))

    def again(self) -> None:
        for product in self.made:
            product()


def recorded(run: Callable[[], Any]) -> Products:
    """Record the products of ``run``: without inference mode and fused attention, which would hide theirs."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), Products() as products:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return products


def tower(small: bool) -> Any:
    """An image tower with random weights."""
    import open_clip
    from open_clip.transformer import VisionTransformer

    torch.manual_seed(0)
    if small:
        return VisionTransformer(**SMALL, mlp_ratio=4.0, output_dim=32).eval()
    logging.getLogger().setLevel(logging.ERROR)  # that there are no weights is meant
    return open_clip.create_model("ViT-B-16-quickgelu", pretrained=None).visual.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, nargs="+", default=[4])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--smoke", action="store_true", help="a small model, two rounds")
    asked = parser.parse_args()

    from special.teachers.image_text.dense_features import dense_features, spare_copies

    visual = tower(asked.smoke)
    spare_copies(visual)  # as the teacher does
    side = SMALL["image_size"] if asked.smoke else 224
    print(machine())
    print(f"{'batch':>5} {'':16} {HEADINGS} {'GFLOP/s':>8} {'of alone':>9}")
    for batch in asked.batch:
        images = torch.randn(batch, 3, side, side)
        products = recorded(lambda images=images: dense_features(visual, images, 0.3))
        with torch.inference_mode():
            sides = {
                "dense CLIP": lambda images=images: dense_features(visual, images, 0.3),
                "products alone": products.again,
            }
            found = in_turns(sides, 2 if asked.smoke else asked.rounds)
        for name, spread in found.items():
            share = found["products alone"].best / spread.best
            print(f"{batch:5} {name:16} {spread} {products.operations / spread.best / 1e9:8.1f} {share:9.1%}")


if __name__ == "__main__":
    main()
