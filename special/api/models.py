"""Image-text models: which are known by name, what is known of one, and fetching one before it is needed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from special.errors import WeightsError
from special.progress import SILENT, Progress


def list_models(everything: bool = False) -> list[dict[str, Any]]:
    """Return the models that ``--clip`` knows by name, as JSON, each with whether it is on this machine.

    ``everything`` adds open_clip's whole table, as MODEL:TAG.
    """
    from special.teachers.image_text.known import known_models

    found = [_facts(model) for model in known_models().values()]
    if everything:
        import open_clip

        pairs = [f"{model}:{tag}" for model, tag in open_clip.list_pretrained()]
        found += [{**_of_table(pair), "name": pair, "about": "open_clip's table"} for pair in pairs]
    return found


def model_info(spec: str, *, offline: bool = True) -> dict[str, Any]:
    """Return what is known of a model by name, or of a checkpoint, as JSON; nothing is fetched.

    A checkpoint is read whole: its layout, its architecture, and what says how it was trained.

    Raises:
        SettingsError: there is no such model.
        WeightsError: the checkpoint cannot be used; the message says why.
    """
    from special.teachers.image_text.known import known_model
    from special.teachers.image_text.weights import load_clip

    known = None if Path(spec).expanduser().exists() else known_model(spec)
    if known is not None:
        return _facts(known)
    told = _Told()
    clip = load_clip(spec, offline=offline, device="cpu", progress=told)
    if clip is None:
        raise WeightsError("none is no model: name one, or a checkpoint")
    parameters = sum(parameter.numel() for parameter in clip.model.parameters())
    return {
        "name": clip.name,
        **clip.identity(),
        "activation_from": clip.activation_from,
        "parameters": parameters,
        "notes": told.lines,
    }


def fetch_model(spec: str, *, cache_dir: Path | None = None, progress: Progress = SILENT) -> dict[str, Any]:
    """Bring a model to this machine, check it, and make sure that it can be used; return what it is, as JSON.

    Raises:
        SettingsError: there is no such model.
        WeightsError: it cannot be had or used; the message says why, and what would help.
    """
    from special.teachers.image_text.weights import load_clip

    clip = load_clip(spec, offline=False, device="cpu", cache_dir=cache_dir, progress=progress)
    if clip is None:
        raise WeightsError("none is no model: name one, such as openai:ViT-B-16")
    return {"name": clip.name, **clip.identity(), "activation_from": clip.activation_from}


class _Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def _facts(model: Any) -> dict[str, Any]:
    from special.teachers.image_text.sources import is_here

    facts = {**asdict(model), "source": model.source, "terms": model.terms}
    if model.same_as:
        facts |= {key: value for key, value in _of_table(model.same_as).items() if not facts.get(key)}
    else:
        facts["here"] = is_here(model)
    return facts


def _of_table(pair: str) -> dict[str, Any]:
    """Return what open_clip's table says of MODEL:TAG."""
    from open_clip.pretrained import get_pretrained_cfg

    from special.hub import cached

    architecture, tag = pair.split(":")
    entry = get_pretrained_cfg(architecture, tag)
    repo, file = entry["hf_hub"].rsplit("/", 1)
    quick = architecture.endswith("-quickgelu") or bool(entry.get("quick_gelu"))
    names = [file] if file else ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
    return {
        "architecture": architecture,
        "activation": "QuickGELU" if quick else "GELU",
        "activation_from": "open_clip's table of weights",
        "mean": entry["mean"],
        "std": entry["std"],
        "repo": repo,
        "here": bool(repo) and cached(repo, names, None) is not None,
        "source": f"hf-hub:{repo}" if repo else entry["url"],
    }
