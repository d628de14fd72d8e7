"""Reads a copy of 2,000 answers over HTTP, against a bare server that sends its stored document, and a read that has
not changed (304) against responses without content.

A read is measured twice: as the first one of a state, for which nothing is stored (the one with the goal), and again,
from the bytes that this process has stored of the same state. A stored response is no faster first read.
All are served by one process (``benchmarks.reading_application``) over connections that stay open.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import SavedForm, Size, save_form
from benchmarks.requesting import token_of
from benchmarks.rounds import Contender, interleave, ratios
from benchmarks.running_product import free_ports, product_environment, started, wait_for

SIZE: Final = Size(answers=2_000, rules=200)
QUICK: Final = {"size": Size(answers=60, rules=20)}
READ: Final = "GET /copies/{id}, first read"
AGAIN: Final = "GET /copies/{id}, same state again"
BARE: Final = "SELECT document, decompress, send"
UNCHANGED: Final = "304"
NOTHING: Final = "204 with a token"
EMPTY: Final = "204 of a bare server"


def measure(rounds: int, *, size: Size = SIZE) -> list[Figure]:
    """Return the times of reads, and the ratios that have goals."""
    form = save_form(size)
    with _server() as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        work = _requests(client, form)
        contenders = [Contender(name=name, run=run, repeats=21, warm_up=20) for name, run in work.items()]
        times = interleave(contenders, rounds=rounds)
        client.close()
    what = f"read a copy of {size.answers:,} answers over HTTP"
    return [
        *(figure(f"{what}: {name}", "ms", milliseconds(times[name])) for name in work),
        figure(f"{what}: ours / bare", "times", ratios(times[READ], times[BARE]), goal="<= 2"),
        figure(f"{what}: ours again, from stored bytes / bare", "times", ratios(times[AGAIN], times[BARE])),
        figure(f"{what}: 304 / 204 with a token", "times", ratios(times[UNCHANGED], times[NOTHING]), goal="<= 1.2"),
    ]


def _requests(client: http.client.HTTPConnection, form: SavedForm) -> dict[str, Callable[[int], object]]:
    ours, sign_in = f"/api/v1/copies/{form.id}", {"Authorization": f"Bearer {token_of(form)}"}
    _, tag = _get(client, ours, sign_in, 200)
    fresh = {**sign_in, "If-None-Match": tag}
    return {
        READ: lambda _: _get(client, f"/first{ours}", sign_in, 200),
        AGAIN: lambda _: _get(client, ours, sign_in, 200),
        BARE: lambda _: _get(client, f"/bare/{form.id}", {}, 200),
        UNCHANGED: lambda _: _get(client, ours, fresh, 304),
        NOTHING: lambda _: _get(client, "/api/v1/nothing", sign_in, 204),
        EMPTY: lambda _: _get(client, "/empty", {}, 204),
    }


def _get(client: http.client.HTTPConnection, path: str, headers: Mapping[str, str], status: int) -> tuple[bytes, str]:
    client.request("GET", path, headers=dict(headers))
    response = client.getresponse()
    body = response.read()
    assert response.status == status, (path, response.status, body[:300])
    return body, response.headers.get("ETag", "")


@contextmanager
def _server() -> Iterator[int]:
    (port,) = free_ports(1)
    command = f"-m uvicorn benchmarks.reading_application:application --port {port} --no-access-log --log-level warning"
    # The limits would refuse most of these requests.
    with started(command.split(), product_environment(RATE_LIMIT_FACTOR="0")):
        wait_for(port)
        yield port
