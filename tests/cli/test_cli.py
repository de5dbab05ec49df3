"""The command line: a thin skin over the Python API, quick to answer, plain where nobody looks."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
import small_scene
from click.testing import CliRunner, Result

from special.cli import main
from special.cli.screen import Screen

ROOT = Path(__file__).parents[2]
COMMANDS = main.list_commands(click.Context(main))


def special(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, small_scene.Files, Result]:
    """A folder with a scene and its finished run, and what the command printed. No test changes it."""
    folder = tmp_path_factory.mktemp("labelled")
    files = small_scene.write(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        result = special("label", *files.options, *small_scene.tiny_options(), "--device", "cpu")
    assert result.exit_code == 0, result.output
    return folder, files, result


@pytest.fixture
def here(labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a copy of the labelled folder."""
    folder = Path(shutil.copytree(labelled[0], tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def test_label_makes_a_run_beside_the_working_directory(labelled) -> None:
    folder, files, _ = labelled
    assert np.load(folder / "strips.special" / "map.npy").shape == files.truth.shape


def test_label_prints_what_was_made_and_how_much_of_each_class(labelled) -> None:
    lines = labelled[2].stdout.splitlines()
    assert [line.split()[:2] for line in lines[2:8]] == [
        [step, "made"] for step in ("rgb", "pseudo", "warmup", "refine", "map", "report")
    ]
    assert "map.npy" in lines[6]
    table = [line for line in lines if line.strip().startswith(("1", "2", "3")) and "%" in line]
    assert [name in line for name, line in zip(small_scene.CLASSES, table, strict=True)] == [True] * 3


def test_progress_goes_to_stderr_as_plain_lines_with_the_loss(labelled) -> None:
    result = labelled[2]
    assert "warmup: 4 of 4, " in result.stderr and "loss " in result.stderr
    assert "\x1b" not in result.stderr + result.stdout


def test_quiet_prints_nothing(here: Path, labelled) -> None:
    result = special("map", "--set", "map.reject=0.5", "-q")
    assert (result.exit_code, result.output) == (0, "")


def test_status_says_what_is_done(here: Path) -> None:
    lines = special("status").stdout.splitlines()
    assert [line.split()[1] for line in lines[2:]] == ["done"] * 6


def test_status_as_json(here: Path) -> None:
    (here / "strips.special" / "steps" / "refine" / "probabilities.npy").unlink()
    told = json.loads(special("status", "strips.special", "--json").stdout)
    assert told["steps"]["warmup"] == {"state": "done", "why": "nothing has changed"}
    assert told["steps"]["refine"]["state"] == "damaged" and "probabilities.npy" in told["steps"]["refine"]["why"]
    assert told["steps"]["map"] == {"state": "stale", "why": "refine has to run"}


@pytest.mark.parametrize("command", [("label",), ("refine",)])
def test_a_dry_run_says_why_and_does_nothing(here: Path, labelled, command: tuple[str, ...]) -> None:
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    arguments = [*labelled[1].options, *small_scene.tiny_options()] if command == ("label",) else []
    result = special(*command, *arguments, "--set", "refine.lambda_hard=0.77", "--dry-run")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()[2:]}
    assert "done" in lines["warmup"]
    assert "settings changed: refine.lambda_hard" in lines["refine"] and "-> 0.77" in lines["refine"]
    assert "refine has to run" in lines["map"]
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before


def test_a_dry_run_of_a_new_run_makes_no_directory(here: Path, labelled) -> None:
    result = special("label", *labelled[1].options, "--out", "other", "--dry-run")
    assert result.stdout.count("never run") == 6 * 2
    assert not (here / "other").exists()


def test_refine_runs_refine_and_what_follows(here: Path) -> None:
    result = special("refine", "strips.special", "--set", "refine.lambda_hard=0.77")
    assert [line.split()[1] for line in result.stdout.splitlines()[2:8]] == ["kept"] * 3 + ["made"] * 3
    assert "refine runs again: settings changed: refine.lambda_hard" in result.stderr


@pytest.mark.parametrize(
    ("step", "setting", "made"),
    [("rgb", "rgb.high_quantile=0.9", 5), ("pseudo", "pseudo.image_weight=0.1", 4), ("warmup", "warmup.epochs=1", 3)],
)
def test_every_step_is_its_own_command(here: Path, step: str, setting: str, made: int) -> None:
    plan = special(step, "--set", setting, "--dry-run").stdout
    assert plan.count("done") == 5 - made and f"settings changed: {setting.partition('=')[0]}" in plan


def test_the_map_command_rejects_unsure_pixels(here: Path) -> None:
    assert special("map", "--set", "map.reject=0.99999").exit_code == 0
    confidence = np.load("strips.special/confidence.npy")
    np.testing.assert_array_equal(np.load("strips.special/map.npy") == 0, confidence < 0.99999)


def large_imports_of(*words: str) -> str:
    """Run a command in a process of its own, and return which large libraries it has imported at its end."""
    code = (
        "import sys; from special.cli import main\n"
        "large = {'h5py', 'numba', 'rasterio', 'rich', 'scipy', 'sklearn', 'torch', 'transformers'}\n"
        f"try: main({[*words]!r})\n"
        "except SystemExit as end: print(end.code or 0, sorted(large & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def test_help_imports_nothing_large() -> None:
    assert large_imports_of("--help") == "0 []"


def test_to_see_how_a_run_stands_imports_neither_torch_nor_scipy(here: Path) -> None:
    assert large_imports_of("status", "strips.special") == "0 ['rasterio']"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_ends_with_examples(name: str) -> None:
    result = special(name, "--help")
    assert result.exit_code == 0
    body, _, examples = result.stdout.partition("Examples:")
    assert f"special {name}" in examples
    command = main.get_command(click.Context(main), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} does not say what {parameter.opts[0]} is for"
    assert "--debug" in body


def test_the_help_lists_the_commands_in_the_order_of_the_work() -> None:
    told = special("--help").stdout.partition("From names to a map:\n")[2].partition("  Examples:")[0]
    assert re.findall(r"^  (\w+) ", told, flags=re.MULTILINE) == list(COMMANDS)
    assert "..." not in told, "every command is told in a whole sentence"


def test_the_version_is_the_package_s() -> None:
    import special as package

    assert special("--version").stdout == f"special {package.__version__}\n"


def test_ctrl_c_says_that_the_same_command_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from special.api.job import Job

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "execute", interrupted)
    result = special("refine")
    assert result.exit_code == 130
    assert "the same command goes on from there" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_real_ctrl_c_in_training_can_be_resumed(here: Path) -> None:
    long = ["--set", "warmup.epochs=200", "--set", "warmup.steps=50"]
    command = [sys.executable, "-m", "special", "warmup", str(here / "strips.special"), *long]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if child.poll() is not None or list(
                (here / "strips.special" / "work").glob("warmup-*/checkpoint.safetensors")
            ):
                break
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130, said
    assert "the same command goes on from there" in said and "Traceback" not in said
    assert list((here / "strips.special" / "work").glob("warmup-*/checkpoint.safetensors")), "its checkpoint is kept"
    lines = {line.split()[0]: line for line in special("status").stdout.splitlines()[2:]}
    assert "warmup.epochs 2 -> 200" in lines["warmup"], "what was asked is kept, so that special warmup alone goes on"


def test_bars_are_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with Screen() as screen:
        screen.begin("warmup [1]", 4)
        screen.advance(2, loss=0.51234)
        screen.say("a line with [brackets]")
        screen.advance(2, loss=0.25)
        screen.end()
    drawn = capsys.readouterr().err
    assert "warmup [1]" in drawn and "4/4" in drawn and "loss 0.25" in drawn
    assert "a line with [brackets]" in drawn


def test_lines_where_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen() as screen:
        screen.begin("outer", 2)
        screen.begin("inner", 0)
        screen.advance(7, loss=0.5)
        screen.end()
        screen.advance(2)
        screen.end()
        screen.end()
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(", ")[0] for line in lines] == ["inner: 7, loss 0.5", "outer: 2 of 2"]


def test_a_quiet_screen_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen(quiet=True) as screen:
        screen.begin("work", 1)
        screen.advance()
        screen.say("a line")
        screen.end()
    assert capsys.readouterr() == ("", "")


def test_an_old_name_of_a_setting_is_told_by_a_dry_run(tmp_path: Path) -> None:
    files = small_scene.write(tmp_path)
    arguments = ["label", *files.options, "--out", str(tmp_path / "run"), "--set", "warmup.clip=0.5", "--dry-run"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert "Note: Settings have new names, old ones still work: clip is max_grad_norm." in result.stdout
