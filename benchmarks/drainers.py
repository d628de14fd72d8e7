"""Workers of operations for the measurements: processes that wait for the word to begin, so that their start does not
count.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from django.db import connections

from operations.engine.pace import Pace
from operations.engine.worker import drain

_FORK: Final = multiprocessing.get_context("fork")
_PATIENCE: Final = 600.0


class Drained(NamedTuple):
    """The result of one worker: how many items it completed, in how many seconds, and how much a measure grew."""

    completed: int
    seconds: float
    processor_seconds: float
    measured: float


class Drainers:
    """So many workers of the operations in the default database, from ``with`` to its end. They are copies of this
    process: what it has loaded, such as compiled releases, they have too.
    """

    def __init__(self, number: int, *, before: Callable[[], float] = lambda: 0.0) -> None:
        """Start nothing yet. ``before`` returns a measure of a process whose growth is returned too."""
        self._number = number
        self._measure = before
        self._stop = _FORK.Event()
        self._workers: list[tuple[Any, Connection]] = []

    def __enter__(self) -> Drainers:
        # A connection cannot be shared between processes.
        connections.close_all()
        gc.collect()
        for _ in range(self._number):
            ours, theirs = _FORK.Pipe()
            process = _FORK.Process(target=self._run, args=(theirs,), daemon=True)
            process.start()
            self._workers.append((process, ours))
        for _, ours in self._workers:
            ours.recv()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for process, ours in self._workers:
            ours.send("")
            process.join(_PATIENCE)
            ours.close()

    def begin(self) -> None:
        """Let all workers drain until nothing is due, or until ``end``."""
        self._stop.clear()
        for _, ours in self._workers:
            ours.send("drain")

    def end(self) -> list[Drained]:
        """Let the workers stop after their chunks; return the result of each."""
        self._stop.set()
        return self._results()

    def drain(self) -> list[Drained]:
        """Drain all that is due; return the result of each worker."""
        self.begin()
        return self._results()

    def _results(self) -> list[Drained]:
        return [ours.recv() for _, ours in self._workers]

    def _run(self, theirs: Connection) -> None:
        connections["default"].ensure_connection()
        theirs.send("ready")
        while theirs.recv():
            began, processor, before = time.perf_counter(), time.process_time(), self._measure()
            drained = drain("default", stop=self._stop, pace=Pace(seconds=1e9), seconds=_PATIENCE)  # type: ignore[arg-type]
            now = time.perf_counter() - began, time.process_time() - processor, self._measure() - before
            theirs.send(Drained(drained.completed, *now))
