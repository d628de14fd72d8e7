"""A web server of a fault test, and a client that repeats requests as the API's responses request."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from house.place import CHECKOUT
from tests.harness.faults.world import World
from tests.harness.tiers import PATIENCE
from tests.harness.web_servers import Answer, call, wait_for

#: Statuses after which the same request may succeed; each response has the time to retry.
AGAIN: Final = (409, 503)


@contextmanager
def serving(world: World, *, database_port: int, sabotage: str = "") -> Iterator[int]:
    """Run the application on the world's database, through ``database_port``; yield the port of the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "tests.harness.faults.asgi:application", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--log-level", "critical"],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "DATABASE_URL": world.servers.url_of(world.database, port=database_port),
            "REDIS_URL": world.servers.redis_url,
            "LOG_LEVEL": "CRITICAL",
            "PE_SABOTAGE": sabotage,
        },
    )
    try:
        wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE)


class Caller:
    """One API client that writes with keys; counts the responses."""

    def __init__(self, port: int, token: str) -> None:
        """Prepare to call the server at ``port``."""
        self._port, self._token = port, token
        self.statuses: Counter[int] = Counter()
        #: Responses without a result and without a time to retry.
        self.faulty: list[str] = []

    def patch(self, path: str, body: Any, *, key: str) -> Answer:
        """Send one PATCH, without repeating it. Raises ``OSError`` where the connection is lost."""
        answer = call(self._port, "PATCH", path, self._token, body, Idempotency_Key=key)
        self._note(answer)
        return answer

    def get(self, path: str) -> Answer:
        """Send one GET."""
        answer = call(self._port, "GET", path, self._token)
        self._note(answer)
        return answer

    def patch_until_done(self, path: str, body: Any, *, key: str, seconds: float = 60.0) -> Answer:
        """Repeat a PATCH with its key until it gets a final response. Raises ``TimeoutError`` after ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.patch(path, body, key=key)
            if answer.status not in AGAIN:
                return answer
            # A tenth of the requested delay: the test has less time than a client.
            time.sleep(int(answer.headers.get("retry-after", "1")) / 10)
        raise TimeoutError(f"{path} under {key} was not answered in {seconds} s")

    def _note(self, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        if answer.status in AGAIN and not answer.headers.get("retry-after", "").isdigit():
            self.faulty.append(f"{answer.status} without Retry-After: {answer.content[:200]!r}")
        elif answer.status >= 400 and answer.status not in AGAIN:
            self.faulty.append(f"{answer.status}: {answer.content[:200]!r}")
