"""``special warmup``: the third step."""

from __future__ import annotations

from typing import Any

import click

from special.cli.again import run_again, step_options

_EPILOG = """\b
Examples:
  special warmup
  special warmup scene.special --set warmup.epochs=20
  special warmup scene.special --device cuda --until warmup
"""


@click.command(epilog=_EPILOG)
@step_options
def warmup(**options: Any) -> None:
    """Train on the pseudo-labels of RUN, and do what follows.

    Steps that nothing changed for are not run. Training that was interrupted goes on where it was. Without RUN, the
    run in the working directory that was worked on last is taken.
    """
    run_again("warmup", **options)
