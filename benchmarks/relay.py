"""Measures the speed of the relay at draining an outbox: against Celery and Procrastinate running empty tasks, and
against a bare loop that only claims and deletes rows.

The relay is one process, and so is Procrastinate, with its jobs in PostgreSQL too; Celery has a worker with two, and
its messages are in Redis when its clock starts, the relay's rows in PostgreSQL. Rounds of all sides are interleaved.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import uuid4

from django.db import connection
from django_redis import get_redis_connection
from redis import Redis
from uuid_utils.compat import uuid7

from actions.kinds import PayloadTime
from actions.models import OutboxAction
from actions.registry import Registry
from actions.relay import drain
from benchmarks import procrastinate_jobs
from benchmarks.figures import Figure, figure
from benchmarks.no_operation import PREFIX, QUEUE, READY, app, nothing
from benchmarks.rounds import ratios
from tenants.current_tenant import across_tenants
from tenants.models import Tenant

#: Actions and tasks of one turn; for a trial few are enough.
ACTIONS: Final = 5_000
QUICK: Final = {"actions": 200}
#: Rows that the bare loop claims per round trip.
_BARE: Final = """DELETE FROM actions_outboxaction WHERE id IN (
    SELECT id FROM actions_outboxaction WHERE state = 'waiting' AND next_attempt_at <= statement_timestamp()
     ORDER BY next_attempt_at LIMIT 200 FOR UPDATE SKIP LOCKED)"""
_LOOK_SECONDS: Final = 0.002
_PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    """An empty action."""

    kind: ClassVar[str] = "nothing"
    payload_version: ClassVar[int] = 1
    payload_time: ClassVar[PayloadTime] = PayloadTime.FROZEN

    @property
    def target(self) -> str:
        """Return an empty target."""
        return "nothing"

    def payload(self) -> dict[str, Any]:
        """Return a payload of about the size of a save's action."""
        return {"copy_id": str(uuid4())}


def measure(rounds: int, *, actions: int = ACTIONS) -> list[Figure]:
    """Return actions and tasks per second and their ratios; each turn runs all of ``actions``."""
    tenant = Tenant.objects.create(code=f"relay-{uuid4().hex[:8]}", name="Relay")
    registry = Registry()
    registry.register(Nothing, lambda delivered: None)
    ours, celery, procrastinate, bare = [], [], [], []
    procrastinate_jobs.create_tables()
    with _worker():
        for _ in range(rounds):
            with _outbox(tenant, actions):
                began = time.perf_counter()
                done = drain("default", registry=registry).done
                ours.append(time.perf_counter() - began)
                assert done == actions, f"{actions - done} actions were lost"
            celery.append(_celery(actions))
            procrastinate.append(procrastinate_jobs.drain(actions))
            with _outbox(tenant, actions):
                bare.append(_claim_and_delete())
    procrastinate_jobs.remove_tables()
    tenant.delete()
    return [
        figure("relay: actions drained", "1/s", [actions / seconds for seconds in ours]),
        figure("relay: Celery and Redis, tasks that do nothing", "1/s", [actions / seconds for seconds in celery]),
        figure("relay: Procrastinate, jobs that do nothing", "1/s", [actions / seconds for seconds in procrastinate]),
        figure("relay: bare claim and delete of rows", "1/s", [actions / seconds for seconds in bare]),
        figure("relay: drain against Celery", "x", ratios(celery, ours), goal=">= 1"),
        figure("relay: drain against Procrastinate", "x", ratios(procrastinate, ours), goal=">= 10"),
        figure("relay: drain against the bare loop", "x", ratios(bare, ours), goal=">= 0.2"),
    ]


@contextmanager
def _outbox(tenant: Tenant, amount: int) -> Iterator[None]:
    """Fill the outbox with ``amount`` actions, each of a copy of its own, as saves do."""
    action = Nothing()
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now = cursor.fetchone()[0]
        OutboxAction.objects.all().delete()
        OutboxAction.objects.bulk_create(
            OutboxAction(
                id=uuid7(), tenant_id=tenant.pk, kind=action.kind, target=action.target, payload=action.payload(),
                copy_id=uuid4(), version=1, correlation_id=str(uuid7()), next_attempt_at=now, created_at=now,
            )
            for _ in range(amount)
        )  # fmt: skip
        cursor.execute("ANALYZE actions_outboxaction")
    yield
    with across_tenants(using="default"):
        assert not OutboxAction.objects.exists()


def _claim_and_delete() -> float:
    """Return the seconds that it takes to claim and delete all rows."""
    began = time.perf_counter()
    with across_tenants(using="default"), connection.cursor() as cursor:
        while True:
            cursor.execute(_BARE)
            if cursor.rowcount == 0:
                return time.perf_counter() - began


@contextmanager
def _worker() -> Iterator[None]:
    """Run one Celery worker that is warm: it has already run a task."""
    client = get_redis_connection("default")
    client.delete(*(f"{PREFIX}{name}" for name in (QUEUE, READY, "unacked", "unacked_index")))
    command = [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "benchmarks.no_operation", "worker"]
    command += ["--concurrency", "2", "--without-mingle", "--without-gossip", "--without-heartbeat"]
    command += ["--loglevel", "critical", "--queues", QUEUE]
    with subprocess.Popen(command, start_new_session=True) as process:  # noqa: S603 - a command of our own
        try:
            nothing.apply_async(queue=QUEUE)
            _wait_for(client)
            yield
        finally:
            process.terminate()
            process.wait()


def _celery(amount: int) -> float:
    """Return the seconds in which the worker takes ``amount`` tasks from Redis and runs them."""
    client = get_redis_connection("default")
    with app.connection_for_write() as broker:
        for _ in range(amount):
            nothing.apply_async(queue=READY, connection=broker)
    began = time.perf_counter()
    client.rename(f"{PREFIX}{READY}", f"{PREFIX}{QUEUE}")
    _wait_for(client)
    return time.perf_counter() - began


def _wait_for(client: Redis) -> None:
    """Wait until the queue is empty and no task is running."""
    ends = time.monotonic() + _PATIENCE
    while client.exists(f"{PREFIX}{QUEUE}") or client.exists(f"{PREFIX}unacked"):
        if time.monotonic() > ends:
            raise TimeoutError("The Celery worker did not come to an end.")
        time.sleep(_LOOK_SECONDS)
