"""``special pseudo``: the second step."""

from __future__ import annotations

from typing import Any

import click

from special.cli.again import run_again, step_options

_EPILOG = """\b
Examples:
  special pseudo
  special pseudo scene.special --set pseudo.image_text.clip=none --until pseudo
"""


@click.command(epilog=_EPILOG)
@step_options
def pseudo(**options: Any) -> None:
    """Make the pseudo-labels of RUN again, and what follows them.

    The teachers read the class names and name the pixels. Steps that nothing changed for are not run. Without RUN,
    the run in the working directory that was worked on last is taken.
    """
    run_again("pseudo", **options)
