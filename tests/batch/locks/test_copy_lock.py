"""The lock of a copy: it names its holder, is released on every way out, and work continues without Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django_redis import get_redis_connection
from prometheus_client import REGISTRY
from redis import Redis

from batch import errors
from batch import service as batch
from batch.locks import copy_lock
from batch.locks.copy_lock import CopyLock, CopyLocks, copy_lock_name, holder_of
from redis_locks.fair_lock import FairLock, keys_of
from redis_locks.outage import RedisOutage
from tenants.access import Actor, system_actor
from tenants.models import Tenant
from tests.harness.broken_redis import PATIENCE, hanging_server, refusing_client
from tests.harness.kennel_forms import AGENT

TENANT = UUID(int=1)
ROBIN = holder_of(AGENT)
KIM = holder_of(Actor(type="api_client", id="8", source="api", label="Kim's desk"))


@pytest.fixture
def copy_ids() -> Iterator[list[UUID]]:
    """Return ids of three copies; delete the keys of their locks afterwards."""
    made = [uuid4() for _ in range(3)]
    yield made
    get_redis_connection("default").delete(*(key for one in made for key in keys_of(copy_lock_name(TENANT, one))))


@pytest.fixture
def use_redis(monkeypatch: pytest.MonkeyPatch) -> Callable[[Redis], None]:
    """Return a function that connects the locks to another Redis; a failure is remembered during this test only."""
    monkeypatch.setattr(copy_lock, "outage", RedisOutage(pause=600))

    def use(client: Redis) -> None:
        monkeypatch.setattr(copy_lock, "get_redis_connection", lambda alias: client)

    return use


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def is_free(copy_id: UUID) -> bool:
    return not get_redis_connection("default").exists(*keys_of(copy_lock_name(TENANT, copy_id)))


# One copy


def test_a_refusal_names_the_holder(copy_ids: list[UUID]) -> None:
    with CopyLock(TENANT, copy_ids[0], wait=0, holder=KIM), pytest.raises(errors.LockNotAcquired) as refused:
        CopyLock(TENANT, copy_ids[0], wait=0, holder=ROBIN).__enter__()

    holder = refused.value.holder
    assert holder is not None and holder.since is not None
    assert (holder.who, holder.where) == ("Kim's desk (api_client 8)", KIM.where)
    assert str(refused.value) == (
        f"Kim's desk has been saving this copy since {holder.since:%H:%M:%S} UTC (api). Try again in a moment."
    )


def test_a_refusal_may_name_an_unknown_holder(copy_ids: list[UUID]) -> None:
    get_redis_connection("default").set(copy_lock_name(TENANT, copy_ids[0]), b"older", px=5_000)

    with pytest.raises(errors.LockNotAcquired, match="Another save is using this copy") as refused:
        CopyLock(TENANT, copy_ids[0], wait=0, holder=ROBIN).__enter__()

    assert refused.value.holder is None


def test_an_actor_is_named_by_kind_id_and_name() -> None:
    assert ROBIN.who == f"Robin Agent (user {UUID(int=7)})"
    assert holder_of(Actor(type="guest", id="4", source="web")).who == "guest 4"
    assert holder_of(system_actor("purge")).entry_point == "job"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_lock_is_released_on_every_way_out(copy_ids: list[UUID], fault: type[BaseException]) -> None:
    with pytest.raises(fault), CopyLock(TENANT, copy_ids[0], wait=0, holder=ROBIN) as lock:
        assert lock.is_held and not is_free(copy_ids[0])
        raise fault

    assert is_free(copy_ids[0])


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_the_batch_releases_the_lock_on_every_way_out(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, fault: type[BaseException]
) -> None:
    form_id = make_form()
    with pytest.raises(fault), batch.find_and_lock(form_id, scope=kennels, actor=agent):
        raise fault

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0) as context:
        assert not context.is_without_lock


def test_an_expired_lock_is_counted_and_reported(copy_ids: list[UUID]) -> None:
    before = counted("partner_engine_locks_lost_total")

    with CopyLock(TENANT, copy_ids[0], wait=0, holder=ROBIN) as lock:
        get_redis_connection("default").delete(copy_lock_name(TENANT, copy_ids[0]))
        assert not lock.is_degraded
        lock.extend()
        assert (lock.is_held, lock.is_degraded) == (False, True)

    assert counted("partner_engine_locks_lost_total") == before + 1


def test_the_waiting_time_is_measured(copy_ids: list[UUID]) -> None:
    name, bucket = "partner_engine_lock_wait_seconds", "partner_engine_lock_wait_seconds_bucket"
    taken, missed = counted(f"{name}_count", outcome="taken"), counted(f"{name}_count", outcome="missed")
    quick = counted(bucket, outcome="missed", le="0.05")

    with CopyLock(TENANT, copy_ids[0], wait=0, holder=KIM), pytest.raises(errors.LockNotAcquired):
        CopyLock(TENANT, copy_ids[0], wait=0.1, holder=ROBIN).__enter__()

    assert counted(f"{name}_count", outcome="taken") == taken + 1
    assert counted(f"{name}_count", outcome="missed") == missed + 1
    assert counted(bucket, outcome="missed", le="0.05") == quick


# Without Redis


def work_without_lock(copy_id: UUID, *, times: int) -> list[bool]:
    told = []
    for _ in range(times):
        with CopyLock(TENANT, copy_id, wait=5, holder=ROBIN) as lock:
            lock.extend()
            told.append(lock.is_degraded and not lock.is_held)
    return told


def test_work_continues_while_redis_refuses_and_is_counted(
    copy_ids: list[UUID], use_redis: Callable[[Redis], None]
) -> None:
    use_redis(refusing_client())
    before = counted("partner_engine_saves_without_lock_total")

    assert work_without_lock(copy_ids[0], times=5) == [True] * 5

    assert counted("partner_engine_saves_without_lock_total") == before + 5


def test_a_redis_that_hangs_is_waited_for_once(copy_ids: list[UUID], use_redis: Callable[[Redis], None]) -> None:
    before = counted("partner_engine_saves_without_lock_total")
    with hanging_server() as server:
        use_redis(server.client)

        assert work_without_lock(copy_ids[0], times=20) == [True] * 20

        # During the pause after the first failure no thread called Redis.
        assert server.connections == 1
    assert counted("partner_engine_saves_without_lock_total") == before + 20


def test_without_remembering_every_save_would_wait_for_it(
    copy_ids: list[UUID], use_redis: Callable[[Redis], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging_server() as server:
        use_redis(server.client)
        monkeypatch.setattr(copy_lock, "outage", RedisOutage(pause=0))
        started = time.monotonic()

        work_without_lock(copy_ids[0], times=3)

        assert server.connections == 3
        assert time.monotonic() - started >= 3 * PATIENCE


def test_few_of_many_threads_wait_for_a_redis_that_hangs(
    copy_ids: list[UUID], use_redis: Callable[[Redis], None]
) -> None:
    with hanging_server() as server:
        use_redis(server.client)
        work_without_lock(copy_ids[0], times=1)
        copy_lock.outage.failed()

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda _: work_without_lock(copy_ids[0], times=5), range(8)))

        assert told == [[True] * 5] * 8
        assert server.connections == 1


def test_locks_return_with_redis(
    copy_ids: list[UUID], use_redis: Callable[[Redis], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_lock, "outage", RedisOutage(pause=0.05))
    whole = get_redis_connection("default")
    monkeypatch.setattr(copy_lock, "get_redis_connection", lambda alias: refusing_client())
    assert work_without_lock(copy_ids[0], times=1) == [True]

    use_redis(whole)
    time.sleep(0.06)

    assert work_without_lock(copy_ids[0], times=2) == [False, False]


def test_a_waiter_does_not_delay_other_locks(copy_ids: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(copy_lock, "outage", RedisOutage(pause=60, clock=lambda: now))
    copy_lock.outage.failed()
    now = 61.0

    def wait() -> bool:
        with CopyLock(TENANT, copy_ids[0], wait=10, holder=ROBIN) as lock:
            return lock.is_held

    holding = FairLock(get_redis_connection("default"), copy_lock_name(TENANT, copy_ids[0]), holder=KIM)
    holding.take(wait=0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        while not get_redis_connection("default").exists(keys_of(copy_lock_name(TENANT, copy_ids[0]))[1]):
            time.sleep(0.001)
        with CopyLock(TENANT, copy_ids[1], wait=0, holder=ROBIN) as other:
            assert other.is_held
        holding.release()
        assert waiting.result()


def test_redis_lost_during_a_save_is_reported(
    copy_ids: list[UUID], use_redis: Callable[[Redis], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_redis(get_redis_connection("default"))
    with hanging_server() as server:
        with CopyLock(TENANT, copy_ids[0], wait=0, holder=ROBIN) as lock:
            assert lock.is_held
            monkeypatch.setattr(lock._lock, "_client", server.client)
            lock.extend()
            assert (lock.is_held, lock.is_degraded) == (False, True)

        assert server.connections == 1
        assert not copy_lock.outage.may_ask()


@pytest.mark.django_db
def test_a_save_without_redis_is_complete_and_reports_it(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, use_redis: Callable[[Redis], None]
) -> None:
    form_id = make_form({"has_cats": True, "cat_count": 1})
    use_redis(refusing_client())

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("cat_count").apply(2)
        result = context.save()
        assert context.is_without_lock

    assert result.version == 2


# Many copies


def test_a_chunk_works_on_free_copies(copy_ids: list[UUID]) -> None:
    with (
        CopyLock(TENANT, copy_ids[1], wait=0, holder=KIM),
        CopyLocks(TENANT, copy_ids, wait=0.05, holder=ROBIN) as locks,
    ):
        assert locks.held == {copy_ids[0], copy_ids[2]}
        assert {copy_id: holder and holder.who for copy_id, holder in locks.missed.items()} == {copy_ids[1]: KIM.who}
        assert not locks.is_degraded

    assert all(map(is_free, copy_ids))


def test_a_chunk_learns_which_locks_expired(copy_ids: list[UUID]) -> None:
    before = counted("partner_engine_locks_lost_total")
    with CopyLocks(TENANT, copy_ids, wait=0, holder=ROBIN) as locks:
        assert locks.extend() == frozenset()
        get_redis_connection("default").delete(copy_lock_name(TENANT, copy_ids[2]))

        assert locks.extend() == {copy_ids[2]}

        assert locks.held == {copy_ids[0], copy_ids[1]}
    assert counted("partner_engine_locks_lost_total") == before + 1


def test_a_chunk_without_redis_works_on_all(copy_ids: list[UUID], use_redis: Callable[[Redis], None]) -> None:
    before = counted("partner_engine_saves_without_lock_total")
    with hanging_server() as server:
        use_redis(server.client)
        for _ in range(3):
            with CopyLocks(TENANT, copy_ids, wait=5, holder=ROBIN) as locks:
                assert (locks.is_degraded, locks.held, locks.missed) == (True, frozenset(copy_ids), {})
                assert locks.extend() == frozenset()

        assert server.connections == 1
    assert counted("partner_engine_saves_without_lock_total") == before + 9


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_a_chunk_frees_all_on_every_way_out(copy_ids: list[UUID], fault: type[BaseException]) -> None:
    with pytest.raises(fault), CopyLocks(TENANT, copy_ids, wait=0, holder=ROBIN):
        assert not any(map(is_free, copy_ids))
        raise fault

    assert all(map(is_free, copy_ids))
