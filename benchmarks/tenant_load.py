"""Programs of several tenants that save by ``PATCH`` at fixed moments, each over its own connection to one web process,
and repeat refused requests under their key, as the API's responses request.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

#: Statuses after which the same request may succeed.
AGAIN: Final = (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)
#: The status that stands for a connection without a response.
NOTHING: Final = 0
_PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program: its tenant's code and token, the port of its web process, and the copies that it saves by turns."""

    tenant: str
    token: str
    port: int
    copies: Sequence[UUID]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: when it was sent, by ``time.monotonic``, its seconds, its status and whether the response says when
    to try again.
    """

    tenant: str
    port: int
    began: float
    seconds: float
    status: int
    says_when: bool


class TenantLoad:
    """The programs, one thread each."""

    def __init__(self, programs: Sequence[Program], *, every: float) -> None:
        """Prepare ``programs`` that save each ``every`` seconds; ``running`` starts them."""
        self.calls: list[Call] = []
        #: The versions that were acknowledged, by copy.
        self.acknowledged: dict[UUID, list[int]] = {copy: [] for program in programs for copy in program.copies}
        #: Saves that never got a final response.
        self.unfinished: list[str] = []
        self._programs = programs
        self._every = every
        self._is_over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the load for the block; requests in transit at its end are repeated until they are acknowledged."""
        threads = [threading.Thread(target=self._work, args=(program,)) for program in self._programs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _work(self, program: Program) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if self._is_over.wait(max(0.0, began + number * self._every - time.monotonic())):
                return
            copy = program.copies[number % len(program.copies)]
            # Each save has a value of its own, so each makes a version.
            body = json.dumps({"answers": {"mqs_annual_revenue": 1_000_000 + number}})
            self._save(program, copy, body, key=f"{copy}-{number}")

    def _save(self, program: Program, copy: UUID, body: str, *, key: str) -> None:
        """Send one save until it is acknowledged."""
        headers = {
            "Authorization": f"Bearer {program.token}", "Content-Type": "application/json", "Idempotency-Key": key,
        }  # fmt: skip
        path = f"/api/v1/copies/{copy}/answers"
        ends = time.monotonic() + _PATIENCE
        while True:
            call, pause, content = _send(program, path, body, headers)
            self.calls.append(call)
            if call.status == HTTPStatus.OK:
                self.acknowledged[copy].append(json.loads(content)["version"])
                return
            if call.status not in (*AGAIN, NOTHING) or (self._is_over.is_set() and time.monotonic() > ends):
                self.unfinished.append(f"{call.status} for {key}")
                return
            if not self._is_over.is_set():
                ends = time.monotonic() + _PATIENCE
            time.sleep(pause)


def _send(program: Program, path: str, body: str, headers: dict[str, str]) -> tuple[Call, float, bytes]:
    """Send one request; return it, the seconds after which it may be repeated, and the body of the response."""
    client = http.client.HTTPConnection("127.0.0.1", program.port, timeout=_PATIENCE)
    began, status, after, content = time.monotonic(), NOTHING, "", b""
    try:
        client.request("PATCH", path, body, headers)
        response = client.getresponse()
        content = response.read()
        status, after = response.status, response.headers.get("Retry-After", "")
    except OSError:
        pass
    finally:
        client.close()
    seconds = time.monotonic() - began
    call = Call(
        tenant=program.tenant, port=program.port, began=began, seconds=seconds, status=status, says_when=after.isdigit()
    )
    return call, float(after) if after.isdigit() else 1.0, content
