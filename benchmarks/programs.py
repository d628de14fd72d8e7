"""The memory and the start of the programs: how soon each is ready, what it occupies at rest and after 10,000 saves,
and what the relay's polling costs where there is nothing to do, by the number of databases.

Memory is the proportional set size: pages that processes share count in parts.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from redis import Redis

from actions.relay import drain
from benchmarks.agents import answer_of, make_forms, token_of, wait_for_relay
from benchmarks.figures import Figure, figure
from benchmarks.rounds import say
from benchmarks.running_product import (
    RELAY,
    WORKER,
    Product,
    free_ports,
    postgresql_seconds,
    product_environment,
    running,
    started,
    tree_seconds,
    wait_for,
    web_command,
)  # fmt: skip
from partner_engine.celery import app
from redis_locks.heartbeats import last_heartbeats

SAVES: Final = 10_000
#: Connections that save at once.
AT_ONCE: Final = 4
FORMS: Final = 40
DATABASES: Final = (1, 4, 16)
#: Seconds for which an idle relay is watched.
IDLE: Final = 15.0
STARTS: Final = 3
QUICK: Final = {"saves": 40, "databases": (1, 2), "idle": 2.0, "starts": 1}
_PATIENCE: Final = 120.0


def measure(
    rounds: int,
    *,
    saves: int = SAVES,
    databases: Sequence[int] = DATABASES,
    idle: float = IDLE,
    starts: int = STARTS,
) -> list[Figure]:
    """Return seconds until ready, megabytes, and the processor time of an idle relay; ``rounds`` do not matter."""
    # What other measurements left to the relay.
    drain("default")
    idling = [entry for number in databases for entry in _idle(number, idle)]
    return [*_starts(starts), *_memory(saves), *idling]


def _starts(times: int) -> list[Figure]:
    """Start each program alone; web is ready when it serves, the others when they are heard from."""
    (port,) = free_ports(1)
    redis = Redis.from_url(settings.REDIS_URL)
    ready: dict[str, tuple[str, Callable[[], Any]]] = {
        "web": (web_command(port), lambda: wait_for(port)),
        "relay": (RELAY, lambda: _until(lambda: any(last_heartbeats(["relay:default"]).values()))),
        "worker": (WORKER, lambda: _until(lambda: app.control.ping(timeout=0.2))),
    }
    found = []
    for name, (command, wait) in ready.items():
        seconds = []
        for _ in range(times):
            for key in redis.scan_iter("*heartbeat*"):
                redis.delete(key)
            began = time.perf_counter()
            with started(command.split(), product_environment()):
                wait()
                seconds.append(time.perf_counter() - began)
            say(f"{name} started in {seconds[-1]:.1f} s")
        found.append(figure(f"start of {name}, until it is ready", "s", seconds))
    return found


def _until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("The program did not get ready.")
        time.sleep(0.02)


def _memory(saves: int) -> list[Figure]:
    forms = make_forms(FORMS)
    with running(web=1, more={"RATE_LIMIT_FACTOR": "1000000"}) as product:
        # Beat and the workers have reported by then.
        time.sleep(5)
        rest = product.resident_megabytes()
        _save(product, forms, saves=saves)
        after = product.resident_megabytes()
    return [
        *(figure(f"memory of {kind}, at rest", "MB", [value]) for kind, value in rest.items()),
        *(figure(f"memory of {kind}, after {saves:,} saves", "MB", [value]) for kind, value in after.items()),
    ]


def _save(product: Product, forms: Sequence[tuple[Any, UUID]], *, saves: int) -> None:
    """Save by ``PATCH`` over a few connections at once, each at forms of its own."""
    tokens = [token_of(tenant)[0] for tenant, _ in forms]
    failed: list[str] = []

    def save(first: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", product.ports[0], timeout=_PATIENCE)
        own = list(zip(forms, tokens, strict=True))[first::AT_ONCE]
        for call in range(saves // AT_ONCE):
            (_, copy_id), token = own[call % len(own)]
            code, value = answer_of(call // len(own))
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            body = json.dumps({"answers": {code: value}})
            client.request("PATCH", f"/api/v1/copies/{copy_id}/answers", body, headers)
            response = client.getresponse()
            content = response.read()
            if response.status != http.HTTPStatus.OK:
                failed.append(f"{response.status} {content[:200]!r}")
        client.close()

    threads = [threading.Thread(target=save, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]


def _idle(databases: int, seconds: float) -> list[Figure]:
    """Watch a relay without work over as many databases; all of them are this one under other names."""
    names = {f"TENANT_DATABASE_IDLE{number}": os.environ["DATABASE_URL"] for number in range(databases - 1)}
    with ExitStack() as cleaning:
        relay = cleaning.enter_context(started(RELAY.split(), product_environment(**names)))
        _until(lambda: any(last_heartbeats([_alias_heartbeat(databases)]).values()))
        time.sleep(2)
        # The maintenance that a relay begins with has work after other measurements.
        wait_for_relay()
        began, used, server = time.perf_counter(), tree_seconds(relay.pid), postgresql_seconds()
        time.sleep(seconds)
        taken = time.perf_counter() - began
        used, server = (tree_seconds(relay.pid) - used) / taken, (postgresql_seconds() - server) / taken
        memory = Product.megabytes_of(relay.pid)
    what = f"idle relay of {databases} {'database' if databases == 1 else 'databases'}"
    return [
        figure(f"{what}: its processor time", "% of a core", [100 * used]),
        figure(f"{what}: processor time of PostgreSQL", "% of a core", [100 * server]),
        figure(f"{what}: memory", "MB", [memory]),
    ]


def _alias_heartbeat(databases: int) -> str:
    return f"relay:idle{databases - 2}" if databases > 1 else "relay:default"
