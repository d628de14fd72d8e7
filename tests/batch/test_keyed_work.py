"""Keyed work that has transactions of its own is done by one request at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batch.errors import IdempotencyInFlight
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.keyed_work import Outcome, run_then_store
from tenants.models import Tenant

pytestmark = pytest.mark.django_db
DONE = StoredResponse(200, {}, b"{}")


def run(tenant: Tenant, work: Callable[[], StoredResponse], *, key: str = "k") -> Outcome:
    """Do ``work`` for ``key``."""
    request = IdempotencyKey("api_client:x", key, b"f")
    return run_then_store(request, work, scope=tenant, stored=lambda response: response)


def test_a_second_request_is_refused_while_the_first_works(harbor: Tenant, summit: Tenant) -> None:
    done: list[str] = []

    def work(name: str) -> Callable[[], StoredResponse]:
        def note() -> StoredResponse:
            done.append(name)
            return DONE

        return note

    def first() -> StoredResponse:
        done.append("first")
        with pytest.raises(IdempotencyInFlight):
            run(harbor, work("second"))
        run(harbor, work("other key"), key="l")
        run(summit, work("other tenant"))
        return DONE

    assert run(harbor, first) == Outcome(DONE, is_replayed=False)

    assert done == ["first", "other key", "other tenant"]
    assert run(harbor, work("again")) == Outcome(DONE, is_replayed=True)
    assert done == ["first", "other key", "other tenant"]


def test_failed_work_leaves_the_key_free(harbor: Tenant) -> None:
    def fail() -> StoredResponse:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(harbor, fail)

    assert run(harbor, lambda: DONE) == Outcome(DONE, is_replayed=False)
