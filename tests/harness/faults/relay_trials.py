"""Trials with the outbox: run the relay until they are killed, and record each attempt in a table of the test.

``worse`` names the sabotage of the relay; a test that does not detect it proves nothing.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connections

from actions import claims, relay
from actions.poller import poll_once, poll_until
from actions.registry import REGISTRY, Budget, Delivered, Registry, RetryAfter
from actions.wakeup import wake_relay
from tests.harness.outboxes import Ring

#: One row per attempt, written as soon as the handler runs.
EFFECTS: Final = (
    "CREATE TABLE effects (id bigserial, action uuid, bell text, copy uuid, version int, attempt int,"
    " at timestamptz DEFAULT clock_timestamp())"
)
PUT: Final = """
INSERT INTO actions_outboxaction (id, tenant_id, kind, target, payload, payload_version, copy_id, version,
                                  correlation_id, state, attempts, crashes, next_attempt_at, last_error, created_at)
SELECT %(id)s, t.id, 'ring', %(bell)s::text, jsonb_build_object('bell', %(bell)s::text), 1, %(copy)s, %(version)s,
       'fault', 'waiting', 0, 0, clock_timestamp(), '', clock_timestamp() FROM tenants_tenant t LIMIT 1"""
Report = Callable[..., None]


def put(connection: psycopg.Connection[Any], *, action: UUID, bell: str, copy: UUID, version: int = 1) -> None:
    """Store an action as a save would."""
    connection.execute(PUT, {"id": action, "bell": bell, "copy": copy, "version": version})


def relay_until_killed(  # noqa: PLR0913 - each is named at the call
    report: Report,
    *,
    lease: float,
    rest: float = 0.0,
    hang: float = 0.0,
    fail_once: bool = False,
    fails: bool = False,
    worse: str = "",
) -> None:
    """Run the relay forever; each attempt rests for ``rest`` seconds after it was recorded.

    The bell ``poison`` kills its worker, ``hanging`` takes ``hang`` seconds; with ``fail_once`` every seventh action
    fails at first, with ``fails`` each one after it rested.
    """
    make_worse(worse)

    def ring(delivered: Delivered) -> None:
        bell = delivered.payload["bell"]
        if fail_once and delivered.attempt == 1 and delivered.id.int % 7 == 0:
            raise RetryAfter(0.05, "Not now.")
        note(delivered)
        if bell == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(hang if bell == "hanging" else rest)
        if fails:
            raise RetryAfter(0.05, "Not today.")

    registry = Registry()
    registry.register(Ring, ring, budget=Budget(tries=100))
    report(started=os.getpid())
    while True:
        relay.drain("default", registry=registry, lease=lease)
        time.sleep(0.02)


def note(delivered: Delivered) -> None:
    """Record one attempt."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO effects (action, bell, copy, version, attempt) VALUES (%s, %s, %s, %s, %s)",
            [delivered.id, delivered.payload["bell"], delivered.copy_id, delivered.version, delivered.attempt],
        )


def make_worse(worse: str) -> None:
    """Break one promise of the relay in this process."""
    methods: dict[str, tuple[type, str, Callable[..., Any]]] = {
        "a cursor": (claims.Claims, "claim", _claim_by_cursor),
        "left ones last": (relay._Worker, "round", _left_last),
    }
    if worse in methods:
        setattr(*methods[worse])
    elif worse == "no quarantine":
        relay.MOST_CRASHES = 10**6  # type: ignore[misc]
    elif worse == "left ones together":
        claims.Claims.claim_left = lambda self: self._claim(claims._LEFT, 200)  # type: ignore[method-assign]
    elif worse == "no order":
        at = claims._NEW.index("AND CASE")
        text = claims._NEW[:at] + claims._NEW[claims._NEW.index("ORDER BY") :]
        claims._NEW = text.replace("ORDER BY o.next_attempt_at", "ORDER BY o.id")  # type: ignore[misc]
    elif worse == "no token":
        for name in ("_DONE", "_LATER", "_DEAD", "_BACK", "_RENEW"):
            text = getattr(claims, name).replace("lease_token = %(token)s", "lease_token IS NOT NULL")
            setattr(claims, name, text)
    elif worse == "own clock":
        now = f"'{datetime.now(UTC).isoformat()}'::timestamptz"
        for name in ("_NEW", "_LEFT"):
            setattr(claims, name, getattr(claims, name).replace("statement_timestamp()", now))
    elif worse:
        raise ValueError(worse)


def _left_last(self: relay._Worker, batch: int) -> bool:
    """Run rows of dead workers only when there are no others."""
    rows = self._claims.claim(batch)
    self._run(rows)
    return bool(rows) or self._run_left()


_last: UUID = UUID(int=0)


def _claim_by_cursor(self: claims.Claims, limit: int) -> list[claims.LeasedAction]:
    """Claim rows after the last id, as if ids were committed in order."""
    global _last
    text = claims._NEW.replace("o.lease_token IS NULL", f"o.lease_token IS NULL AND o.id > '{_last}'")
    found = self._claim(text.replace("ORDER BY o.next_attempt_at", "ORDER BY o.id"), limit)
    _last = max((row.id for row in found), default=_last)
    return found


def sweep_beside_a_dead_database(report: Report, *, dead_port: int, worse: str = "") -> None:
    """Sweep this database and another, at ``dead_port``, which never responds; ``one by one`` gives them one thread."""
    connections.databases["dead"] = {**connections.databases["default"], "PORT": dead_port}
    REGISTRY.register(Ring, note)
    over = threading.Event()
    report(started=os.getpid())
    if worse == "one by one":
        while True:
            poll_once(["dead", "default"])
    poll_until(over, ["dead", "default"], every=0.2)


def hint(report: Report) -> None:
    """Hint at the outbox as a save does."""
    wake_relay("default")
    report(hinted=True)
