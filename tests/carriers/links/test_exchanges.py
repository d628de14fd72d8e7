"""Exchanges of several calls come to their end under a slow pace, however many of them compete for its turns."""

from __future__ import annotations

import asyncio
import time

from msgspec.structs import replace

from carriers.links.client import client_of
from carriers.links.errors import CarrierBusy
from carriers.links.link import Link
from carriers.links.loop import run
from tests.carriers.links.test_client import SUBMISSION
from tests.harness.carrier_links import NO_CONTEXT, link_to
from tests.harness.counting_carrier import CountingCarrier, Reply, Seen
from tests.harness.tiers import PATIENCE

#: A turn every 0.1 seconds.
PER_MINUTE = 600
#: The seconds that competing calls get: a few turns.
FEW = 3.0


def knows_nothing(request: Seen) -> Reply | None:
    return (404, {}, b"") if request.method == "GET" else None


async def exchange(link: Link, token: str, *, until: float, is_exchange: bool) -> bool:
    """Ask for the token, then send it, as a dispatcher does: after each refusal by the pace again from the start."""
    while time.monotonic() < until:
        client = client_of(link, is_exchange=is_exchange)
        try:
            if await client.find(token, context=NO_CONTEXT) is None:
                await client.submit(replace(SUBMISSION, request_token=token), context=NO_CONTEXT)
            return True
        except CarrierBusy as busy:
            await asyncio.sleep(busy.retry_after)
    return False


async def use_up_the_burst(link: Link) -> None:
    client = client_of(link)
    while True:
        try:
            await client.find("t-0", context=NO_CONTEXT)
        except CarrierBusy:
            return


async def race(link: Link, *, is_exchange: bool, seconds: float) -> list[bool]:
    await use_up_the_burst(link)
    until = time.monotonic() + seconds
    exchanges = [exchange(link, f"t-{number}", until=until, is_exchange=is_exchange) for number in range(4)]
    return await asyncio.gather(*exchanges)


def test_exchanges_that_compete_for_turns_all_come_to_their_end(carrier: CountingCarrier) -> None:
    carrier.answer = knows_nothing
    link = link_to(carrier.url, per_minute=PER_MINUTE)

    assert run(race(link, is_exchange=True, seconds=PATIENCE)) == [True] * 4
    assert len([seen for seen in carrier.seen if seen.method == "POST" and seen.path == "/v1/quotes"]) == 4


def test_calls_one_by_one_do_not_wait(carrier: CountingCarrier) -> None:
    """The same exchanges, each call by itself: they take each other's turns, unless stalls save turns up."""
    carrier.answer = knows_nothing
    link = link_to(carrier.url, per_minute=PER_MINUTE)

    assert any(False in run(race(link, is_exchange=False, seconds=FEW)) for _ in range(5))
