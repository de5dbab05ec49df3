"""The step ``report``: a page that shows the map and how far to believe it, and the list of warnings.

The map is made before it: whatever goes wrong here, the map is there.
"""

from __future__ import annotations

from pathlib import Path

from special.cache.step import Step
from special.errors import RunError, damage_of
from special.report.warning_list import warnings_of
from special.steps.context import SceneContext
from special.steps.reporting.found import Found
from special.storage.files import save_json

CLASSES, WAVELENGTHS = "classes.txt", "wavelengths.csv"
"""What the command that makes the run again needs, as the run has understood it."""


def _run(context: SceneContext, folder: Path) -> None:
    """Write the page, the warnings, and what it takes to make the run again."""
    from special.report.page.page import write_report
    from special.steps.reporting.content import report_of

    found = Found(context)
    with damage_of(f"what the steps left in {folder.parent.parent}", RunError):
        warnings = warnings_of(found.figures())
        report = report_of(found, warnings)
    write_report(folder / "report.html", report)
    save_json(folder / "record.json", {"warnings": [warning.to_json() for warning in warnings]})
    (folder / CLASSES).write_text("".join(f"{line}\n" for line in context.classes.to_lines()), encoding="utf-8")
    if wavelengths := context.asked["wavelengths"]:
        (folder / WAVELENGTHS).write_text("".join(f"{nm!r}\n" for nm in wavelengths), encoding="utf-8")


def after(*upstream: str) -> Step:
    """Return the step that reports on what the steps ``upstream`` left, ``map`` among them."""
    return Step(
        name="report",
        version=2,
        function=_run,
        summary="Write the report of RUN again.",
        examples=("special report", "special report scene.special"),
        upstream=upstream,
        inputs={
            "scene": "the scene",
            "georeference": "the georeference",
            "classes": "the class list",
            "colours": "the colours",
            "seed": "the seed",
            "labels": "the labels",
            "answers": "the answers",
            "asked": "what was asked",
            "findings": "what is known of the map",
        },
        delivers=("report.html", CLASSES, WAVELENGTHS),
    )
