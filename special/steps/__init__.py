"""The steps of the paper, one file each, in the order of the work.

==========  =====================================================================================================
``rgb``     ``rgb.npy`` uint8 (rows, cols, 3) and ``rgb.png``, where the scene covers the visible
``pseudo``  ``probabilities.npy`` float32 (rows, cols, K), ``bvsb.npy``, ``part-TEACHER.npy`` for each teacher, and
            ``as-seen.safetensors``: what the classes should look like in the scene
``warmup``  ``probabilities.npy``, ``weights.safetensors``
``refine``  ``probabilities.npy``, ``weights.safetensors``, ``soft_labels.npy`` float32 (rows, cols, K)
``map``     ``map.npy``, ``confidence.npy``, ``probabilities.npy``, and the map as PNG, GeoTIFF and ENVI
``report``  ``report.html``; in its ``record.json`` the warnings
==========  =====================================================================================================

A run with answers of the user has one more between ``pseudo`` and ``warmup``, which learns from it:

===========  ====================================================================================================
``answers``  ``probabilities.npy``, corrected; ``unknown.npy`` bool (rows, cols): no class of the list;
             ``certain.npy`` int32 (rows, cols), 1..K where the user has named a pixel
===========  ====================================================================================================

A supervised run has other steps:

==========  =====================================================================================================
``split``   ``split.npy`` uint8 (rows, cols): 1 = learned from, 2 = kept for the test
``fit``     ``probabilities.npy``, ``model.safetensors`` and ``model.json``
``map``     as above
``report``  as above
==========  =====================================================================================================

and so has one that learns from whole images:

==========  =====================================================================================================
``split``   ``split.npy`` bool (images,): which are learned from
``fit``     ``model.safetensors`` and ``model.json``
``vote``    ``votes.json``: the vote on every image, and the scores on those that were kept for the test
==========  =====================================================================================================

Each also leaves ``record.json``: figures about what happened, the same in every rerun. A step's ``version`` is raised
whenever its code, or code it calls, gives other results. To add a step is one new file and its name in a list below.
"""

from __future__ import annotations

from special.cache.step import Step
from special.steps import answers, images, pseudo_labels, refine, report, rgb, supervised, warmup
from special.steps import map as map_step

LABEL: tuple[Step, ...] = (
    rgb.STEP,
    pseudo_labels.STEP,
    warmup.STEP,
    refine.STEP,
    map_step.after("refine"),
    report.after("rgb", "pseudo", "warmup", "refine", "map"),
)
"""From class names to a map and a report of it."""


def with_answers() -> tuple[Step, ...]:
    """Return the steps from class names, and answers of the user, to a map."""
    instead = {
        "pseudo": (pseudo_labels.STEP, answers.STEP),
        "warmup": (warmup.AFTER_ANSWERS,),
        "refine": (refine.AFTER_ANSWERS,),
        "map": (map_step.after("refine", "answers"),),
        "report": (report.after("rgb", "pseudo", "answers", "warmup", "refine", "map"),),
    }
    return tuple(one for step in LABEL for one in instead.get(step.name, (step,)))


FIT: tuple[Step, ...] = (
    supervised.SPLIT,
    supervised.FIT,
    map_step.after("fit"),
    report.after("split", "fit", "map"),
)
"""From labelled pixels to a model, a map and a report of it."""

FIT_IMAGES: tuple[Step, ...] = (images.SPLIT, images.FIT, images.VOTE)
"""From a data set of images to a model."""
