"""A connection that Redis closed while it was idle is replaced, and no caller notices.

Servers and proxies close idle connections: a restart, a switch to another server, a limit of five minutes.
"""

from __future__ import annotations

from django_redis import get_redis_connection

from carriers.links.loop import run
from carriers.links.redis_client import redis_client


def test_a_client_in_use_takes_a_new_connection() -> None:
    client = get_redis_connection("default")
    client.connection_pool.disconnect()
    _close_from_the_other_side(client.client_id())

    assert client.ping()


def test_the_client_of_carrier_calls_takes_a_new_connection() -> None:
    async def call() -> int:
        return int(await redis_client().client_id())

    first = run(call())
    _close_from_the_other_side(first)

    assert run(call()) != first


def _close_from_the_other_side(client_id: int) -> None:
    other = get_redis_connection("default").connection_pool.make_connection()
    try:
        other.send_command("CLIENT", "KILL", "ID", client_id)
        assert other.read_response() == 1
    finally:
        other.disconnect()
