"""What is known of the ground, in the report: scores, and estimates from a probability sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from special.report import metrics
from special.report.page.content import Assessed, Comparison, assessed_from_json
from special.steps.reporting.found import Found


@dataclass(frozen=True)
class Evaluated:
    """What ``special evaluate`` has kept: scores, the overall accuracy after each step, what to know of them."""

    scores: metrics.Scores
    accuracies: dict[str, float]
    notes: list[str]


def comparisons(found: Found, scored: Evaluated | None) -> Iterator[Comparison]:
    """Compare the map with what is known of the ground: a truth that was given, test pixels, the user's answers."""
    names = found.context.classes.names
    if scored is not None:
        kept = ", at the pixels that were kept for the test" if "split" in found.upstream else ""
        told = " The map has learned from your answers, which may be part of it." if "answers" in found.upstream else ""
        notes = "".join(f" Note: {note}." for note in scored.notes)
        note = f"By special evaluate, with a truth that it was given{kept}.{told}{notes}"
        yield Comparison("Against the ground truth", note, scored.scores)
    elif "split" in found.upstream:
        from special.training.train_test_split import TEST

        parts = found.context.array("split", "split.npy")
        truth = np.where(parts == TEST, found.context.labels(), 0)
        if truth.any():
            note = "Labelled pixels that were kept for the test: nothing was learned from them."
            yield Comparison("Against the test pixels", note, metrics.evaluate(found.labels, truth, names))
    if "answers" in found.upstream:
        said = found.context.answers().labels((found.labels.shape[0], found.labels.shape[1]))
        if said.any():
            note = "The map has learned from them: this says how well it follows them, and nothing of other places."
            yield Comparison("Against your answers", note, metrics.evaluate(found.labels, said, names))


def _finding(found: Found, name: str) -> dict[str, Any]:
    """Return what was found out about this very map; nothing of another one."""
    document = found.context.findings.get(name, {})
    manifest = found.context.run.manifest("map")
    assert manifest is not None  # upstream
    return document if document.get("map_sha256") == manifest.files["map.npy"] else {}


def evaluated(found: Found) -> Evaluated | None:
    """Return what ``special evaluate`` has kept of this map; None where there is nothing, or nothing whole."""
    names, document = found.context.classes.names, _finding(found, "evaluation")
    try:
        confusion = np.array(document["confusion"], dtype=np.int64)
        whole = confusion.shape == (len(names), len(names) + 1) and confusion.min() >= 0 and confusion.any()
        if not whole or document["names"] != list(names):
            return None
        accuracies = {str(step): float(one["oa"]) for step, one in document["steps"].items()}
        notes = [str(note) for note in document.get("notes", [])]
        scores = metrics.scores_of(confusion, names)
        return Evaluated(scores, {**accuracies, "map": scores.oa}, notes)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def assessed(found: Found) -> Assessed | None:
    """Return what ``special assess`` has kept of this map; None where there is nothing, or nothing whole."""
    try:
        return assessed_from_json(_finding(found, "assessment"))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
