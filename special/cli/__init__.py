"""The command line: a thin skin over ``special.label`` and its neighbours. Nothing imports from here.

Each command is a module of this package with the click command in it under the module's name; those of the steps are
made from the registry of steps. This module and theirs import nothing large at the top, so that ``special --help``
answers at once; what a command needs it imports when it runs.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import IO, Any

import click

from special.cli.echo import echo
from special.cli.stopping import Stopped, Stopping

# The parts of the help: the work in its order, then what is around it. The steps' commands are made from their list.
_PARTS: dict[str, tuple[str, ...]] = {
    "From names to a map": ("info", "classes", "label", "ask", "status", "batch", "demo"),
    "How good it is": ("evaluate", "sample", "assess"),
    "Steps of a run, again": (),
    "From labels to a map": ("fit", "predict"),
    "What names are understood by": ("library", "models", "describe"),
}
_DEBUG = "special.debug"


class OneLine(click.ClickException):
    """What the user can mend: one line on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line."""
        echo(f"Error: {' '.join(self.message.split())}", err=True, file=file)


class Fault(OneLine):
    """What the user cannot mend."""

    exit_code = 1


class Commands(click.Group):
    """Loads a command when it is used, and turns errors into one line at the boundary."""

    _stopping = Stopping()

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return the commands, part by part of the help."""
        from special.cli.steps import COMMANDS

        return {title: names or tuple(COMMANDS) for title, names in _PARTS.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work, not of the alphabet."""
        return [name for names in self.parts().values() for name in names]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does in a whole sentence, part by part."""
        for title, names in self.parts().items():
            commands = ((name, self.get_command(ctx, name)) for name in names)
            rows = [(name, command.get_short_help_str(limit=200)) for name, command in commands if command]
            with formatter.section(title):
                formatter.write_dl(rows, col_max=9)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if any(cmd_name in names for names in _PARTS.values()):
            command: click.Command = getattr(importlib.import_module(f"special.cli.{cmd_name}"), cmd_name)
        else:
            from special.cli.steps import COMMANDS

            if cmd_name not in COMMANDS:
                return None
            command = COMMANDS[cmd_name]
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which ones are near."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            import difflib

            known = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], known, 2) or known
            raise click.UsageError(f"there is no command {args[0]!r}: try {', '.join(near)}", ctx=ctx) from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line and run a command, which signals end."""
        with Stopping() as self._stopping:
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that the user can mend becomes one line, any other one becomes one line as well."""
        quiet_libraries()
        try:
            self._stopping.begin()
            try:
                return super().invoke(ctx)
            except Exception as error:
                raise self._stopping.asked or _told(ctx, error) from None
            finally:
                self._stopping.end()
        except (KeyboardInterrupt, click.Abort):
            raise self._stopping.asked or Stopped from None


def _told(ctx: click.Context, error: Exception) -> Exception:
    """Return an error as the user is to see it."""
    from special.errors import SpecialError, trouble

    if isinstance(error, (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError)):
        return error
    _trace(ctx)
    if isinstance(error, SpecialError):
        return OneLine(str(error))
    if isinstance(error, (OSError, MemoryError)):
        return OneLine(str(trouble(error)))
    said = " ".join(str(error).split()) or "no message"
    return Fault(f"something went wrong inside special ({type(error).__name__}: {said}): see where with --debug")


def quiet_libraries() -> None:
    """Keep libraries from talking over the progress bars, and from reporting home. What the user has set stays."""
    import logging
    import warnings

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it says when it makes its list of fonts
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # it quotes files, control characters included
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Idle workers of torch would spin, and take the cores from the selective scan's own threads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _trace(ctx: click.Context) -> None:
    """Show where an error comes from, when asked to."""
    if ctx.meta.get(_DEBUG):
        import traceback

        traceback.print_exc()


def _debug_option() -> click.Option:
    def remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        ctx.meta[_DEBUG] = value

    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, is_eager=True, callback=remember, help="Show tracebacks."
    )


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from special.version import own_version

        echo(f"special {own_version()}")
        ctx.exit()


_EPILOG = """\b
Examples:
  special demo
  special label scene.hdr --classes classes.txt
  special label scene.mat --classes classes.txt --wavelengths wavelengths.csv
  special ask --questions 10
  special batch scenes/*.nc --classes classes.txt --out maps
  special status
  special refine --set refine.lambda_hard=0.2
  special evaluate --truth truth.mat
  special fit scene.hdr --labels gt.mat --classes classes.txt --classifier s3fn
  special predict scene.fit other.hdr
"""


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def main() -> None:
    """Land-cover maps from hyperspectral scenes, with no labelled pixel: give a scene and a list of class names.

    Those who have labelled pixels give them to special fit, which trains the same classifiers on them.
    """
