"""What ``rgb``, ``pseudo``, ``warmup``, ``refine`` and ``map`` have in common: one step of a run, once more."""

from __future__ import annotations

from pathlib import Path

from special.cli.options import (
    device_option,
    dry_run_option,
    quiet_option,
    run_argument,
    set_option,
    together,
    until_option,
)

step_options = together(run_argument, set_option, device_option, until_option, dry_run_option, quiet_option)


def run_again(
    step: str,
    run: Path | None,
    changes: tuple[str, ...],
    device: str | None,
    until: str | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Run ``step`` of a run and what follows it, where something has changed, and show what became of it."""
    from special.api.label import prepare_rerun, rerun
    from special.cli.screen import Screen, show_outcomes, show_plan
    from special.settings import parse_changes

    settings = parse_changes(changes)
    if dry_run:
        job = prepare_rerun(run, step, settings, device=device)
        show_plan(job.run.path, job.plan(until))
        return
    with Screen(quiet) as screen:
        done = rerun(run, step, settings, device=device, until=until, progress=screen)
    if not quiet:
        show_outcomes(done)
