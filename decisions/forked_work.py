"""Maps a stream in order, in forked processes where the program may fork, in flat memory."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any, Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Items that go to a process at once, and the portions that wait for each process.
PORTION: Final = 100
_WAITING_PORTIONS: Final = 3
#: The work of forked processes; set before the fork, because a compiled catalogue is not pickled.
_working: list[Callable[[Any], Any]] = []


def map_in_order(work: Callable[[T], R], stream: Iterable[T], *, workers: int = 0) -> Iterator[R]:
    """Yield ``work`` of each item of ``stream``, in its order; items and results must be picklable, ``work`` need not.

    ``workers`` is the number of processes, by default as many as there are cores for a program of one thread, and 1 in
    all others (a fork would copy the locks of the other threads).
    """
    workers = workers or _most_workers()
    if workers == 1:
        yield from map(work, stream)
    else:
        yield from _in_processes(work, stream, workers=workers)


def _most_workers() -> int:
    is_alone = threading.active_count() == 1 and not multiprocessing.current_process().daemon
    can_fork = "fork" in multiprocessing.get_all_start_methods() and hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if is_alone and can_fork else 1


def _in_processes(work: Callable[[T], R], stream: Iterable[T], *, workers: int) -> Iterator[R]:
    items = iter(stream)
    waiting: deque[Future[list[R]]] = deque()
    _working.append(work)
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))
    try:
        while True:
            while len(waiting) < workers * _WAITING_PORTIONS and (portion := list(islice(items, PORTION))):
                waiting.append(pool.submit(_work_on, portion))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        _working.remove(work)


def _work_on(portion: Sequence[Any]) -> list[Any]:
    """Do the work on a portion, in one of the processes."""
    return [_working[-1](item) for item in portion]
