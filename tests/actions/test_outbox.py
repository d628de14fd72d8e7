"""Hints, sweeps, hourly maintenance, lag, and the closed registry."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection
from prometheus_client import REGISTRY as METRICS
from redis.exceptions import ConnectionError as NoConnection
from structlog.contextvars import bound_contextvars, get_contextvars

from actions import maintenance, relay, tasks, wakeup, wakeup_hints
from actions.kinds import Purge
from actions.lag import Lag, lag_of
from actions.maintenance import RetentionRegisteredTwice, emit_hourly_actions, retention
from actions.models import OutboxAction
from actions.registry import Budget, RegisteredTwice, Registry, UnknownKind
from batch import service as batch
from batch.models import IdempotencyRecord
from redis_locks.outage import outage
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.outboxes import Bench, Refill, Ring, delivered, put, rows
from tests.harness.tiers import until

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return the tasks that would be sent to Celery."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda args, **how: messages.append(args))
    return messages


@pytest.fixture
def redis_is_back() -> Iterator[None]:
    """Reset the memory of an outage, so that it does not affect other tests."""
    yield
    outage.answered()


class TestHints:
    def test_at_most_one_hint_is_in_transit(self, sent: list[tuple[Any, ...]]) -> None:
        for _ in range(3):
            wakeup.wake_relay("default")
        wakeup.wake_relay("summit_db")

        assert sent == [("default",), ("summit_db",)]

    def test_a_hint_that_arrived_makes_way_for_the_next(self, sent: list[tuple[Any, ...]]) -> None:
        wakeup.wake_relay("default")
        tasks.drain("default")
        wakeup.wake_relay("default")

        assert sent == [("default",), ("default",)]

    def test_a_server_sends_hints_a_moment_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[object] = []
        monkeypatch.setattr(
            tasks.drain, "apply_async", lambda args, **how: sent.append((*args, get_contextvars()["correlation_id"]))
        )
        monkeypatch.setattr(wakeup_hints, "_apart", threading.Event())
        monkeypatch.setattr(wakeup, "GATHERING", 0.2)
        wakeup_hints.send_apart()

        with bound_contextvars(correlation_id="of the save"):
            wakeup.wake_relay("default")
            wakeup.wake_relay("default")

        assert sent == []
        until(lambda: sent == [("default", "of the save")])

    def test_a_hint_without_a_worker_holds_back_others_only_for_a_while(self, sent: list[tuple[Any, ...]]) -> None:
        wakeup.wake_relay("default")

        left = get_redis_connection("default").ttl(wakeup_hints._key("default"))
        assert 0 < left <= wakeup_hints.SECONDS

    def test_redis_away_fails_no_save_and_is_counted(
        self, monkeypatch: pytest.MonkeyPatch, redis_is_back: None, sent: list[tuple[Any, ...]]
    ) -> None:
        def refuse(alias: str) -> bool:
            raise NoConnection

        monkeypatch.setattr(wakeup_hints, "get_redis_connection", refuse)
        name, labels = "partner_engine_action_hints_unsent_total", {"reason": "ConnectionError"}
        before = METRICS.get_sample_value(name, labels) or 0

        wakeup.wake_relay("default")

        assert METRICS.get_sample_value(name, labels) == before + 1
        assert sent == []

    def test_a_broker_that_is_away_fails_no_save(self, monkeypatch: pytest.MonkeyPatch, redis_is_back: None) -> None:
        def refuse(**how: Any) -> None:
            raise tasks.drain.OperationalError

        monkeypatch.setattr(tasks.drain, "apply_async", refuse)

        wakeup.wake_relay("default")


class TestTasks:
    def test_beat_runs_the_maintenance(self) -> None:
        tasks.drain.app.loader.import_default_modules()
        known = {entry["task"] for entry in tasks.drain.app.conf.beat_schedule.values()}

        assert "actions.tasks.run_maintenance" in known
        assert known <= set(tasks.drain.app.tasks)


class TestUpkeep:
    def test_each_hourly_action_is_emitted_once_per_tenant(self, harbor: Tenant, summit: Tenant) -> None:
        new = emit_hourly_actions("default")

        asked = Counter((row.tenant_id, row.kind, row.target) for row in rows())
        assert new == len(asked) == sum(asked.values())
        for tenant in (harbor, summit):
            assert asked[tenant.pk, "recount_active_users", str(tenant.pk)] == 1
            for what in ("dead letters", "stored answers", "webhooks"):
                assert asked[tenant.pk, "purge", what] == 1
        assert emit_hourly_actions("default") == 0

    @pytest.mark.django_db(databases=["default", SECOND_DATABASE])
    def test_hourly_actions_are_emitted_in_the_tenants_own_database(self, harbor: Tenant, summit_apart: Tenant) -> None:
        tasks.run_maintenance()

        assert {row.tenant_id for row in rows()} == {harbor.pk}
        assert {row.tenant_id for row in rows(SECOND_DATABASE)} == {summit_apart.pk}

    def test_old_dead_letters_are_deleted_and_recent_ones_stay(self, harbor: Tenant, summit: Tenant) -> None:
        then = timezone.now() - timedelta(days=91)
        for tenant in (harbor, summit):
            put(tenant, Ring(bell=f"old of {tenant.code}"), state="dead", died_at=then)
        put(harbor, Ring(bell="young"), state="dead", died_at=timezone.now())
        put(harbor, Ring(bell="waits"))

        run_purge(harbor, "dead letters")

        assert {row.target for row in rows()} == {f"old of {summit.code}", "young", "waits"}

    def test_more_rows_than_one_transaction_deletes_are_all_deleted(
        self, harbor: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(maintenance, "AT_ONCE", 2)
        for number in range(5):
            put(harbor, Ring(bell=str(number)), state="dead", died_at=timezone.now() - timedelta(days=91))

        run_purge(harbor, "dead letters")

        assert rows() == []

    def test_stored_responses_are_deleted_after_a_day(self, harbor: Tenant) -> None:
        with use_tenant(harbor):
            for hours in (23, 25):
                then = timezone.now() - timedelta(hours=hours)
                IdempotencyRecord.objects.create(
                    tenant_id=harbor.pk, client="user:1", key=str(hours), fingerprint=b"", status=200, body=b"",
                    created_at=then,
                )  # fmt: skip

        run_purge(harbor, "stored answers")

        with use_tenant(harbor):
            assert [record.key for record in IdempotencyRecord.objects.all()] == ["23"]

    def test_an_unknown_retention_rule_is_a_dead_letter(self, harbor: Tenant) -> None:
        put(harbor, Purge(what="everything"))

        assert relay.drain("default").dead == 1
        assert [(row.state, row.last_error) for row in rows()] == [
            ("dead", "No retention rule of this name is registered.")
        ]

    def test_a_purge_that_the_database_refuses_is_retried(
        self, harbor: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> None:
            raise OperationalError

        monkeypatch.setitem(maintenance._expired, "dead letters", refuse)
        put(harbor, Purge(what="dead letters"))

        assert relay.drain("default").failed == 1
        assert [(row.state, row.attempts) for row in rows()] == [("waiting", 1)]

    def test_a_purge_is_registered_once(self) -> None:
        with pytest.raises(RetentionRegisteredTwice):
            retention("dead letters")(OutboxAction.objects.none)


def run_purge(tenant: Tenant, what: str) -> None:
    """Run the purge of ``what`` as the relay does."""
    with use_tenant(tenant):
        maintenance.purge(delivered(Purge(what=what), tenant))


class TestLag:
    def test_lag_counts_waiting_dead_and_parked_actions_and_their_age(self, harbor: Tenant) -> None:
        bench = Bench()
        bench.register(Ring)
        minute_ago = timezone.now() - timedelta(minutes=1)
        put(harbor, Ring(bell="a"), next_attempt_at=minute_ago)
        put(harbor, Ring(bell="b"), payload_version=2)
        put(harbor, Refill(bowl="c"))
        put(harbor, Ring(bell="d"), state="dead")

        lag = lag_of("default", registry=bench.registry)

        assert (lag.waiting, lag.dead, lag.parked) == (3, 1, 2)
        assert 59 < lag.oldest_due < 90

    def test_an_empty_outbox_is_not_behind(self, harbor: Tenant) -> None:
        assert lag_of("default", registry=Registry()) == Lag(0, 0, 0, 0.0)

    @pytest.mark.django_db(databases=["default", SECOND_DATABASE])
    def test_metrics_report_the_lag(self, harbor: Tenant, client: Client) -> None:
        put(harbor, Ring(bell="a"))

        text = client.get("/metrics").content.decode()

        assert 'partner_engine_outbox_waiting{database="default"} 1.0' in text
        assert 'partner_engine_outbox_oldest_due_seconds{database="default"}' in text


class TestRegistry:
    def test_it_is_closed(self) -> None:
        registry = Registry()
        registry.register(Ring, lambda delivered: None)

        with pytest.raises(RegisteredTwice):
            registry.register(Ring, lambda delivered: None)
        with pytest.raises(UnknownKind):
            registry.find("refill")

    def test_waits_double_up_to_the_maximum(self) -> None:
        budget = Budget(first=2, most=30)

        assert [budget.wait_after(attempt) for attempt in (1, 2, 3, 4, 5, 500)] == [2, 4, 8, 16, 30, 30]


def test_a_save_hints_at_its_actions_once_they_are_there(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    form_id = make_form()
    hinted: list[tuple[str, int]] = []
    monkeypatch.setattr("batch.effects.after_commit.wake_relay", lambda alias: hinted.append((alias, len(rows()))))
    before = len(rows())

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("kennel_name").apply("Quiet Paws")
        result = context.save()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.save()

    assert hinted == [("default", before + len(result.actions))]
    with use_tenant(kennels):
        assert {row.state for row in OutboxAction.objects.all()} == {"waiting"}
