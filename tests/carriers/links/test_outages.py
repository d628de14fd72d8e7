"""Redis away: each process has a breaker and a token of its own; calls go on, and are counted."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY as METRICS
from redis.asyncio import Redis

from carriers.links import breaker, redis_client, tokens
from carriers.links.breaker import return_permit, take_permit
from carriers.links.breaker_rules import FAILURES, ProcessBreaker, Result
from carriers.links.client import client_of
from carriers.links.errors import CarrierError, CircuitOpen
from redis_locks.outage import RedisOutage
from tests.harness.broken_redis import HangingServer, hanging_server
from tests.harness.carrier_links import NO_CONTEXT, link_to
from tests.harness.counting_carrier import CountingCarrier
from tests.harness.tiers import within

NOTHING_LISTENS = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def own_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave what other tests know of Redis as it is."""
    outage = RedisOutage()
    monkeypatch.setattr(breaker, "outage", outage)
    monkeypatch.setattr(tokens, "outage", outage)
    monkeypatch.setattr(breaker, "_process", ProcessBreaker(clock=breaker._process._clock))


def use_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Lead the loops of this test to another Redis."""

    def connect() -> Redis:
        return Redis.from_url(url, socket_connect_timeout=0.3, socket_timeout=0.3)

    for module in (redis_client, tokens):
        monkeypatch.setattr(module, "redis_client", connect)


def fallbacks() -> float:
    return METRICS.get_sample_value("partner_engine_carrier_breaker_fallbacks_total", {"carrier": "QM"}) or 0.0


def test_calls_go_on_without_redis_with_one_token_and_a_metric(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_redis(monkeypatch, NOTHING_LISTENS)
    client, before = client_of(link_to(carrier.url)), fallbacks()

    async def call_all() -> None:
        for _ in range(4):
            await asyncio.gather(*(client.refresh("Q-1", context=NO_CONTEXT) for _ in range(3)))

    asyncio.run(call_all())

    assert carrier.count("/v1/quotes/") == 12
    assert carrier.tokens == 1
    assert fallbacks() - before >= 13


def test_a_hanging_redis_delays_only_the_first_call_of_a_pause(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging_server() as hanging:
        use_redis(monkeypatch, url_of(hanging))
        client = client_of(link_to(carrier.url))

        async def call_all() -> float:
            started = asyncio.get_running_loop().time()
            for _ in range(5):
                await client.refresh("Q-1", context=NO_CONTEXT)
            return asyncio.get_running_loop().time() - started

        assert asyncio.run(call_all()) < within(2)
    assert carrier.count("/v1/quotes/") == 5


def url_of(server: HangingServer) -> str:
    return f"redis://127.0.0.1:{server.client.connection_pool.connection_kwargs['port']}/0"


def test_each_process_opens_its_own_circuit_without_redis(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_redis(monkeypatch, NOTHING_LISTENS)
    link = link_to(carrier.url)

    async def fail() -> None:
        for permit in [await take_permit(link) for _ in range(FAILURES)]:
            await return_permit(permit, Result.FAILURE)
        with pytest.raises(CircuitOpen):
            await take_permit(link)

    asyncio.run(fail())


def test_a_permit_of_the_fleet_survives_that_redis_goes_away(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to(carrier.url)

    async def lose_redis() -> None:
        permit = await take_permit(link)
        assert permit.is_shared
        use_redis(monkeypatch, NOTHING_LISTENS)
        await return_permit(permit, Result.SUCCESS)
        assert not (await take_permit(link)).is_shared

    asyncio.run(lose_redis())


def test_calls_return_to_redis_after_an_outage_though_the_carrier_fails(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier.behave("status 500")
    outage = RedisOutage(pause=0.05)
    monkeypatch.setattr(breaker, "outage", outage)
    monkeypatch.setattr(tokens, "outage", outage)
    client = client_of(link_to(carrier.url))

    async def call_in_both() -> None:
        with monkeypatch.context() as away:
            use_redis(away, NOTHING_LISTENS)
            with pytest.raises(CarrierError):
                await client.refresh("Q-1", context=NO_CONTEXT)
        await asyncio.sleep(0.06)
        with pytest.raises(CarrierError):
            await client.refresh("Q-1", context=NO_CONTEXT)
        assert [outage.may_ask() for _ in range(3)] == [True] * 3

    asyncio.run(call_in_both())


def test_an_open_circuit_stays_open_when_redis_goes_away(
    carrier: CountingCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_to(carrier.url)

    async def lose_redis() -> None:
        for permit in [await take_permit(link) for _ in range(FAILURES)]:
            await return_permit(permit, Result.FAILURE)
        for _ in range(2):
            with pytest.raises(CircuitOpen) as caught:
                await take_permit(link)
            assert 29 < caught.value.retry_after <= 30
            use_redis(monkeypatch, NOTHING_LISTENS)

    asyncio.run(lose_redis())
