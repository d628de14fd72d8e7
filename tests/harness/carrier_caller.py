"""Callers of a carrier that call as often as they can and ignore the advised waits, in loops of this process or in
processes of their own: ``python -m tests.harness.carrier_caller '<json>'``.

Two loops share no memory of the breaker, so they are like two processes and start at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import django
from django.conf import settings

from tests.harness.tiers import PATIENCE


@dataclass(kw_only=True)
class Order:
    """The calls of one caller: ``tasks`` at a time for ``seconds``, each resting for ``rest`` after a refusal."""

    url: str
    tasks: int = 50
    seconds: float = 5.0
    rest: float = 0.02
    is_once: bool = False
    link: dict[str, Any] = field(default_factory=dict)


class LoopCaller:
    """A caller in a loop and thread of this process."""

    def __init__(self, order: Order) -> None:
        self.seen: Counter[str] = Counter()
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(call_all(order, self.seen, end=self._end)))
        self._thread.start()

    def stop(self) -> None:
        """Begin no more calls."""
        self._end.set()

    def results(self) -> Counter[str]:
        """Wait for its end; return how often its calls ended in which way."""
        self._thread.join()
        return self.seen


class ProcessCaller:
    """A caller in a process of its own."""

    def __init__(self, order: Order) -> None:
        told = {"prefix": settings.LOCK_PREFIX, "order": vars(order)}
        environment = {**os.environ, "CARRIER_ALLOWED_NETWORKS": "127.0.0.0/8", "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "tests.harness.carrier_caller", json.dumps(told)]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

    def results(self) -> Counter[str]:
        """Wait for its end; return how often its calls ended in which way."""
        shown, _ = self._process.communicate(timeout=200)
        assert self._process.returncode == 0
        return Counter(json.loads(shown))


async def call_all(order: Order, results: Counter[str], *, end: threading.Event) -> None:
    """Call from many tasks until the time is over or ``end`` is set."""
    from carriers.links.client import client_of  # noqa: PLC0415 - after the setup of Django
    from carriers.links.errors import CarrierError  # noqa: PLC0415
    from tests.harness.carrier_links import NO_CONTEXT, link_to  # noqa: PLC0415

    client = client_of(link_to(order.url, id=UUID(int=1), **order.link))
    until = time.monotonic() + order.seconds

    async def call_often() -> None:
        while time.monotonic() < until and not end.is_set():
            try:
                await client.refresh("Q-1", context=NO_CONTEXT)
                results["success"] += 1
                if order.is_once:
                    return
            except CarrierError as error:
                results[error.code] += 1
                await asyncio.sleep(order.rest)

    await asyncio.gather(*(call_often() for _ in range(order.tasks)))


def main(told: dict[str, Any]) -> None:
    """Call, and print the results."""
    settings.LOCK_PREFIX = told["prefix"]
    django.setup()
    from carriers.links import redis_client, traffic  # noqa: PLC0415

    traffic.note_call = lambda record: None
    redis_client.CONNECT_SECONDS = redis_client.RESPONSE_SECONDS = PATIENCE  # type: ignore[misc]
    results: Counter[str] = Counter()
    asyncio.run(call_all(Order(**told["order"]), results, end=threading.Event()))
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_engine.settings")
    main(json.loads(sys.argv[1]))
