"""The relay: runs due actions in order, at least once, and records the result."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from actions import claims
from actions.claims import Claims
from actions.registry import Delivered, PermanentFailure, RetryAfter
from actions.relay import MOST_CRASHES, Drained, drain
from tenants.current_tenant import across_tenants, current_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.certain_text import certain
from tests.harness.outboxes import Bench, Refill, Ring, pass_time, put, rows
from tests.harness.tiers import PATIENCE

pytestmark = pytest.mark.django_db
COPY = uuid4()


class Death(BaseException):
    """Ends a worker at once, as a kill would."""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def run(bench: Bench, **how: object) -> Drained:
    return drain("default", registry=bench.registry, **how)  # type: ignore[arg-type]


def test_an_action_that_ran_is_deleted(harbor: Tenant, bench: Bench) -> None:
    bench.register(Ring)
    ids = [put(harbor, Ring(bell=str(number))) for number in range(5)]

    drained = run(bench, batch=2)

    assert drained == Drained(done=5)
    assert [delivered.id for delivered in bench.seen] == ids
    assert rows() == []


def test_rows_behind_a_slow_action_run_in_a_tests_transaction_too(harbor: Tenant, bench: Bench) -> None:
    def take_long_once(_: Delivered) -> None:
        if not ran:
            time.sleep(1.2)
        ran.append(1)

    ran: list[int] = []
    bench.register(Ring, take_long_once)
    for number in range(2):
        put(harbor, Ring(bell=str(number)))

    assert run(bench) == Drained(done=2)


def test_a_handler_gets_the_action_as_it_was_stored_with_its_tenant_in_scope(harbor: Tenant, bench: Bench) -> None:
    scopes: list[object] = []
    bench.register(Ring, lambda _: scopes.append((current_tenant(), get_contextvars()["correlation_id"])))
    put(harbor, Ring(bell="front"), copy_id=COPY, version=7)
    stored = rows()[0]

    run(bench)

    assert bench.seen == [
        Delivered(
            id=stored.id, kind="ring", payload={"bell": "front"}, payload_version=1, tenant=harbor, copy_id=COPY,
            version=7, correlation_id="bell-1", attempt=1, created_at=stored.created_at,
        )
    ]  # fmt: skip
    assert scopes == [(harbor, "bell-1")]
    assert "correlation_id" not in get_contextvars()


def test_actions_of_many_tenants_each_run_in_their_own_scope(harbor: Tenant, summit: Tenant, bench: Bench) -> None:
    scopes: list[Tenant] = []
    bench.register(Ring, lambda _: scopes.append(current_tenant()))
    put(harbor, Ring(bell="a"))
    put(summit, Ring(bell="b"))

    run(bench)

    assert scopes == [harbor, summit]


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_drain_is_of_one_database(harbor: Tenant, summit_apart: Tenant, bench: Bench) -> None:
    bench.register(Ring)
    put(harbor, Ring(bell="shared"))
    put(summit_apart, Ring(bell="apart"), using=SECOND_DATABASE)

    drain(SECOND_DATABASE, registry=bench.registry)

    assert bench.handled == [("apart", 1)]
    assert len(rows()) == 1
    assert rows(SECOND_DATABASE) == []


def test_many_actions_take_few_round_trips(harbor: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine needs more than this time for the actions, and would settle them in several parts.
    monkeypatch.setattr("actions.relay._SETTLE_SECONDS", PATIENCE)
    bench.register(Ring)
    for number in range(50):
        put(harbor, Ring(bell=str(number)))

    with CaptureQueriesContext(connection) as queries:
        run(bench)

    # Claim, tenants, delete; then nothing new, nothing left: twice.
    assert len(queries) <= 8


def test_other_rows_do_not_search_for_those_of_dead_workers_each_time(
    harbor: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[int] = []
    search = Claims.claim_left
    monkeypatch.setattr(Claims, "claim_left", lambda self: searches.append(1) or search(self))
    # A busy machine needs more than a second for the actions.
    monkeypatch.setattr("actions.claims.LEFT_SECONDS", PATIENCE)
    bench.register(Ring)
    for number in range(20):
        put(harbor, Ring(bell=str(number)))

    run(bench, batch=2)

    # With the first rows, and when none are left.
    assert len(searches) == 2


class TestFailures:
    def test_a_failed_action_waits_longer_each_time_and_then_is_a_dead_letter(
        self, harbor: Tenant, bench: Bench
    ) -> None:
        def fail(_: Delivered) -> None:
            raise ValueError("078-05-1120")

        bench.register(Ring, fail, tries=4)
        put(harbor, Ring(bell="front"))
        waits = []
        for attempt in (1, 2, 3):
            before = timezone.now()
            assert run(bench) == Drained(failed=1)
            (row,) = rows()
            assert (row.state, row.attempts, row.lease_token, row.crashes) == ("waiting", attempt, None, 0)
            waits.append([(row.next_attempt_at - at).total_seconds() for at in (before, timezone.now())])
            assert run(bench) == Drained()
            pass_time(10)

        assert run(bench) == Drained(dead=1)

        (row,) = rows()
        assert (row.state, row.attempts, row.lease_token) == ("dead", 4, None)
        assert row.died_at is not None
        assert row.last_error.startswith("builtins.ValueError in fail, line ")
        assert "078" not in certain(row.last_error)
        assert [0.5 * 2**n <= least and most <= 2**n for n, (least, most) in enumerate(waits)] == [True] * 3
        assert [delivered.attempt for delivered in bench.seen] == [1, 2, 3, 4]

    def test_a_permanent_failure_is_not_retried(self, harbor: Tenant, bench: Bench) -> None:
        def fail(_: Delivered) -> None:
            raise PermanentFailure("There is no such bell.")

        bench.register(Ring, fail)
        put(harbor, Ring(bell="front"))

        assert run(bench) == Drained(dead=1)
        assert [(row.state, row.last_error) for row in rows()] == [("dead", "There is no such bell.")]

    def test_a_handler_may_set_the_time_of_the_retry(self, harbor: Tenant, bench: Bench) -> None:
        def fail(_: Delivered) -> None:
            raise RetryAfter(120, "The ringer is out.")

        bench.register(Ring, fail)
        put(harbor, Ring(bell="front"))

        run(bench)

        (row,) = rows()
        assert row.last_error == "The ringer is out."
        assert timedelta(seconds=115) < row.next_attempt_at - timezone.now() <= timedelta(seconds=120)

    def test_one_failure_affects_no_other_action(self, harbor: Tenant, bench: Bench) -> None:
        def fail(delivered: Delivered) -> None:
            if delivered.payload["bell"] == "1":
                raise ValueError

        bench.register(Ring, fail)
        for number in range(3):
            put(harbor, Ring(bell=str(number)))

        assert run(bench) == Drained(done=2, failed=1)
        assert [row.target for row in rows()] == ["1"]

    def test_an_action_of_a_deleted_tenant_is_a_dead_letter(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Ring)
        put(harbor, Ring(bell="front"), tenant_id=uuid4())

        assert run(bench) == Drained(dead=1)
        assert bench.seen == []

    def test_a_failure_is_logged_under_the_correlation_id_of_the_save(self, harbor: Tenant, bench: Bench) -> None:
        def fail(_: Delivered) -> None:
            raise RetryAfter(5, "The ringer is out.")

        bench.register(Ring, fail)
        put(harbor, Ring(bell="front"))

        with capture_logs() as lines:
            run(bench)

        assert [(line["event"], line["reason"]) for line in lines] == [("action_failed", "The ringer is out.")]


class TestOrder:
    def test_versions_of_a_copy_run_in_order(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Ring)
        for version in (3, 1, 2):
            put(harbor, Ring(bell="front"), copy_id=COPY, version=version)

        run(bench)

        assert bench.handled == [("front", 1), ("front", 2), ("front", 3)]

    def test_a_later_version_waits_for_an_earlier_one_that_failed_and_others_do_not(
        self, harbor: Tenant, bench: Bench
    ) -> None:
        failing = {1}

        def fail(delivered: Delivered) -> None:
            if delivered.version in failing:
                raise RetryAfter(60, "Not now.")

        bench.register(Ring, fail)
        put(harbor, Ring(bell="front"), copy_id=COPY, version=1)
        put(harbor, Ring(bell="back"), copy_id=COPY, version=2)
        put(harbor, Ring(bell="other"), version=3)

        run(bench)
        assert bench.handled == [("front", 1), ("other", 3)]

        failing.clear()
        pass_time(60)
        run(bench)
        assert bench.handled[2:] == [("front", 1), ("back", 2)]

    def test_a_dead_letter_blocks_nothing(self, harbor: Tenant, bench: Bench) -> None:
        def fail(delivered: Delivered) -> None:
            if delivered.version == 1:
                raise PermanentFailure("Broken.")

        bench.register(Ring, fail)
        put(harbor, Ring(bell="front"), copy_id=COPY, version=1)
        put(harbor, Ring(bell="front"), copy_id=COPY, version=2)

        assert run(bench) == Drained(done=1, dead=1)

    def test_the_latest_fresh_action_of_a_target_replaces_the_earlier_ones(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Refill)
        for version in (1, 2, 3):
            put(harbor, Refill(bowl="cat"), copy_id=COPY, version=version)
        put(harbor, Refill(bowl="dog"), copy_id=COPY, version=1)

        run(bench)

        assert bench.handled == [("cat", 3), ("dog", 1)] or bench.handled == [("dog", 1), ("cat", 3)]
        assert rows() == []

    def test_a_failed_fresh_action_replaces_earlier_ones_only_when_it_succeeds(
        self, harbor: Tenant, bench: Bench
    ) -> None:
        def fail(delivered: Delivered) -> None:
            if delivered.attempt == 1:
                raise RetryAfter(60, "Not now.")

        bench.register(Refill, fail)
        for version in (1, 2):
            put(harbor, Refill(bowl="cat"), copy_id=COPY, version=version)

        run(bench)
        assert len(rows()) == 2

        pass_time(60)
        run(bench)
        assert (bench.handled, rows()) == ([("cat", 2)] * 2, [])

    def test_a_fresh_action_emitted_while_another_runs_runs_too(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(
            Refill,
            lambda delivered: delivered.version == 1 and put(harbor, Refill(bowl="cat"), copy_id=COPY, version=2),
        )
        put(harbor, Refill(bowl="cat"), copy_id=COPY, version=1)

        run(bench)

        assert bench.handled == [("cat", 1), ("cat", 2)]


def test_thousands_of_versions_of_one_copy_do_not_stop_the_relay(harbor: Tenant, bench: Bench) -> None:
    bench.register(Refill)
    put(harbor, Refill(bowl="front"), copy_id=COPY, version=1)
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO actions_outboxaction SELECT (jsonb_populate_record(o, jsonb_build_object("
            "'id', gen_random_uuid(), 'version', g.number, 'payload', o.payload))).*"
            " FROM actions_outboxaction o, generate_series(2, 6000) g (number)"
        )
        cursor.execute("ANALYZE actions_outboxaction")
        # A third of a second here, or a quarter of a minute where a claim reads the table for each row.
        cursor.execute("SET LOCAL statement_timeout = '4s'")

    run(bench, until_empty=False)

    assert bench.handled == [("front", 6_000)]


class TestLeases:
    def test_rows_of_another_worker_are_left_until_their_lease_expires(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Ring)
        put(harbor, Ring(bell="front"))
        with across_tenants(using="default"):
            assert len(Claims("default", registry=bench.registry, lease=30).claim(10)) == 1

        assert run(bench) == Drained()
        pass_time(31)
        assert run(bench) == Drained(done=1)
        assert bench.seen[0].attempt == 2

    def test_a_worker_without_its_lease_ends_nothing(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Ring)
        slow = Claims("default", registry=bench.registry, lease=30)
        row_id = put(harbor, Ring(bell="front"))
        with across_tenants(using="default"):
            slow.claim(10)
        pass_time(31)
        with across_tenants(using="default"):
            (taken,) = Claims("default", registry=bench.registry, lease=30).claim_left()

            assert slow.done([row_id]) == slow.bury(row_id, error="x") == slow.renew([row_id]) == 0
            assert slow.later(row_id, seconds=1, error="x") == slow.give_back([row_id]) == 0
        assert (taken.id, taken.crashes, rows()[0].state) == (row_id, 1, "waiting")

    @pytest.mark.django_db(transaction=True)
    def test_a_broken_connection_ends_no_renewing(
        self, harbor: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renew, renewed, other = Claims.renew, [], Bench()

        def renew_but_for_once(claims: Claims, ids: Iterable[UUID]) -> int:
            if not renewed:
                renewed.append(0)
                connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
            renewed.append(renew(claims, ids))
            return renewed[-1]

        def take_long(_: Delivered) -> None:
            time.sleep(2.0)
            run(other)

        monkeypatch.setattr(Claims, "renew", renew_but_for_once)
        bench.register(Ring, take_long)
        other.register(Ring)
        put(harbor, Ring(bell="front"))

        drained = run(bench, lease=0.9)

        assert renewed[:3] == [0, 1, 1]
        assert (drained, other.seen) == (Drained(done=1), [])

    def test_an_action_that_kills_its_worker_becomes_a_dead_letter_alone(self, harbor: Tenant, bench: Bench) -> None:
        def die(delivered: Delivered) -> None:
            if delivered.payload["bell"] == "1":
                raise Death

        bench.register(Ring, die)
        for number in range(4):
            put(harbor, Ring(bell=str(number)))
        deaths = 0
        while any(row.state == "waiting" for row in rows()):
            try:
                run(bench)
            except Death:
                deaths += 1
                pass_time(31)

        assert deaths == MOST_CRASHES
        assert [(row.target, row.state, row.crashes) for row in rows()] == [("1", "dead", MOST_CRASHES)]
        assert rows()[0].last_error == "Its worker was gone before the attempt ended, 5 times."
        # Before the first death nothing was recorded; afterwards each row ran alone.
        assert sorted(bell for bell, _ in bench.handled if bell != "1") == ["0", "0", "2", "3"]


class TestUpgrades:
    def test_an_unknown_action_waits_without_an_attempt(self, harbor: Tenant, bench: Bench) -> None:
        bench.register(Ring)
        put(harbor, Ring(bell="new"), payload_version=2, copy_id=COPY, version=1)
        put(harbor, Ring(bell="after"), copy_id=COPY, version=2)
        put(harbor, Refill(bowl="unknown"))

        assert run(bench) == Drained()
        assert [(row.state, row.attempts) for row in rows()] == [("waiting", 0)] * 3

    def test_an_unknown_action_runs_after_the_upgrade(
        self, harbor: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.register(Ring)
        put(harbor, Ring(bell="new"), payload_version=2, copy_id=COPY, version=1)
        put(harbor, Ring(bell="after"), copy_id=COPY, version=2)
        monkeypatch.setattr(Ring, "payload_version", 2)

        assert run(bench) == Drained(done=2)
        assert [delivered.payload_version for delivered in bench.seen] == [2, 1]

    def test_a_relay_that_claims_every_kind_would_run_unknown_actions(
        self, harbor: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.register(Ring)
        put(harbor, Ring(bell="new"), payload_version=2)
        careless = claims._NEW.replace("AND o.payload_version <= k.newest", "")
        assert careless != claims._NEW
        monkeypatch.setattr(claims, "_NEW", careless)

        run(bench)

        assert [delivered.payload_version for delivered in bench.seen] == [2]


def test_a_few_actions_of_one_tenant_do_not_wait_behind_many_of_another(
    harbor: Tenant, summit: Tenant, bench: Bench
) -> None:
    bench.register(Ring)
    for number in range(60):
        put(harbor, Ring(bell=f"many {number}"))
    put(summit, Ring(bell="one"))

    with across_tenants(using="default"):
        claims = Claims("default", registry=bench.registry, lease=30)
        first = [row.tenant_id for row in claims.claim(20)]
        rest = [row.tenant_id for row in claims.claim(60)]

    assert first.count(harbor.id) == 10
    assert first.count(summit.id) == 1
    assert rest.count(harbor.id) >= 30
