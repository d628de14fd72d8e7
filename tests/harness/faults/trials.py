"""Trials: each is one fork of a preloaded process, which can be killed and stopped at any instant.

A report counts as acknowledged when this side has read it from the trial's pipe.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

from house.place import CHECKOUT
from house.supervisor import end_with_parent
from tests.harness.faults.servers import TEMPLATE, Servers

PATIENCE: Final = 60.0
Report = dict[str, Any]


class Trial:
    """One fork at work. Its reports are read one by one, or all of them by ``finish``."""

    def __init__(self, server: ForkServer, process_id: int, pipe: int) -> None:
        """Made by ``ForkServer.fork``."""
        self.process_id = process_id
        self.reports: list[Report] = []
        self._server = server
        self._pipe = pipe
        self._unread = b""

    def next_report(self, seconds: float = PATIENCE) -> Report | None:
        """Return the next report, None at the trial's end. Raises ``TimeoutError`` after ``seconds``."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            if not select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"trial {self.process_id} reported nothing for {seconds} s")
            chunk = os.read(self._pipe, 65_536)
            if not chunk:
                return None
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        self.reports.append(json.loads(line))
        return self.reports[-1]

    def send(self, number: int) -> None:
        """Send the trial a signal. It keeps its process id until ``finish``, so no other process can get it."""
        os.kill(self.process_id, number)

    def wait_until_stopped(self, seconds: float = 25.0) -> None:
        """Wait until the trial is stopped by SIGSTOP. Raises ``TimeoutError``."""
        deadline = time.monotonic() + seconds
        while _state(self.process_id) != "T":
            if time.monotonic() > deadline:
                raise TimeoutError(f"trial {self.process_id} does not stop")
            time.sleep(0.001)

    def finish(self, seconds: float = PATIENCE) -> int:
        """Read to the end; return the exit status, as of ``os.waitstatus_to_exitcode``."""
        try:
            while self.next_report(seconds) is not None:
                pass
        except TimeoutError:
            self.send(signal.SIGKILL)
            raise
        finally:
            os.close(self._pipe)
            status = self._server.reap(self.process_id)
        return os.waitstatus_to_exitcode(status)


class ForkServer:
    """The other side of ``tests.harness.faults.fork_server``; made by ``forking``."""

    def __init__(self, control: socket.socket) -> None:
        """Speak over ``control``."""
        self._control = control
        self._lock = Lock()

    def fork(
        self,
        work: str,
        *,
        database: str,
        port: int,
        sabotage: str = "",
        clock_hours: float = 0.0,
        tenant_databases: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Trial:
        """Run ``work`` in a fork (``module:function`` in this folder), which takes ``report`` and ``arguments``.

        ``database`` at ``port`` has its data; ``sabotage`` names its defect;
        ``clock_hours`` is the lead of its clock; ``tenant_databases`` are names of databases by alias.
        """
        order = {
            "work": f"tests.harness.faults.{work}",
            "database": {"NAME": database, "PORT": port},
            "sabotage": sabotage,
            "clock_hours": clock_hours,
            "tenant_databases": dict(tenant_databases or {}),
            "arguments": arguments,
        }
        reading, writing = os.pipe()
        try:
            process_id = self._ask(order, writing)
        finally:
            os.close(writing)
        return Trial(self, process_id, reading)

    def reap(self, process_id: int) -> int:
        """Reap the ended trial; return its wait status."""
        return self._ask({"reap": process_id})

    def _ask(self, order: dict[str, Any], *descriptors: int) -> int:
        with self._lock:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
            answer = self._control.recv(64)
        if not answer:
            raise RuntimeError("the fork server has ended")
        return int(answer)


@contextmanager
def forking(servers: Servers) -> Iterator[ForkServer]:
    """Run a fork server for the block; it fills the template database first."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "DATABASE_URL": servers.url_of(TEMPLATE), "REDIS_URL": servers.redis_url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.faults.fork_server", str(theirs.fileno())],
        cwd=CHECKOUT,
        env={**environment, "LOG_LEVEL": "CRITICAL"},
        pass_fds=[theirs.fileno()],
        preexec_fn=lambda: end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one prctl, nothing that could wait
    )
    theirs.close()
    try:
        with ours:
            ours.settimeout(PATIENCE)
            assert ours.recv(64) == b"ready", "the fork server did not start"
            yield ForkServer(ours)
    finally:
        process.kill()
        process.wait()


def _state(process_id: int) -> str:
    with open(f"/proc/{process_id}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0]
