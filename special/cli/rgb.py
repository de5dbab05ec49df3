"""``special rgb``: the first step."""

from __future__ import annotations

from typing import Any

import click

from special.cli.again import run_again, step_options

_EPILOG = """\b
Examples:
  special rgb
  special rgb scene.special --set rgb.high_quantile=0.99 --until rgb
"""


@click.command(epilog=_EPILOG)
@step_options
def rgb(**options: Any) -> None:
    """Make the RGB image of RUN again, and what follows it.

    The colours are interpolated from the scene's spectra. Steps that nothing changed for are not run. Without RUN,
    the run in the working directory that was worked on last is taken.
    """
    run_again("rgb", **options)
