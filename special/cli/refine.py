"""``special refine``: the fourth step."""

from __future__ import annotations

from typing import Any

import click

from special.cli.again import run_again, step_options

_EPILOG = """\b
Examples:
  special refine
  special refine scene.special --set refine.lambda_hard=0.2
  special refine scene.special --set refine.lambda_hard=0.2 --dry-run
"""


@click.command(epilog=_EPILOG)
@step_options
def refine(**options: Any) -> None:
    """Refine the classifier of RUN, and map what comes out.

    Steps that nothing changed for are not run, nothing before this one is run again. Training that was interrupted
    goes on where it was. Without RUN, the run in the working directory that was worked on last is taken.
    """
    run_again("refine", **options)
