"""Limits as callers use them: every scope is exact, rows of staff count, and an outage of Redis refuses nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries, Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from redis_locks.outage import RedisOutage
from tenants.access import Actor
from tenants.limit_models import OwnRateLimit, RateLimit, read_limits
from tenants.limits import check
from tenants.limits.check import AboveLimit, RateLimited, Use, address_subject, caller_subject, visitor_subject
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.process_counts import ProcessCounts
from tenants.limits.scopes import SCOPES, Limit
from tenants.limits.sliding_log import Count
from tenants.models import ApiClient, Tenant, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limits_on")]


def passes(scope: str, *subjects: check.Subject, times: int) -> int:
    """Return how many of ``times`` uses pass."""
    passed = 0
    for _ in range(times):
        try:
            check.take(scope, *subjects)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.fixture
def stored_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the limits that are stored, as they are at each call."""
    monkeypatch.setattr("tenants.limits.memory.FRESH_SECONDS", 0.0)
    monkeypatch.setattr(RateLimit, "memory", LimitMemory(read_limits))


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Let Redis be away; yield the calls that it would have received."""
    calls: list[object] = []

    def fail(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        raise RedisConnectionError

    for name in ("take", "give_back", "clear"):
        monkeypatch.setattr(f"tenants.limits.counts.{name}", fail)
    monkeypatch.setattr(check, "outage", RedisOutage(clock=lambda: 0.0))
    monkeypatch.setattr(check, "_in_process", ProcessCounts())
    monkeypatch.setattr(check._Outage, "is_on", False)
    yield calls


@pytest.mark.parametrize("scope", [name for name, scope in SCOPES.items() if scope.default.amount <= 200])
def test_each_scope_is_exact(scope: str) -> None:
    limit = SCOPES[scope].default
    visitor = visitor_subject("192.0.2.1")

    first = check.take(scope, visitor)
    assert first is not None
    assert (first.limit, first.window, first.remaining) == (limit.amount, limit.window, limit.amount - 1)
    assert passes(scope, visitor, times=limit.amount + 3) == limit.amount - 1
    with pytest.raises(RateLimited) as refused:
        check.take(scope, visitor)
    assert limit.window - 60 <= refused.value.retry_after <= limit.window


def test_a_large_amount_counts_at_once_and_one_above_the_limit_never_fits() -> None:
    one = visitor_subject("192.0.2.1")

    allowance = check.take("batch_items", one, amount=9_990)

    assert allowance is not None and allowance.remaining == 10
    with pytest.raises(RateLimited) as refused:
        check.take("batch_items", one, amount=11)
    assert not isinstance(refused.value, AboveLimit)
    with pytest.raises(AboveLimit, match="10001 at once exceed the limit of 10000"):
        check.take("batch_items", visitor_subject("192.0.2.2"), amount=10_001)


def test_several_scopes_are_taken_together_or_not_at_all() -> None:
    one = (visitor_subject("192.0.2.1"),)
    check.take("upload", *one, amount=10)

    with pytest.raises(RateLimited) as refused:
        check.take_all([Use("general", one), Use("upload", one)])

    assert refused.value.scope == "upload"
    allowance = check.take("general", *one)
    assert allowance is not None and allowance.remaining == 99


def test_callers_of_one_address_have_counts_of_their_own_and_share_the_address(owner: User, member: User) -> None:
    address = address_subject("192.0.2.1")
    mine, theirs = (caller_subject(user.as_actor(source="api"), user.tenant) for user in (owner, member))

    assert passes("upload", mine, address, times=12) == 10
    assert passes("upload", theirs, address, times=12) == 10
    # Only the 20 that passed count for the address.
    allowance = check.take("upload", address)
    assert allowance is not None and allowance.remaining == 79


def test_what_is_given_back_can_be_used_again() -> None:
    one = visitor_subject("192.0.2.1")
    assert passes("auth", one, times=6) == 5

    check.give_back("auth", one)

    assert passes("auth", one, times=2) == 1
    check.clear("auth", one)
    assert passes("auth", one, times=6) == 5


def test_rows_of_staff_replace_the_defaults_and_own_limits_come_first(
    stored_limits: None, harbor: Tenant, summit: Tenant, harbor_client: ApiClient
) -> None:
    RateLimit.objects.filter(scope="export").update(amount=3)
    OwnRateLimit.objects.create(scope="export", tenant=harbor, amount=4, window=60)
    OwnRateLimit.objects.create(scope="export", api_client=harbor_client, amount=5, window=60)
    agent = Actor(type="user", id=str(uuid4()), source="api", label="", rights=frozenset())
    program = harbor_client.as_actor(scopes=[])

    assert passes("export", caller_subject(agent, summit), times=9) == 3
    assert passes("export", caller_subject(Actor(**{**_fields(agent), "id": "2"}), harbor), times=9) == 4
    assert passes("export", caller_subject(program, harbor), times=9) == 5


def _fields(actor: Actor) -> dict[str, object]:
    return {name: getattr(actor, name) for name in ("type", "id", "source", "label", "rights")}


def test_a_lower_limit_holds_at_once_also_for_what_is_counted(stored_limits: None) -> None:
    one = visitor_subject("192.0.2.1")
    assert passes("export", one, times=10) == 10

    RateLimit.objects.filter(scope="export").update(amount=5)

    assert passes("export", one, times=1) == 0


def test_a_scope_that_is_switched_off_counts_nothing(stored_limits: None) -> None:
    RateLimit.objects.filter(scope="export").update(is_on=False)

    assert check.take("export", visitor_subject("192.0.2.1")) is None
    assert passes("export", visitor_subject("192.0.2.1"), times=30) == 30


def test_the_factor_multiplies_all_limits_and_0_switches_them_off(settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 1.5
    assert passes("auth", visitor_subject("192.0.2.1"), times=12) == 8

    settings.RATE_LIMIT_FACTOR = 0
    assert check.take("auth", visitor_subject("192.0.2.1")) is None


def test_the_migrations_add_a_row_with_the_default_of_each_scope() -> None:
    assert {row.scope: row.limit() for row in RateLimit.objects.all()} == {
        scope.name: scope.default for scope in SCOPES.values()
    }


def test_the_rows_are_read_once_in_a_few_seconds(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    now = 0.0
    memory = LimitMemory(read_limits, clock=lambda: now)

    with django_assert_num_queries(2):
        for _ in range(10):
            memory.known()
    now = 5.0
    with django_assert_num_queries(2):
        memory.known()


def test_while_the_database_is_away_the_last_known_limits_hold() -> None:
    known = StoredLimits(scopes={"export": Limit(amount=3, window=60)})
    answers: list[object] = [known, DatabaseError(), DatabaseError()]
    now = 0.0

    def read() -> StoredLimits:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, StoredLimits)
        return answer

    memory = LimitMemory(read, clock=lambda: now)
    assert memory.known() == known
    now = 10.0

    with capture_logs() as logs:
        assert memory.known() == known
        assert memory.known() == known

    assert [entry["event"] for entry in logs] == ["limits_not_read"]


def test_without_redis_each_process_counts_and_says_so_once(no_redis: list[object]) -> None:
    one = visitor_subject("192.0.2.1")
    with capture_logs() as logs:
        assert passes("auth", one, times=20) == 5
        check.give_back("auth", one)
        assert passes("auth", one, times=2) == 1
        check.clear("auth", one)
        assert passes("auth", one, times=20) == 5

    assert [entry["event"] for entry in logs] == ["limits_counted_per_process"]
    # After the first failure Redis is left alone for a moment.
    assert len(no_redis) == 1


def test_once_redis_is_back_it_counts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check._Outage, "is_on", True)
    with capture_logs() as logs:
        check.take("auth", visitor_subject("192.0.2.1"))
        check.take("auth", visitor_subject("192.0.2.1"))

    assert [entry["event"] for entry in logs] == ["limits_counted_in_redis"]


def test_a_process_remembers_a_bounded_number_of_callers() -> None:
    counts = ProcessCounts(most=100)
    for number in range(1_000):
        counts.take([Count(str(number), 1, 5, 60_000)])

    assert len(counts) == 100


def test_keys_contain_no_address_and_no_name() -> None:
    keys = [entry.number.key for entry in check._counted([Use("auth", (visitor_subject("192.0.2.1"),))])]

    assert len(keys) == 1
    assert "192.0.2.1" not in keys[0]
    assert re.fullmatch("[0-9a-f]{24}", keys[0].rpartition(":")[2])
