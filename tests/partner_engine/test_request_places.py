"""The places of requests: so many at once, the others in order, refused after a time, let in where nothing moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_engine import request_places
from partner_engine.request_places import BUSY, FEWEST, NoPlaceFree, Places
from tests.harness.tiers import PATIENCE


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


async def start(places: Places, order: list[int], *numbers: int) -> list[asyncio.Task[None]]:
    """Start tasks that note their number once they have a place."""

    async def one(number: int) -> None:
        await places.take()
        order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in numbers]
    await settle()
    return tasks


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_others_wait_and_get_places_in_their_order() -> None:
    async def test() -> None:
        places, order = Places(at_once=2, patience=PATIENCE), list[int]()
        await start(places, order, *range(5))
        assert order == [0, 1]

        for expected in ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]):
            places.give_back()
            await settle()
            assert order == expected

        places.give_back()
        places.give_back()
        await start(places, order, 5, 6, 7)
        assert order[5:] == [5, 6]

    run(test)


def test_who_waits_too_long_is_refused_and_takes_no_place() -> None:
    async def test() -> None:
        places, order = Places(at_once=1, patience=0.01), list[int]()
        _, waiting = await start(places, order, 0, 1)

        with pytest.raises(NoPlaceFree):
            await waiting
        places.give_back()
        await start(places, order, 2, 3)

        assert order == [0, 2]

    run(test)


def test_who_leaves_in_the_moment_of_getting_a_place_gives_it_back() -> None:
    async def test() -> None:
        places, order = Places(at_once=1, patience=PATIENCE), list[int]()
        _, leaving, _ = await start(places, order, 0, 1, 2)

        places.give_back()
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        await settle()

        assert order == [0, 2]

    run(test)


def test_where_nothing_ends_others_are_let_in() -> None:
    async def test() -> None:
        places, order = Places(at_once=2, patience=PATIENCE), list[int]()
        await start(places, order, *range(5))

        while len(order) < 4:
            await asyncio.sleep(0.05)
        assert order == [0, 1, 2, 3]
        while len(order) < 5:
            await asyncio.sleep(0.05)

        # They go on as before once the places are free again.
        for _ in range(5):
            places.give_back()
        await start(places, order, 5, 6, 7)
        assert order == [0, 1, 2, 3, 4, 5, 6]

    run(test)


def test_beside_those_that_hang_the_others_go_on() -> None:
    async def test() -> None:
        places, order = Places(at_once=2, patience=PATIENCE), list[int]()
        await start(places, order, *range(40))
        while len(order) < 4:
            await asyncio.sleep(0.05)

        # The first two never end.
        for ended in range(30):
            places.give_back()
            await settle()
            assert len(order) == 5 + ended

    run(test)


def test_where_enough_end_nobody_is_let_in_beside_them() -> None:
    async def test() -> None:
        places, order = Places(at_once=1, patience=PATIENCE), list[int]()
        await start(places, order, *range(FEWEST + 3))
        for _ in range(FEWEST):
            places.give_back()
            await settle()
        assert len(order) == FEWEST + 1

        places._look(asyncio.get_running_loop())
        await settle()

        assert len(order) == FEWEST + 1

    run(test)


@pytest.mark.parametrize(("used", "are_let_in"), [(BUSY + 0.1, False), (BUSY - 0.3, True)])
def test_long_requests_of_a_busy_process_do_not_hang(used: float, are_let_in: bool) -> None:
    """The clock of the processor runs at a part of the loop's clock."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        places = Places(at_once=1, patience=PATIENCE, processor_time=lambda: used * loop.time())
        order = list[int]()
        await start(places, order, 0, 1)
        await asyncio.sleep(0.01)

        places._look(loop)
        await settle()

        assert (order == [0, 1]) == are_let_in

    run(test)


def test_no_more_than_so_many_are_let_in_beside_requests_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_places, "MOST", 3)

    async def test() -> None:
        loop = asyncio.get_running_loop()
        places = Places(at_once=1, patience=PATIENCE, processor_time=lambda: 0.0)
        order = list[int]()
        await start(places, order, *range(6))
        await asyncio.sleep(0.01)

        for _ in range(6):
            places._look(loop)
            await settle()

        assert order == [0, 1, 2]

    run(test)


def test_the_wait_for_a_place_is_returned() -> None:
    async def test() -> None:
        places = Places(at_once=1, patience=PATIENCE)
        assert await places.take() == 0.0
        waiting = asyncio.create_task(places.take())

        await asyncio.sleep(0.05)
        places.give_back()

        assert 0.04 < await waiting < PATIENCE

    run(test)


@given(st.integers(1, 4), st.lists(st.sampled_from(["come", "end", "leave"]), max_size=60))
def test_never_more_than_the_places_and_none_is_lost(at_once: int, steps: list[str]) -> None:
    """Requests come, end and leave: as many have a place as there are places, or all that came and stayed."""

    async def test() -> None:
        places, order, tasks = Places(at_once=at_once, patience=PATIENCE), list[int](), list[asyncio.Task[None]]()
        ended = left = 0
        for step in steps:
            if step == "come":
                tasks += await start(places, order, len(tasks))
            elif step == "end" and len(order) > ended:
                places.give_back()
                ended += 1
            elif step == "leave" and (waiting := [task for task in tasks if not task.done()]):
                waiting[0].cancel()
                left += 1
            await settle()
            stay = len(tasks) - left - ended
            assert len(order) - ended == min(at_once, stay)
        assert order == sorted(order)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(test)
