"""Zero-shot land-cover maps from hyperspectral scenes and a list of class names.

    import special

    run = special.label("scene.mat", classes=["Water", "Grass", "Asphalt"], wavelengths="wavelengths.csv")
    run.map, run.probabilities, run.confidence, run.classes

The names of this module are loaded when they are used: ``import special`` alone imports nothing large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from special.api.ask import ask
    from special.api.assess import assess
    from special.api.batch import Batch, batch
    from special.api.demo import demo
    from special.api.describe import describe, sketch_spectra
    from special.api.evaluate import evaluate
    from special.api.explain import explain
    from special.api.fit import fit, fit_images
    from special.api.info import info
    from special.api.label import label, refine, rerun, status
    from special.api.options import FitOptions, ImageFitOptions, LabelOptions
    from special.api.predict import predict
    from special.api.prepare import prepare
    from special.api.run import ImageRun, Run, open_run
    from special.api.sample import sample
    from special.api.sheet import leave_sheet
    from special.scene import Scene, open_scene

    __version__: str

_HOMES = {
    "Batch": "special.api.batch",
    "FitOptions": "special.api.options",
    "ImageFitOptions": "special.api.options",
    "ImageRun": "special.api.run",
    "LabelOptions": "special.api.options",
    "Run": "special.api.run",
    "Scene": "special.scene",
    "ask": "special.api.ask",
    "assess": "special.api.assess",
    "batch": "special.api.batch",
    "demo": "special.api.demo",
    "describe": "special.api.describe",
    "evaluate": "special.api.evaluate",
    "explain": "special.api.explain",
    "fit": "special.api.fit",
    "fit_images": "special.api.fit",
    "info": "special.api.info",
    "label": "special.api.label",
    "leave_sheet": "special.api.sheet",
    "open_run": "special.api.run",
    "open_scene": "special.scene",
    "predict": "special.api.predict",
    "prepare": "special.api.prepare",
    "refine": "special.api.label",
    "rerun": "special.api.label",
    "sample": "special.api.sample",
    "sketch_spectra": "special.api.describe",
    "status": "special.api.label",
}

__all__ = [
    "Batch",
    "FitOptions",
    "ImageFitOptions",
    "ImageRun",
    "LabelOptions",
    "Run",
    "Scene",
    "__version__",
    "ask",
    "assess",
    "batch",
    "demo",
    "describe",
    "evaluate",
    "explain",
    "fit",
    "fit_images",
    "info",
    "label",
    "leave_sheet",
    "open_run",
    "open_scene",
    "predict",
    "prepare",
    "refine",
    "rerun",
    "sample",
    "sketch_spectra",
    "status",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from special.version import own_version

        return own_version()
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'special' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
