"""``special map``: the last step."""

from __future__ import annotations

from typing import Any

import click

from special.cli.again import run_again, step_options

_EPILOG = """\b
Examples:
  special map
  special map scene.special --set map.reject=0.5
"""


@click.command(epilog=_EPILOG)
@step_options
def map(**options: Any) -> None:
    """Write the map of RUN again, in every format.

    Nothing is trained for it. Without RUN, the run in the working directory that was worked on last is taken.
    """
    run_again("map", **options)
