"""Jobs of SLURM with a Dask worker each, on a machine where SLURM is a few lines of shell."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

dask = pytest.importorskip("dask", reason='Dask is not installed: pip install "special-hsi[cluster]"')
pytest.importorskip("distributed", reason='Dask is not installed: pip install "special-hsi[cluster]"')
pytest.importorskip("dask_jobqueue", reason='Dask is not installed: pip install "special-hsi[cluster]"')

from batch_heard import Heard, answers  # noqa: E402

from special.cluster import slurm_jobs  # noqa: E402
from special.cluster.dask_crew import DaskCrew, slurm  # noqa: E402
from special.cluster.dispatch import Task, dispatch  # noqa: E402
from special.errors import BatchError  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SLURM is a few lines of shell here")
SUPPORT = Path(__file__).parents[1] / "support"
OPTIONS = {"cores": "1", "memory": "2GB", "queue": "short", "interface": "lo"}


class Slurm:
    """Begins every job at once, on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.command(
            "sbatch",
            'set -m; echo . >>sent; script=$(wc -l <sent).sh; cp "$1" $script; cat $script >>asked\n'
            'bash $script >log 2>&1 & echo $! >>jobs; echo "batch job $!"',
        )
        self.command("squeue", "for job in $(cat jobs); do kill -0 $job 2>/dev/null && echo $job; done; exit 0")
        self.command("scancel", 'kill "$@" 2>/dev/null; exit 0')

    def command(self, name: str, text: str) -> None:
        """Let ``name`` do what ``text`` says."""
        path = self._folder / name
        path.write_text(f"#!/bin/bash\ncd {self._folder}\n{text}\n")
        path.chmod(0o755)

    def text(self, name: str) -> str:
        """What ``name`` does."""
        return (self._folder / name).read_text().split("\n", 2)[2]

    @property
    def asked(self) -> str:
        """The scripts of all jobs."""
        return (self._folder / "asked").read_text()

    @property
    def jobs(self) -> list[int]:
        """The processes of all jobs so far."""
        return [int(job) for job in (self._folder / "jobs").read_text().split()]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.setattr(slurm_jobs, "_LOOK_SECONDS", 0.5)
    return Slurm(folder)


def do(folder: Path, task: dict[str, Any], heard: Heard | None = None, jobs: int = 1) -> Heard:
    heard = heard or Heard()
    client = slurm(jobs, OPTIONS, folder / "logs")
    dispatch([Task("0", task)], DaskCrew("batch_tasks:work", client, 10**6, folder / "logs", heard.lines.append), heard)
    return heard


def test_without_slurm_on_the_machine_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BatchError, match="there is no sbatch on this machine"):
        slurm(1, {}, tmp_path)


def test_jobs_of_slurm_do_the_tasks(fake: Slurm, tmp_path: Path) -> None:
    assert do(tmp_path, answers(4)[0]).results["0"]["answer"] == 4
    assert "#SBATCH -p short" in fake.asked and "--cpus-per-task=1" in fake.asked


@pytest.mark.parametrize(
    ("options", "said"),
    [({"cores": "many"}, "cores=many for SLURM is no whole number"), ({"colour": "red"}, "SLURM cannot be asked")],
)
def test_what_slurm_cannot_be_asked_for(fake: Slurm, tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(BatchError, match=said):
        slurm(1, {"cores": "1", "memory": "2GB", **options}, tmp_path / "logs")


def test_what_slurm_refuses_is_told_once_in_its_words(
    fake: Slurm, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.command("sbatch", "echo 'sbatch: error: invalid partition specified: short' >&2; exit 1")
    said = r"SLURM refuses the jobs \(sbatch: error: invalid partition specified: short\): see --slurm-set"
    with pytest.raises(BatchError, match=said):
        do(tmp_path, answers(4)[0], jobs=2)
    gc.collect()  # of errors that nobody has looked at is told when they are collected
    assert "Traceback" not in caplog.text


def test_where_slurm_refuses_some_jobs_the_others_do_the_work(fake: Slurm, tmp_path: Path) -> None:
    fake.command("sbatch", "mkdir first 2>/dev/null || { echo no more >&2; exit 1; }; " + fake.text("sbatch"))
    heard = do(tmp_path, answers(4)[0], jobs=2)
    assert heard.results["0"]["answer"] == 4
    assert "SLURM refuses 1 of 2 jobs (no more); the others do the work" in heard.lines


def test_a_job_that_ends_before_its_worker_has_begun_is_sent_again(fake: Slurm, tmp_path: Path) -> None:
    fake.command("1.sh", "exit 1")
    fake.command("sbatch", fake.text("sbatch").replace('cp "$1"', '[ -f $script ] || cp "$1"'))
    assert do(tmp_path, answers(4)[0]).results["0"]["answer"] == 4
    assert len(fake.jobs) == 2


def test_jobs_that_all_end_before_their_workers_have_begun_are_told(fake: Slurm, tmp_path: Path) -> None:
    fake.command("sbatch", 'exit 1 & echo $! >>jobs; echo "batch job $!"')
    with pytest.raises(
        BatchError, match=r"[45] jobs of SLURM ended before their workers had begun: their logs in .*logs"
    ):
        do(tmp_path, answers(4)[0], jobs=2)


@pytest.mark.parametrize("patience", ["15s", "0s"])  # of Dask, which then forgets it
def test_a_job_whose_time_is_up_is_sent_again(fake: Slurm, tmp_path: Path, patience: str) -> None:
    class Ender(Heard):
        def progress(self, task: Task, what: Mapping[str, Any]) -> None:
            os.killpg(fake.jobs[-1], signal.SIGKILL)

    task = {"do": "linger", "once": str(tmp_path / "once"), "here": str(tmp_path / "here")}
    with dask.config.set({"distributed.deploy.lost-worker-timeout": patience}):
        heard = do(tmp_path, task, Ender())
    assert heard.results["0"]["answer"] == "second" and len(heard.taken_over) == 1
    assert len(fake.jobs) == 2


def test_where_slurm_does_not_answer_no_job_is_taken_for_ended(fake: Slurm, tmp_path: Path) -> None:
    fake.command("squeue", "exit 1")
    fake.command("sbatch", fake.text("sbatch").replace("bash $script", "(sleep 3; bash $script)"))
    assert do(tmp_path, answers(4)[0]).results["0"]["answer"] == 4
    assert len(fake.jobs) == 1
