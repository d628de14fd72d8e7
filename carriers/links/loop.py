"""One background event loop per process, which runs all calls of carriers. Made at its first use, after a fork too."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: Names resolved at the same time: a lookup cannot be cancelled and occupies its thread.
_LOOKUPS: Final = 64
_guard = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run ``coroutine`` on the loop and return its result. For synchronous code in any other thread."""
    return start(coroutine).result()


def start(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Start ``coroutine`` on the loop and return its future result."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop())


def background_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process."""
    process = os.getpid()
    with _guard:
        loop = _loops.get(process)
        if loop is None or loop.is_closed():
            loop = asyncio.new_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="carrier names"))
            threading.Thread(target=loop.run_forever, name="carrier calls", daemon=True).start()
            # A forked child inherits the entry of its parent, whose thread it does not have.
            _loops.clear()
            _loops[process] = loop
        return loop
