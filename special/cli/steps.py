"""``special rgb``, ``pseudo``, ``answers`` and so on: a command for every step, made from the step itself."""

from __future__ import annotations

from pathlib import Path

import click

from special.cache.step import Step
from special.cli.options import (
    device_option,
    dry_run_option,
    quiet_option,
    run_argument,
    set_option,
    together,
    until_option,
)
from special.steps import with_answers

_step_options = together(run_argument, set_option, device_option, until_option(), dry_run_option, quiet_option)
_ABOUT = """Steps that nothing changed for are not run, nothing before this one is run again. Training that was
interrupted goes on where it was. Without RUN, the run in the working directory that was worked on last is taken."""


def command_of(step: Step) -> click.Command:
    """Return the command that runs ``step`` of a run again, and what follows it."""

    @_step_options
    def again(
        run: Path | None,
        changes: tuple[str, ...],
        device: str | None,
        until: str | None,
        dry_run: bool,
        quiet: bool,
    ) -> None:
        from special.api.label import prepare_rerun
        from special.api.run import Run
        from special.cli.screen import Screen, show_outcomes, show_plan, show_result
        from special.settings import parse_changes

        job = prepare_rerun(run, step.name, parse_changes(changes), device=device, until=until)
        if dry_run:
            show_plan(job.run.path, job.plan(until), job.request.settings.notes)
            return
        with Screen(quiet) as screen:
            done = Run(job.run.path, job.execute(until, screen))
        if not quiet:
            show_outcomes(done)
            show_result(done)

    examples = "".join(f"  {example}\n" for example in step.examples)
    return click.command(step.name, help=f"{step.summary}\n\n{_ABOUT}", epilog=f"\b\nExamples:\n{examples}")(again)


COMMANDS: dict[str, click.Command] = {step.name: command_of(step) for step in with_answers()}
"""The commands by the names of their steps, in the order of the work."""
