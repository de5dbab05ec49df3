"""What was found out about a map after it was made: kept in the run, for its report.

``special evaluate`` keeps its scores as ``evaluation.json``, ``special assess`` its estimates as ``assessment.json``.
Each names the map that it is about, and the report shows what is about its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from special.cache.directory import RunDirectory
from special.storage import files

EVALUATION, ASSESSMENT = "evaluation", "assessment"
MAP = "map_sha256"


def keep_finding(run: RunDirectory, name: str, document: Mapping[str, Any]) -> None:
    """Keep ``document``, JSON, as the last finding ``name`` about the map that the run has; without a map, nothing.

    Where the run lies is left out: the same finding is the same document, however the run was called.

    Raises:
        RunError: the run is in use, or cannot be written to.
    """
    found = run.manifest("map")
    if found is None or "map.npy" not in found.files:
        return
    kept = {key: value for key, value in document.items() if key != "run"}
    with run.locked():
        files.replace_json(run.path / f"{name}.json", {MAP: found.files["map.npy"], **kept})


def findings_of(run: RunDirectory) -> dict[str, Any]:
    """Return what was kept, by name, whatever map it is about; nothing of what is not whole."""
    found = {}
    for name in (EVALUATION, ASSESSMENT):
        try:
            document = files.load_json(run.path / f"{name}.json")
            files.digest(document)  # what has NaN in it has no hash
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            found[name] = document
    return found
