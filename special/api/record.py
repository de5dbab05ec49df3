"""``RUN/run.json``: how a run was made, for people and for papers."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from typing import Any

from special.api.request import Request
from special.api.source import DatasetSource
from special.cache.directory import RunDirectory
from special.cache.step import Step
from special.storage import files
from special.version import versions


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
    ran_on = {name: value for manifest in manifests.values() for name, value in manifest.environment.items()}
    document = {
        **_input(request),
        "classes": request.classes.to_lines(),
        "pipeline": request.settings.pipeline,
        "settings": dict(request.settings.values),
        "seed": request.seed,
        "device": ran_on.get("device"),
        "scan": ran_on.get("scan"),
        "teachers": records.get("pseudo", {}).get("teachers", {}),
        "clip": _clip(request),
        "warnings": records.get("report", {}).get("warnings", []),
        "absent_teachers": dict(request.teachers.absent) if request.teachers else {},
        "versions": versions(),
        "plugins": sorted({*request.releases.values()}),
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
    }
    files.replace_json(run.record, document)


def _input(request: Request) -> dict[str, Any]:
    """Describe the scene, or the data set, that a run is about."""
    source = request.source
    if isinstance(source, DatasetSource):
        return {"dataset": {"path": str(source.path), "sha256": dict(request.content)}}
    about = {
        "path": None if source.path is None else str(source.path.resolve()),
        "key": source.key,
        "sensor": source.sensor,
        "sha256": dict(request.content),
        "georeference": request.georeference,
    }
    return {"scene": about}


def _clip(request: Request) -> dict[str, Any] | None:
    """Say which image-text model was asked for, which is in use, and why there is none."""
    teachers = request.teachers
    if teachers is None:
        return None
    asked = str(request.settings.values["pseudo.image_text.clip"])
    reason = teachers.absent.get("image-text") or None
    return {"asked": asked, "used": teachers.models.get("image-text", "none"), "because": reason}


def _record(run: RunDirectory, step: str) -> dict[str, Any]:
    try:
        record = files.load_json(run.step(step) / "record.json")
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
