"""A Redis that responds with errors (F8): after a failover, with full memory, with too few replicas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
import redis

from tests.faults.test_relay import one, outbox, waiting
from tests.faults.test_relay_without_redis import CELERY, RELAY, put_many, running
from tests.harness.faults.world import World

pytestmark = pytest.mark.fault
#: Seconds for the first start of a worker, and for its return after Redis takes writes again.
START: Final = 40.0
BACK: Final = 40.0
QUEUE: Final = "partner_engine.jobs.celery"

Refuse = Callable[[redis.Redis], None]


def become_replica(client: redis.Redis) -> None:
    """Do what a failover does to the old primary."""
    client.replicaof("127.0.0.1", 1)


def fill_memory(client: redis.Redis) -> None:
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1mb")
    with pytest.raises(redis.exceptions.ResponseError):
        client.set("tests:filling", b"x" * 2_000_000)
        client.set("tests:refused", b"x")


def require_replicas(client: redis.Redis) -> None:
    client.config_set("min-replicas-to-write", 1)


REFUSALS: Final[dict[str, Refuse]] = {
    "READONLY": become_replica,
    "OOM": fill_memory,
    "NOREPLICAS": require_replicas,
}


@contextmanager
def refusing(client: redis.Redis, refuse: Refuse) -> Iterator[None]:
    """Let Redis refuse writes in the block."""
    refuse(client)
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")
        client.config_set("min-replicas-to-write", 0)
        client.config_set("maxmemory", 0)
        client.delete("tests:filling")


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def consumes(client: redis.Redis, *, seconds: float) -> bool:
    """Return whether a worker takes a message from its queue within ``seconds``."""
    client.rpush(QUEUE, b"{}")
    return wait_for(lambda: client.llen(QUEUE) == 0, seconds=seconds)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_worker_outlives_a_redis_that_refuses_writes(world: World, name: str) -> None:
    client = redis.Redis.from_url(world.servers.redis_url)
    with (
        outbox(world) as connection,
        running(world, CELERY) as worker,
        running(world, RELAY) as relay,
    ):
        assert consumes(client, seconds=START)

        with refusing(client, REFUSALS[name]):
            put_many(connection, 20)
            # Without hints the relay runs them.
            assert wait_for(lambda: waiting(connection) == 0, seconds=20)
            time.sleep(6)
            assert (worker.poll(), relay.poll()) == (None, None)

        assert consumes(client, seconds=BACK)
        assert worker.poll() is None
        assert one(connection, "SELECT count(*) FROM actions_outboxaction") == 0
