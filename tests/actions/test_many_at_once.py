"""Kinds that run several actions at once: the relay gives them those of one tenant, and one that fails, fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from actions.claims import Claims, LeasedAction
from actions.lease import LeasedRows
from actions.models import OutboxAction
from actions.registry import Budget, Delivered, Registry
from actions.relay import MOST_AT_ONCE, Drained, drain
from tenants.current_tenant import across_tenants, current_tenant
from tenants.models import Tenant
from tests.harness.outboxes import Refill, Ring, pass_time, put, rows

pytestmark = pytest.mark.django_db


class Bells:
    """Rings bells at once, and records each call; a broken bell fails."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.tenants: list[object] = []
        self.registry = Registry()
        self.registry.register(Ring, self.one, many=self.many, budget=Budget(tries=1))

    def one(self, action: Delivered) -> None:
        self.many([action])

    def many(self, actions: Sequence[Delivered]) -> None:
        self.calls.append([action.payload["bell"] for action in actions])
        self.tenants.append(current_tenant())
        if any(action.payload["bell"] == "broken" for action in actions):
            raise ValueError


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of rows of each claim, which grows."""
    found: list[int] = []
    claim = Claims.claim

    def counted(self: Claims, limit: int) -> list[LeasedAction]:
        rows = claim(self, limit)
        found.append(len(rows))
        return rows

    monkeypatch.setattr(Claims, "claim", counted)
    return found


def test_actions_of_one_tenant_run_at_once_in_their_order(harbor: Tenant, summit: Tenant, bells: Bells) -> None:
    for bell in ("a", "b", "c"):
        put(harbor, Ring(bell=bell))
    put(summit, Ring(bell="other"))

    assert drain("default", registry=bells.registry) == Drained(done=4)

    assert sorted(zip(bells.calls, bells.tenants, strict=True), key=lambda call: -len(call[0])) == [
        (["a", "b", "c"], harbor),
        (["other"], summit),
    ]
    assert rows() == []


def test_no_more_than_a_number_of_actions_run_at_once(harbor: Tenant, bells: Bells) -> None:
    for _ in range(MOST_AT_ONCE + 1):
        put(harbor, Ring(bell="a"))

    drain("default", registry=bells.registry)

    assert [len(call) for call in bells.calls] == [MOST_AT_ONCE, 1]


def test_later_versions_of_a_copy_wait_for_the_earlier_ones(harbor: Tenant, bells: Bells) -> None:
    copy_id = uuid4()
    for version in (2, 1):
        put(harbor, Ring(bell=str(version)), copy_id=copy_id, version=version)

    drain("default", registry=bells.registry)

    assert bells.calls == [["1"], ["2"]]


def test_an_action_that_fails_among_others_fails_alone(harbor: Tenant, bells: Bells) -> None:
    for bell in ("a", "broken", "b"):
        put(harbor, Ring(bell=bell))

    drained = drain("default", registry=bells.registry)

    assert drained == Drained(done=2, dead=1)
    assert bells.calls == [["a", "broken", "b"], ["a"], ["broken"], ["b"]]
    assert [(row.payload, row.state) for row in rows()] == [({"bell": "broken"}, "dead")]


def test_actions_whose_worker_died_run_alone(harbor: Tenant, bells: Bells) -> None:
    for bell in ("a", "b"):
        put(harbor, Ring(bell=bell))
    with across_tenants(using="default"):
        OutboxAction.objects.update(lease_token=uuid4(), leased_until=timezone.now())
    pass_time(60)

    drain("default", registry=bells.registry)

    assert sorted(bells.calls) == [["a"], ["b"]]


def test_an_action_that_may_have_killed_its_worker_joins_no_others(harbor: Tenant, bells: Bells) -> None:
    for bell in ("a", "suspect", "b"):
        put(harbor, Ring(bell=bell))
    with across_tenants(using="default"):
        OutboxAction.objects.filter(payload={"bell": "suspect"}).update(crashes=1)

    drain("default", registry=bells.registry)

    assert sorted(bells.calls) == [["a", "b"], ["suspect"]]


def test_actions_that_wait_to_run_alone_are_returned_to_other_workers(
    harbor: Tenant, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.lease.PATIENCE", 0.0)
    for bell in ("a", "b", "c"):
        put(harbor, Ring(bell=bell))
    with across_tenants(using="default"):
        claims = Claims("default", registry=bells.registry, lease=30)
        holding = LeasedRows(claims, claims.claim(10), alias="default", lease=30)
        first = holding.next()
        assert first is not None
        others = holding.next_like(first, most=10)
        assert [row.payload["bell"] for row in others] == ["b", "c"]
        assert not holding._surrender()

        holding.put_back(others)

        assert holding.next_like(first, most=10) == []
        assert holding._surrender()
        assert holding.given_back == 2
        assert [row.payload["bell"] for row in rows() if row.lease_token is None] == ["b", "c"]
        assert holding.next() is None


def test_a_drain_ends_with_a_claim_that_took_all(
    harbor: Tenant, summit: Tenant, bells: Bells, claimed: list[int]
) -> None:
    for tenant in (harbor, harbor, summit):
        put(tenant, Ring(bell="a"))

    assert drain("default", registry=bells.registry) == Drained(done=3)
    put(harbor, Ring(bell="a"))
    assert drain("default", registry=bells.registry) == Drained(done=1)

    assert claimed == [3, 1]


def test_a_drain_goes_on_after_a_full_claim(harbor: Tenant, summit: Tenant, bells: Bells, claimed: list[int]) -> None:
    for tenant in (*[harbor] * 5, summit):
        put(tenant, Ring(bell="a"))

    assert drain("default", registry=bells.registry, batch=4) == Drained(done=6)

    # Two places for each tenant, of which one had more rows; then all four places are taken by nobody else.
    assert claimed == [3, 3]
    assert rows() == []


def test_a_drain_goes_on_while_tenants_found_no_place(
    harbor: Tenant, summit: Tenant, bells: Bells, claimed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.claims._TENANTS_AT_ONCE", 1)
    for tenant in (harbor, summit):
        put(tenant, Ring(bell="a"))

    assert drain("default", registry=bells.registry) == Drained(done=2)

    assert claimed == [1, 1]


def test_a_drain_goes_on_with_a_version_that_a_dead_letter_held_back(
    harbor: Tenant, bells: Bells, claimed: list[int]
) -> None:
    copy_id = uuid4()
    put(harbor, Ring(bell="broken"), copy_id=copy_id, version=1)
    put(harbor, Ring(bell="b"), copy_id=copy_id, version=2)

    assert drain("default", registry=bells.registry) == Drained(done=1, dead=1)

    assert claimed == [1, 1]


def test_a_drain_goes_on_with_what_an_action_stored(harbor: Tenant, bells: Bells, claimed: list[int]) -> None:
    def ring(_: Delivered) -> None:
        put(harbor, Ring(bell="a"))

    bells.registry.register(Refill, ring)
    put(harbor, Refill(bowl="x"))

    assert drain("default", registry=bells.registry) == Drained(done=2)

    assert claimed == [1, 1]


def test_actions_that_ran_at_once_are_one_line_with_their_ids(harbor: Tenant, bells: Bells) -> None:
    ids = [put(harbor, Ring(bell=bell)) for bell in ("a", "b")]

    with capture_logs() as lines:
        drain("default", registry=bells.registry)

    assert [line for line in lines if line["event"] == "action_done"] == [
        {
            "event": "action_done",
            "log_level": "info",
            "actions": [str(action_id) for action_id in ids],
            "correlation_ids": ["bell-1"],
            "kind": "ring",
            "tenant": harbor.code,
            "attempt": 1,
        }
    ]
