"""``special models``: image-text models for ``--clip``, by name."""

from __future__ import annotations

from typing import Any

import click

_EPILOG = """\b
Examples:
  special models list
  special models info remoteclip:ViT-B-32
  special models info weights.pt
  special models fetch openai:ViT-B-16
  special label scene.hdr --classes classes.txt --clip remoteclip:ViT-B-32

\b
What is fetched lies in the cache of the Hugging Face hub (HF_HOME), and is found there without a network. For gated
models accept their terms on their page, then hf auth login, or set HF_TOKEN.
"""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(epilog=_EPILOG)
def models() -> None:
    """List image-text models, say what is known of one, or fetch one for later."""


@models.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the whole table of open_clip, as MODEL:TAG.")
@_json_option
def list_(everything: bool, as_json: bool) -> None:
    """List the models that --clip knows by name."""
    from special.api.models import list_models

    found = list_models(everything)
    if as_json:
        return _print_json(found)
    from special.cli.screen import show_table

    rows = [
        (
            model["name"],
            model.get("architecture") or "by its configuration",
            model.get("activation") or "unknown",
            _size(model.get("size_mb")),
            model.get("licence") or "unknown",
            "yes" if model.get("here") else "",
        )
        for model in found
    ]
    show_table("", ("name", "architecture", "activation", "size", "licence", "here"), rows)


@models.command()
@click.argument("model")
@_json_option
def info(model: str, as_json: bool) -> None:
    """Show what is known of MODEL: a name of special models list, MODEL:TAG, or a checkpoint.

    A checkpoint is read, and whatever stands against its use is said. Nothing is fetched.
    """
    from special.api.models import model_info
    from special.cli.screen import show_facts

    facts = model_info(model)
    if as_json:
        return _print_json(facts)
    show_facts(_lines(facts))


@models.command()
@click.argument("model")
def fetch(model: str) -> None:
    """Fetch MODEL, check it, and make sure that it can be used."""
    from special.api.models import fetch_model
    from special.cli.screen import Screen, show_facts

    with Screen() as screen:
        facts = fetch_model(model, progress=screen)
    show_facts(_lines(facts))


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    said_by = facts.get("activation_from")
    activation = facts.get("activation") or "unknown: taken as GELU"
    lines = [
        ("model", facts["name"]),
        ("about", facts.get("about") or ""),
        ("page", facts.get("page") or ""),
        ("architecture", facts.get("architecture") or "by its configuration"),
        ("activation", f"{activation} ({said_by})" if said_by else activation),
        ("mean", _numbers(facts.get("mean"))),
        ("std", _numbers(facts.get("std"))),
        ("licence", facts.get("terms", "").removeprefix("licence ")),
        ("source", facts.get("source") or ""),
        ("size", _size(facts.get("size_mb"))),
        ("parameters", f"{facts['parameters']:,}" if "parameters" in facts else ""),
        ("SHA-256", facts.get("weights_sha256") or facts.get("sha256") or ""),
        ("here", _here(facts)),
    ]
    return [line for line in lines if line[1]] + [("note", note) for note in facts.get("notes", [])]


def _here(facts: dict[str, Any]) -> str:
    if "here" not in facts:
        return ""
    return "yes" if facts["here"] else f"no: special models fetch {facts['name']}"


def _numbers(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in values) if values else ""


def _size(megabytes: float | None) -> str:
    return "unknown" if megabytes is None else f"{megabytes:.0f} MB"


def _print_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
