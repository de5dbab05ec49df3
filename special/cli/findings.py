"""Keeping what a command has found out about a map for the report of its run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from special.cli.echo import echo


def keep_for_report(run: Path, name: str, document: Mapping[str, Any]) -> None:
    """Keep ``document`` in the run as its finding ``name``; say so on stderr where that cannot be."""
    from special.api.findings import keep_finding
    from special.cache.directory import RunDirectory
    from special.errors import RunError

    try:
        keep_finding(RunDirectory(run), name, document)
    except RunError as error:
        echo(f"Note: the report will not have these figures: {error}", err=True)
