"""Zero-shot land-cover maps from hyperspectral scenes and a list of class names.

    import special

    run = special.label("scene.mat", classes=["Water", "Grass", "Asphalt"], wavelengths="wavelengths.csv")
    run.map, run.probabilities, run.confidence, run.classes

The names of this module are loaded when they are used: ``import special`` alone imports nothing large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from special.api.evaluate import evaluate
    from special.api.explain import explain
    from special.api.fit import fit, predict
    from special.api.label import label, refine, rerun, status
    from special.api.run import Run, open_run

    __version__: str

__all__ = [
    "Run",
    "__version__",
    "evaluate",
    "explain",
    "fit",
    "label",
    "open_run",
    "predict",
    "refine",
    "rerun",
    "status",
]

_HOMES = {
    "Run": "special.api.run",
    "evaluate": "special.api.evaluate",
    "explain": "special.api.explain",
    "fit": "special.api.fit",
    "label": "special.api.label",
    "open_run": "special.api.run",
    "predict": "special.api.fit",
    "refine": "special.api.label",
    "rerun": "special.api.label",
    "status": "special.api.label",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'special' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("special-hsi")
    except PackageNotFoundError:  # a checkout that is not installed
        import configparser
        from pathlib import Path

        parser = configparser.ConfigParser()
        parser.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")
        return parser.get("metadata", "version", fallback="0")
