"""Many concurrent saves of one copy, in threads with their own connections: no update and no version is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.db.models.functions import Now

from batch import errors
from batch import service as batch
from batch.idempotency import IdempotencyKey, StoredResponse
from batch.locks.copy_lock import CopyLock
from batch.models import IdempotencyRecord
from copies.history import changes_of
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = [pytest.mark.django_db(transaction=True)]


def in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    """Run ``work(number)`` in ``count`` threads at once; return the results or errors in order."""
    barrier = threading.Barrier(count)

    def run(number: int) -> object:
        try:
            barrier.wait()
            return work(number)
        except Exception as error:  # noqa: BLE001 - the tests look at what came
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_writers_of_one_copy_lose_no_update(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form({"has_cats": True, "cat_count": 1})

    def write(number: int) -> int:
        for _ in range(5):
            with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
                answer = context.changeset.find_answer("cat_count")
                answer.apply(int(answer.value or 0) + 1)  # type: ignore[arg-type]
                context.save()
        return number

    results = in_threads(8, write)

    assert results == list(range(8))
    context = batch.find(form_id, scope=kennels, actor=agent)
    assert context.read_only_changeset().find_answer("cat_count").value == 41
    assert context.version == 41
    with use_tenant(kennels):
        revisions = list(CopyRevision.objects.filter(copy_id=form_id).order_by("version"))
    assert [revision.version for revision in revisions] == list(range(1, 42))
    chain = [change for revision in revisions[1:] for change in changes_of(revision) if change.path == "cat_count"]
    assert all(earlier.after == later.before for earlier, later in zip(chain, chain[1:], strict=False))


@pytest.fixture
def no_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the lock, as when Redis is away or the lock expired."""
    monkeypatch.setattr(CopyLock, "acquire", lambda self: None)
    yield


@pytest.mark.usefixtures("no_lock")
def test_without_any_lock_the_version_keeps_savers_apart(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form({"has_cats": True, "cat_count": 1})

    def write(number: int) -> int:
        saved = 0
        for _ in range(10):
            try:
                with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
                    answer = context.changeset.find_answer("cat_count")
                    answer.apply(int(answer.value or 0) + 1)  # type: ignore[arg-type]
                    time.sleep(0.001)
                    context.save()
                    saved += 1
            except errors.StaleChangeset:
                continue
        return saved

    saves = in_threads(6, write)

    total = sum(int(number) for number in saves)  # type: ignore[call-overload]
    context = batch.find(form_id, scope=kennels, actor=agent)
    assert context.read_only_changeset().find_answer("cat_count").value == 1 + total
    assert context.version == 1 + total
    assert 0 < total < 60


def test_concurrent_requests_under_one_key_make_one_form(kennels: Tenant, agent: Actor) -> None:
    key = IdempotencyKey("user:7", "once", b"request")

    def make(number: int) -> bytes:
        while True:
            try:
                with batch.build_context(scope=kennels, actor=agent, idempotency=key) as context:
                    if context.stored_response is not None:
                        return context.stored_response.body
                    answer = StoredResponse(201, {}, str(context.form.id).encode())
                    context.save(respond=lambda result, answer=answer: answer)  # type: ignore[misc]
                    return answer.body
            except errors.IdempotencyReplay:
                continue

    bodies = in_threads(8, make)

    assert len(set(bodies)) == 1
    with use_tenant(kennels):
        assert [str(form.id).encode() for form in ApplicationForm.objects.all()] == [bodies[0]]


def test_a_form_keeps_its_base_under_concurrent_deletions(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id, copies = make_form(), []
    for _ in range(2):
        with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
            context.save()
            copies.append(context.copy.id)

    def make_base_and_delete_the_other(number: int) -> object:
        for order, copy_id in (("make_base", copies[number]), ("delete", copies[1 - number])):
            while True:
                try:
                    with batch.find_and_lock(copy_id, scope=kennels, actor=agent) as context:
                        getattr(context.changeset.copy, order)()
                        context.save()
                    break
                except errors.StaleChangeset:
                    continue  # another save of the form was first: load again and repeat
        return number

    results = in_threads(2, make_base_and_delete_the_other)

    with use_tenant(kennels):
        base = ApplicationForm.objects.get().base_copy_id
        assert base in copies
        assert Copy.objects.get(id=base).deleted_at is None
    refused = [result for result in results if not isinstance(result, int)]
    assert {type(error) for error in refused} <= {errors.BaseCopy, errors.NotFound}
    assert len(refused) < 2


@pytest.mark.parametrize(
    ("held", "refusal"), [("key", errors.IdempotencyInFlight), ("row", errors.LockNotAcquired)], ids=["key", "row"]
)
@pytest.mark.usefixtures("no_lock")
def test_timeouts_of_the_lock_and_of_the_key_are_distinguished(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, held: str, refusal: type[Exception]
) -> None:
    form_id = make_form()
    key = IdempotencyKey("user:7", "held", b"request")
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with use_tenant(kennels), transaction.atomic():
            if held == "key":
                row = {"client": key.client, "key": key.key, "fingerprint": b"request", "status": 200, "headers": {}}
                IdempotencyRecord.objects.create(**row, tenant_id=kennels.id, body=b"", created_at=Now())
            else:
                Copy.objects.select_for_update().get(id=form_id)
            is_held.set()
            is_over.wait()
            transaction.set_rollback(True)

    def save() -> None:
        is_held.wait()
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SET lock_timeout = '100ms'")
            with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=key) as context:
                context.changeset.find_answer("state").apply("OH")
                context.save(respond=lambda result: StoredResponse(200, {}, b""))
        finally:
            is_over.set()

    _, refused = in_threads(2, lambda number: (hold, save)[number]())

    assert type(refused) is refusal
    assert batch.find(form_id, scope=kennels, actor=agent).version == 1
