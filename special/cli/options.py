"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

run_argument = click.argument("run", type=click.Path(path_type=Path), required=False)
"""``RUN``: the directory of a run; without it, the one in the working directory that was worked on last."""

set_option = click.option(
    "--set",
    "changes",
    metavar="STEP.KEY=VALUE",
    multiple=True,
    help="Change one setting of the pipeline; may be given several times.",
)
concepts_option = click.option(
    "--concepts",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Land-cover concepts of your own.",
)
device_option = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.  [auto]")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say of every step whether it would run, and why.")
seed_option = click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Every random draw comes from it.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")


def until_option() -> Callable[[Command], Command]:
    """Return ``--until``, which takes the name of a step."""
    from special.steps import with_answers

    names = [step.name for step in with_answers()]
    return click.option("--until", metavar="STEP", type=click.Choice(names), help="Stop after this step.")


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make one decorator of several; the help shows them in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


workers_options = together(
    click.option(
        "--workers", metavar="N", type=click.IntRange(min=1), help="Processes that go over a large scene.  [1]"
    ),
    click.option(
        "--memory", metavar="SIZE", help="What such a process may take; fewer work where it is short.  [1.5GB]"
    ),
    click.option("--cluster", metavar="ADDRESS", help="Have a running Dask scheduler's workers go over it."),
)
"""Who goes over the windows of one scene."""
