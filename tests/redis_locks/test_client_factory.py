"""One client of Redis per address and process, whatever makes caches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest
from django.core.cache import caches
from django_redis import get_redis_connection
from django_redis.pool import ConnectionFactory

from redis_locks import client_factory
from redis_locks.client_factory import ClientFactory


def test_caches_of_other_requests_share_the_client() -> None:
    def found() -> tuple[int, int]:
        return id(caches["default"]), id(get_redis_connection("default"))

    with ThreadPoolExecutor(1) as thread:
        pairs = {thread.submit(Context().run, found).result() for _ in range(3)} | {found()}

    assert len({client for _, client in pairs}) == 1


def test_a_client_needs_no_cache_of_its_own_context(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = get_redis_connection("default")
    made: list[str] = []
    monkeypatch.setattr("django_redis.get_redis_connection", lambda alias: made.append(alias) or usual)

    assert Context().run(client_factory.get_redis_connection, "default") is usual
    assert made == []

    monkeypatch.setattr(client_factory, "_clients", {})
    assert client_factory.get_redis_connection("default") is usual
    assert made == ["default"]


def test_a_new_pool_of_an_address_has_a_new_client() -> None:
    factory = ClientFactory({})
    url = "redis://127.0.0.1:1/0?test=client_factory"
    first = factory.connect(url)
    assert factory.connect(url) is ClientFactory({}).connect(url) is first

    del ConnectionFactory._pools[url]
    second = factory.connect(url)

    assert second is not first
    assert second.connection_pool is ConnectionFactory._pools[url]
    del ConnectionFactory._pools[url]
