"""Label many scenes: on this machine, on a Dask cluster, or as one job of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from special.api.batch_orders import Order, Scenes, not_there, refuse_other_classes, understand
from special.api.batch_record import Recorder, TogetherRecorder, Watch
from special.api.batch_scene import WORK, changed_since
from special.api.batch_workers import Where, connect, crew_of
from special.api.class_source import Classes
from special.api.opening import Wavelengths
from special.api.options import LabelOptions, takes
from special.api.run import Run, open_run
from special.api.source import HOW
from special.api.together import ROW_OPTIONS, refuse_what_differs
from special.api.together import RUN as TOGETHER_RUN
from special.api.together import SUFFIX as TOGETHER_SUFFIX
from special.api.together import WORK as TOGETHER_WORK
from special.cache.directory import RunDirectory
from special.cluster.dispatch import Crew, Task, dispatch
from special.cluster.ledger import Ledger
from special.cluster.rows import DONE, FAILED, RUNNING, STOPPED, WAITING, Row
from special.cluster.scene_lists import Entry
from special.errors import BatchError

_TO_LOOK_AT = "labelled before, to be looked at again"


class Batch:
    """The folder of a batch, as it stands."""

    def __init__(self, path: str | Path, names: Sequence[str] | None = None, lost: str = "") -> None:
        """Open the batch in ``path``; ``names`` are the scenes that a call was about, ``lost`` why it ended early.

        Raises:
            BatchError: there is none.
        """
        self.path = Path(path)
        self.lost = lost
        self._names = None if names is None else set(names)
        self._ledger = Ledger(self.path)
        self.about = self._ledger.about

    @property
    def rows(self) -> list[Row]:
        """What became of every scene; of those that the call was about, where a call has returned this."""
        rows = self._ledger.rows()
        return [judged(self.path, row) for row in rows if self._names is None or row.name in self._names]

    @property
    def done(self) -> list[Row]:
        """The scenes that are labelled."""
        return [row for row in self.rows if row.state == DONE]

    @property
    def failed(self) -> list[Row]:
        """The scenes that could not be labelled."""
        return [row for row in self.rows if row.state == FAILED]

    def run(self, name: str) -> Run:
        """Return the run of a scene; of all, where they are labelled together.

        Raises:
            SpecialError: there is no such scene, or it has no run yet.
        """
        row = self._ledger.row(name)
        if row is None:
            known = ", ".join(one.name for one in self.rows[:10])
            raise BatchError(f"{self.path} has no scene {name!r}: it has {known}")
        return open_run(self.path / (TOGETHER_RUN if row.run.endswith(TOGETHER_SUFFIX) else row.run))

    @property
    def understood(self) -> bool:
        """Whether any scene could be: False where all have failed by what was given."""
        return any(row.state != FAILED or row.fault for row in self.rows)

    def __repr__(self) -> str:
        return f"<Batch {self.path}: {len(self.done)} of {len(self.rows)} scenes done>"


def judged(folder: Path, row: Row) -> Row:
    """Return a row as it is true now: whoever was at work may be gone, and a run may have been changed since."""
    run = TOGETHER_RUN if row.run.endswith(TOGETHER_SUFFIX) else row.run
    if row.state == RUNNING and not RunDirectory(folder / run).in_use:
        return replace(row, state=STOPPED, why="its worker is gone; the same command goes on from there")
    if row.state == DONE and changed_since(folder, row.run, row.map):
        return replace(row, why="its run has changed since: the same command brings this up to date")
    return row


@takes(LabelOptions)
def batch(
    scenes: Scenes,
    classes: Classes | None = None,
    wavelengths: Wavelengths | None = None,
    *,
    out: str | Path,
    workers: int | None = None,
    memory: int | str | None = None,
    part: tuple[int, int] | None = None,
    cluster: str | None = None,
    slurm: Mapping[str, str] | None = None,
    together: bool = False,
    asset: str | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Batch:
    """Label many scenes, each into a run below ``out``; a scene that fails keeps no other from its map.

    Stopped and called again it goes on: what is done is kept, what has failed is tried once more.

    Args:
        scenes: files, products, globs, lists (``.txt``), manifests (``.csv``) or STAC item collections (``.json``).
        classes: as :func:`special.label` takes them; a manifest may name others for a scene.
        wavelengths: for scenes that lack them.
        out: the folder of the batch.
        workers: processes at work; as many as there are cores, when None, that memory suffices for.
        memory: what each may take, bytes or ``"2GB"``.
        part: ``(i, n)`` does the i-th of n parts and leaves the others to other calls.
        cluster: address of a running Dask scheduler, whose workers see the same files by the same paths.
        slurm: what a job asks SLURM for, ``{"queue": "short"}``; ``{}`` for what dask-jobqueue is configured to.
        together: label scenes of one sensor as one: names are read once, classes and classifier learned from all, and
            where scenes overlap their maps meet, in ``mosaic.tif``. It is one run, ``out/together.special``.
        asset: name of the asset that is the scene, in a STAC item of several.
        watch: who is told what happens.
        options: the other fields of :class:`special.LabelOptions`, for every scene whose row says nothing else.

    Raises:
        SpecialError: the list, the classes or an option cannot be understood, or nobody can do the work. That a single
            scene cannot be labelled is said in its row.
    """
    watch = watch or Watch()
    where = Where(workers, memory, part, cluster, slurm).checked()
    common = {"classes": classes, "wavelengths": wavelengths, **options}
    entries, orders = understand(scenes, Path(out), where.part, asset, common)
    ledger = Ledger(Path(out))
    refuse_other_classes(ledger, orders, force=bool(common.get("force")))
    if together:
        if part is not None:
            raise BatchError("scenes that are labelled together are one piece of work: leave --part out")
        refuse_what_differs(orders)
        orders = [replace(order, suffix=TOGETHER_SUFFIX) for order in orders]
    client = connect(where, len(orders), ledger.logs(where.name))
    try:
        ledger.begin({"made_by": "special batch"})
        with ledger.held(where.name):
            if common.get("force") and part is None:
                ledger.forget()
            rows, possible, recorder = _begun(ledger, orders, entries, watch)
            if not possible:
                return Batch(ledger.folder, [order.name for order in orders])
            work, tasks = WORK, _tasks(ledger.folder.resolve(), possible, rows)
            if together:
                work, tasks = TOGETHER_WORK, [_one_task(ledger.folder.resolve(), possible)]
                recorder = TogetherRecorder(ledger, [rows[order.name] for order in possible], watch)
            device = str(common.get("device") or "auto")
            crew = crew_of(work, where, client, len(tasks), device, ledger.logs(where.name), watch)
            client = None  # it is the crew's now
            lost = _dispatched(tasks, crew, recorder)
    finally:
        if client is not None:
            client.close()
    return Batch(ledger.folder, [order.name for order in orders], lost)


def plan(scenes: Scenes, *, out: str | Path, part: tuple[int, int] | None = None, **options: Any) -> list[Row]:
    """Return how the scenes of a batch stand, those that it has not begun with as well. Nothing is written.

    The arguments are those of :func:`batch`.

    Raises:
        SpecialError: as :func:`batch`.
    """
    where = Where(part=part, **{name: options.pop(name, None) for name in ("workers", "memory", "cluster", "slurm")})
    _, orders = understand(scenes, Path(out), where.checked().part, options.pop("asset", None), options)
    ledger = Ledger(Path(out))
    refuse_other_classes(ledger, orders, force=bool(options.get("force")))
    rows = []
    for order in orders:
        row = ledger.row(order.name) or Row(order.name, str(order.entry.scene), order.run)
        flaw = order.entry.flaw or not_there(order.entry.scene)
        rows.append(judged(ledger.folder, replace(row, state=FAILED, why=flaw) if flaw else row))
    return rows


def _begun(
    ledger: Ledger, orders: Sequence[Order], entries: Sequence[Entry], watch: Watch
) -> tuple[dict[str, Row], list[Order], Recorder]:
    """Write a row for every scene; return the rows by name, the scenes that are there, and who keeps the rows."""
    number = {entry.name: order for order, entry in enumerate(entries)}
    before = {row.name: row for row in ledger.rows()}
    again = [row for order in orders if (row := before.get(order.name)) is not None and row.state == FAILED]
    if again:
        shown = ", ".join(row.name for row in again[:5]) + (", ..." if len(again) > 5 else "")
        watch.line(f"Failed before, tried again: {shown}.")
    done = {row.name for row in before.values() if row.state == DONE}
    rows = [
        replace(
            before.get(order.name, Row(order.name, "", order.run)),
            scene=str(order.entry.scene),
            run=order.run,
            order=number[order.name],
            state=WAITING,
            why=_TO_LOOK_AT if order.name in done else "",
            tries=0,
            fault=False,
            classes=order.classes,
        )
        for order in orders
    ]
    recorder = Recorder(ledger, rows, watch)
    watch.begin(len(orders))
    possible = []
    for order in orders:
        if flaw := order.entry.flaw or not_there(order.entry.scene):
            recorder.failed(Task(order.name, {}), flaw, False)
        else:
            possible.append(order)
    ledger.publish()
    return {row.name: row for row in rows}, possible, recorder


def _tasks(folder: Path, orders: Sequence[Order], rows: Mapping[str, Row]) -> list[Task]:
    """Return the tasks of labelling scenes one by one."""
    return [
        Task(
            order.name,
            {
                "options": dict(order.options),
                "run": str(folder / order.run),
                "thumbnail": str(folder / "thumbnails" / f"{order.name}.png"),
                "known": rows[order.name].map if rows[order.name].why == _TO_LOOK_AT else "",
            },
        )
        for order in orders
    ]


def _one_task(folder: Path, orders: Sequence[Order]) -> Task:
    """Return the task of labelling scenes together."""
    listed = [
        {
            "name": order.name,
            "path": order.options["scene"],
            "how": {name: order.options[name] for name in HOW if name in order.options},
            "labels": [given] if isinstance(given := order.options.get("labels", []), str) else given,
            "labels_key": order.options.get("labels_key"),
        }
        for order in orders
    ]
    options = {name: value for name, value in orders[0].options.items() if name not in ROW_OPTIONS}
    return Task("all scenes", {"folder": str(folder), "options": options, "scenes": listed})


def _dispatched(tasks: Sequence[Task], crew: Crew, recorder: Recorder) -> str:
    """Have tasks done; return why not all of them were, or ""."""
    try:
        dispatch(tasks, crew, recorder)
        return ""
    except BatchError as error:
        if not recorder.began:
            raise
        return str(error)
    finally:
        recorder.stop()
