"""The compiled releases of this process, each compiled once. Knows no database.

Each release has a lock of its own: threads that need a release wait for its compiler, and never for another release's.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class CompiledReleases(Generic[T]):
    """The releases that were used last, at most ``most``. A release never changes, so none is ever stale."""

    def __init__(self, compile_release: Callable[[int], T], *, most: int) -> None:
        """Compile missing releases by ``compile_release``, which takes the id."""
        self._compile = compile_release
        self._most = most
        self._releases: OrderedDict[int, T] = OrderedDict()
        self._compiling: dict[int, Lock] = {}
        self._guard = Lock()

    def get(self, release_id: int) -> T:
        """Return a release; of several threads one compiles it. Raises what the compiling raises."""
        with self._guard:
            known = self._known(release_id)
            if known is not None:
                return known
            lock = self._compiling.setdefault(release_id, Lock())
        with lock:
            with self._guard:
                known = self._known(release_id)
            if known is not None:
                return known
            try:
                started = time.perf_counter()
                release = self._compile(release_id)
                milliseconds = round((time.perf_counter() - started) * 1000)
                log.info("release_compiled", release=release_id, ms=milliseconds, kept=len(self._releases))
            finally:
                with self._guard:
                    self._compiling.pop(release_id, None)
            self.put(release_id, release)
            return release

    def put(self, release_id: int, release: T) -> None:
        """Add a release that was compiled elsewhere."""
        with self._guard:
            self._releases[release_id] = release
            self._releases.move_to_end(release_id)
            while len(self._releases) > self._most:
                self._releases.popitem(last=False)

    def clear(self) -> None:
        """Drop all releases; only tests, whose releases are rolled back, need this."""
        with self._guard:
            self._releases.clear()

    def _known(self, release_id: int) -> T | None:
        release = self._releases.get(release_id)
        if release is not None:
            self._releases.move_to_end(release_id)
        return release
