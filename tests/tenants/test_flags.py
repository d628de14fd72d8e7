"""Flags as the database stores them and as processes read them: fresh within a second, with and without Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import waffle
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.test import RequestFactory

from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagRule, FlagState
from tenants.flags import COPIES, explain_flag
from tenants.models import ApiClient, Flag, Tenant, User
from tests.harness.tiers import PATIENCE, within


class FakeCache:
    """The cache in Redis, which can be away as django-redis answers then: reads are empty, writes do nothing."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.is_away = False

    def get(self, key: str) -> str | None:
        return None if self.is_away else self.values.get(key)

    def add(self, key: str, value: str, timeout: None) -> bool:
        return not self.is_away and self.values.setdefault(key, value) == value

    def set(self, key: str, value: str, timeout: None) -> None:
        if not self.is_away:
            self.values[key] = value


class Stage:
    """One stored flag, a clock, and the memories of processes that read both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache = FakeCache()
        monkeypatch.setattr("tenants.flag_memory.cache", self.cache)
        self.now = 0.0
        self.reads = 0
        self.stored = FlagState(name=COPIES, everyone=True)

    def process(self) -> FlagMemory:
        return FlagMemory(self._read, clock=lambda: self.now)

    def _read(self) -> dict[str, FlagState]:
        self.reads += 1
        return {COPIES: self.stored}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def switch_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from_now_on = FlagState(name=COPIES, is_on=False)
    stage.stored = from_now_on
    stage.cache.set("flags:token", f"token of {stage.now}", None)


def is_on(memory: FlagMemory) -> bool:
    found = memory.find(COPIES)
    return found is not None and found.is_on


def test_a_change_is_seen_within_the_fresh_time_and_costs_no_reads_before(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = [stage.process() for _ in range(3)]
    for tenth in range(50):
        stage.now = tenth / 10
        assert all(is_on(one) for one in processes)
    assert stage.reads == 3

    switch_off(stage, monkeypatch)

    stage.now += 0.5
    assert not any(is_on(one) for one in processes)
    assert stage.reads == 6


def test_without_redis_the_database_is_asked_four_times_a_second(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = stage.process()
    assert is_on(memory)
    stage.cache.is_away = True

    switch_off(stage, monkeypatch)

    stage.now = 0.5
    assert not is_on(memory)
    for hundredth in range(100):
        stage.now = 0.5 + hundredth / 100
        is_on(memory)
    assert stage.reads == 5


def test_a_change_that_did_not_reach_redis_is_seen_after_the_trusted_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = stage.process()
    assert is_on(memory)

    stage.stored = FlagState(name=COPIES, is_on=False)

    stage.now = 9.9
    assert is_on(memory)
    stage.now = 10.5
    assert not is_on(memory)


def test_a_redis_that_lost_its_data_hides_no_change(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = stage.process()
    assert is_on(memory)

    switch_off(stage, monkeypatch)
    stage.cache.values.clear()

    stage.now = 0.5
    assert not is_on(memory)


def test_a_change_between_the_token_and_the_rows_is_not_missed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = FlagMemory(lambda: read(), clock=lambda: stage.now)

    def read() -> dict[str, FlagState]:
        before = {COPIES: stage.stored}
        if stage.stored.is_on:
            switch_off(stage, monkeypatch)  # commits while this read is on its way
        return before

    assert is_on(memory)
    stage.now = 0.5
    assert not is_on(memory)


@pytest.mark.django_db(transaction=True)
def test_the_off_switch_reaches_every_process_within_a_second(harbor: Tenant) -> None:
    """Eight memories, one per thread with its own connection, as processes have them; the real Redis and database."""
    flag = Flag.objects.create(name=COPIES, everyone=True)
    ready, times = threading.Barrier(9), []

    def watch(number: int) -> float:
        memory = FlagMemory(Flag.read_states)
        try:
            assert is_on(memory)
            ready.wait(timeout=PATIENCE)
            while is_on(memory):
                time.sleep(0.01)
            return time.monotonic()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        watched = [pool.submit(watch, number) for number in range(8)]
        ready.wait(timeout=PATIENCE)
        with transaction.atomic():
            flag.is_on = False
            flag.save()
        committed = time.monotonic()
        times = [one.result(timeout=PATIENCE) - committed for one in watched]

    # The full tier has the machine to itself.
    assert max(times) < within(1)


@pytest.fixture
def flag(stored_flags: FlagMemory, db: None) -> Flag:
    return Flag.objects.create(name=COPIES)


def test_the_lists_of_the_database(flag: Flag, owner: User, member: User, stranger: User, harbor: Tenant) -> None:
    group = Group.objects.create(name="Pilots")
    stranger.groups.add(group)
    flag.tenants.add(harbor)
    flag.groups.add(group)
    flag.denied_users.add(member)
    flag.percent = Decimal("12.5")
    flag.save()

    verdicts = {
        user.email: explain_flag(COPIES, actor=user.as_actor(source="web"), tenant=user.tenant)  # type: ignore[arg-type]
        for user in (owner, member, stranger)
    }

    assert {email: (bool(verdict), verdict.rule) for email, verdict in verdicts.items()} == {
        owner.email: (True, FlagRule.TENANT),
        member.email: (False, FlagRule.DENY_LIST),
        stranger.email: (True, FlagRule.ALLOW_LIST),
    }
    assert [flag.explain(user) for user in (owner, member, stranger)] == list(verdicts.values())
    assert flag.state().percent == Decimal("12.50")


def test_api_clients_follow_their_tenant(flag: Flag, harbor_client: ApiClient, harbor: Tenant) -> None:
    assert not flag.explain(harbor_client)

    flag.tenants.add(harbor)

    assert flag.explain(harbor_client).rule is FlagRule.TENANT


def test_flags_are_read_in_one_query(flag: Flag, owner: User, django_assert_num_queries: Callable[[int], Any]) -> None:
    Flag.objects.create(name="another", everyone=True)

    with django_assert_num_queries(1):
        assert Flag.read_states().keys() == {"another", COPIES}


def test_waffles_own_calls_follow_the_same_rules(flag: Flag, owner: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = owner
    assert not waffle.flag_is_active(request, COPIES)

    flag.users.add(owner)
    assert waffle.flag_is_active(request, COPIES)
    assert not waffle.flag_is_active(request, "unknown")

    request.user = AnonymousUser()
    assert not waffle.flag_is_active(request, COPIES)


@pytest.mark.parametrize("percent", ["-1", "100.01"])
def test_percentages_outside_of_the_range_are_refused(flag: Flag, percent: str) -> None:
    flag.percent = Decimal(percent)

    with pytest.raises(ValidationError):
        flag.full_clean()


def test_waffles_own_flag_tables_are_gone(db: None) -> None:
    tables = connection.introspection.table_names()

    assert [name for name in tables if name.startswith("waffle_flag")] == []
    assert "tenants_flag" in tables
