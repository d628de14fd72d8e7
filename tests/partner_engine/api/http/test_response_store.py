"""The store of responses: bounded in bytes and time, and exact about states."""

from __future__ import annotations

from uuid import UUID

import pytest

from partner_engine.api.http import response_store
from partner_engine.api.http.response_store import ResponseStore, Slot
from tenants.access import Right


class Clock:
    """A clock that is set by hand, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def slot(number: int, *, tenant: int = 1, rights: frozenset[Right] = frozenset()) -> Slot:
    return Slot(UUID(int=tenant), UUID(int=number), "api_client", rights)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> ResponseStore:
    return ResponseStore(most_bytes=30, seconds=60, clock=clock)


def test_a_response_is_found_by_its_slot_and_state_alone(store: ResponseStore) -> None:
    store.put(slot(1), "7", b"seven")

    assert store.find(slot(1), "7") == b"seven"
    assert [store.find(slot(1), "8"), store.find(slot(2), "7"), store.find(slot(1, tenant=2), "7")] == [None] * 3
    assert store.find(slot(1, rights=frozenset({Right.READ_PERSONAL})), "7") is None


def test_a_slot_has_the_latest_response(store: ResponseStore) -> None:
    store.put(slot(1), "7", b"seven")
    store.put(slot(1), "8", b"eight!")

    assert (store.find(slot(1), "7"), store.find(slot(1), "8"), store.size) == (None, b"eight!", 6)


def test_the_oldest_responses_make_room(store: ResponseStore) -> None:
    for number in range(4):
        store.put(slot(number), "1", b"x" * 10)

    assert [store.has(slot(number)) for number in range(4)] == [False, True, True, True]
    assert store.size == 30


def test_responses_expire(store: ResponseStore, clock: Clock) -> None:
    store.put(slot(1), "7", b"seven")
    clock.now = 59.0
    store.put(slot(2), "7", b"more")
    clock.now = 60.0

    assert (store.find(slot(1), "7"), store.has(slot(1)), store.size) == (None, False, 4)
    assert store.find(slot(2), "7") == b"more"


def test_a_response_that_would_take_too_much_is_not_stored() -> None:
    store = ResponseStore()
    store.put(slot(1), "7", b"x" * (response_store.LARGEST + 1))

    assert (store.has(slot(1)), store.size) == (False, 0)


def test_clearing(store: ResponseStore) -> None:
    store.put(slot(1), "7", b"seven")

    store.clear()

    assert (store.has(slot(1)), store.size) == (False, 0)
