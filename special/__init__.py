"""Zero-shot land-cover maps from hyperspectral scenes and a list of class names.

    import special

    run = special.label("scene.mat", classes=["Water", "Grass", "Asphalt"], wavelengths="wavelengths.csv")
    run.map, run.probabilities, run.confidence, run.classes

The names of this module are loaded when they are used: ``import special`` alone imports nothing large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from special.report.evaluate import evaluate
    from special.run.explain import explain
    from special.run.fit import fit, predict
    from special.run.label import label, refine, rerun, status
    from special.run.result import Run, open_run

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
    "Run": "special.run.result",
    "evaluate": "special.report.evaluate",
    "explain": "special.run.explain",
    "fit": "special.run.fit",
    "label": "special.run.label",
    "open_run": "special.run.result",
    "predict": "special.run.fit",
    "refine": "special.run.label",
    "rerun": "special.run.label",
    "status": "special.run.label",
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
