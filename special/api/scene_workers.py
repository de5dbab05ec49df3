"""Who goes over the windows of one scene: this process, others on this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from special.api.batch_workers import Where, connect
from special.cluster import machine
from special.cluster.dispatch import Crew
from special.cluster.local import LocalCrew, share
from special.cluster.spread import Spread
from special.cluster.windows import WORK
from special.passes import HERE, Passes

WINDOW_MEMORY = 3 * machine.GIGABYTE // 2
"""What a worker is taken to need until one was seen to take more: it holds no training."""


@contextmanager
def passes_over(folder: Path, where: Where, device: str, say: Callable[[str], None]) -> Iterator[Passes]:
    """Give who goes over the windows of a scene, and let go of them at the end.

    Args:
        folder: where what is sent to workers lies for a while; it is made when they begin, and gone at the end.
        where: where they are; nobody else is asked where it names neither several workers nor a cluster.
        device: that the work is for, ``auto``, ``cpu`` or ``cuda``.
        say: is told who they are.

    Raises:
        BatchError: there is no scheduler at the address, or something in ``where`` makes no sense.
    """
    where = where.checked()
    if where.cluster is None and (where.workers or 1) == 1:
        yield HERE
        return
    with Spread(_crew(folder, where, device, say), folder, say) as passes:
        yield passes


def _crew(folder: Path, where: Where, device: str, say: Callable[[str], None]) -> Crew:
    memory, logs = int(where.memory or WINDOW_MEMORY), folder / "logs"
    client = connect(where, 1, logs)
    if client is not None:
        from special.cluster.dask_crew import DaskCrew

        crew = DaskCrew(WORK, client, memory, logs, say)
        say(f"Dask's workers go over the scene; their dashboard is {crew.dashboard}")
        return crew
    asked = where.workers or 1
    shares = share(asked, asked, memory, device=device)
    if shares.note:
        say(shares.note)
    say(f"{shares.workers} workers go over the scene, {shares.threads} thread{'s' * (shares.threads > 1)} each.")
    cards = [] if device == "cpu" else machine.graphics_cards()
    return LocalCrew(WORK, shares, memory, logs, cards)
