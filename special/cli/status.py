"""``special status``: how a run stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from special.cli.echo import echo
from special.cli.options import run_argument

if TYPE_CHECKING:
    from special.api.run import Answered

_EPILOG = """\b
Examples:
  special status
  special status scene.special
  special status scene.special --json
  special status maps
"""


@click.command(epilog=_EPILOG)
@run_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def status(run: Path | None, as_json: bool) -> None:
    """Say which steps of RUN are done, which are not, and why; or how the scenes of a batch stand.

    Without RUN, the run in the working directory that was worked on last is taken.
    """
    if (here := run or Path()).joinpath("batch.json").is_file():
        _of_batch(here, as_json)
        return
    from special.api.label import status as state_of
    from special.api.run import open_run
    from special.cli.screen import show_plan

    opened = open_run(run)
    verdicts, note = state_of(opened)
    if as_json:
        import json

        answers = len(opened.answers)
        steps = {verdict.step: {"state": verdict.state, "why": verdict.reason} for verdict in verdicts}
        echo(
            json.dumps(
                {"run": str(opened.path), "note": note, "answers": answers, "steps": steps},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    notes = [note] if note else []
    if opened.answers:
        notes.append(_about(opened.answers))
    show_plan(opened.path, verdicts, notes)


def _about(answers: Sequence[Answered]) -> str:
    """Count the answers of a run."""
    said = Counter(one.name or "none of these" for one in answers)
    return f"{len(answers)} answers: {', '.join(f'{count} {name}' for name, count in said.most_common())}"


def _of_batch(folder: Path, as_json: bool) -> None:
    """Print a line, or an object, for every scene of the batch in ``folder``."""
    from special.api.batch import Batch
    from special.cli.batch import show_rows

    rows = Batch(folder).rows
    if not as_json:
        show_rows(folder, rows)
        return
    import json
    from dataclasses import asdict

    scenes = {row.name: asdict(row) for row in rows}
    click.echo(json.dumps({"batch": str(folder), "scenes": scenes}, indent=2, ensure_ascii=False))
