"""Small operations at once: few threads, results in order, time limits, nothing of the request's context."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections

from batch import service as batch
from operations.engine import small
from operations.engine.small import run_at_once, threads_for
from operations.errors import OperationIsTooLarge
from operations.models import BatchOperation
from tenants.access import Actor
from tenants.current_tenant import current_scope, use_tenant
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.operation_kinds import Rename, TestItem, time_passes_in
from tests.harness.tiers import PATIENCE
from tests.operations.engine.test_worker import fresh

pytestmark = pytest.mark.django_db(transaction=True)
Submit = Callable[..., BatchOperation]


def test_all_items_end_in_the_order_of_the_input_in_few_threads(
    submit: Submit,
    rename: Rename,
    make_form: Callable[..., UUID],
    kennels: Tenant,
    agent: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: set[tuple[str, Any]] = set()
    real = rename.run

    def run(items: Any, work: Any) -> Any:
        scope = current_scope()
        seen.add((threading.current_thread().name, scope and scope.tenant))
        return real(items, work)

    monkeypatch.setattr(rename, "run", run)
    forms = [make_form() for _ in range(4)]
    items = [TestItem(form_id=str(form)) for form in forms] + [TestItem(fault="invalid")]
    items += [TestItem(seconds=0.02)] * 15
    operation = submit(items)

    with use_tenant(kennels):
        ended = run_at_once(operation)

    assert [item.number for item in ended] == list(range(20))
    assert [item.state for item in ended] == ["completed"] * 4 + ["failed"] + ["completed"] * 15
    assert [batch.find(form, scope=kennels, actor=agent).copy.version for form in forms] == [2] * 4
    assert 1 < len(seen) <= settings.OPERATIONS.threads
    assert {tenant for _, tenant in seen} == {kennels}
    assert threading.current_thread().name not in {name for name, _ in seen}


def test_an_item_that_takes_too_long_fails_and_its_thread_saves_nothing(
    submit: Submit,
    rename: Rename,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    kennels: Tenant,
    agent: Actor,
    make_form: Callable[..., UUID],
) -> None:
    # One thread, so that no other item is at work while the time passes.
    settings.OPERATIONS = replace(settings.OPERATIONS, threads=1)
    later, is_over = time_passes_in(small, monkeypatch), threading.Event()
    real = rename.run

    def run(items: Any, work: Any) -> Any:
        if items[0][1].form_id:
            later(settings.OPERATIONS.item_seconds + 1)
            is_over.wait(PATIENCE)
        return real(items, work)

    monkeypatch.setattr(rename, "run", run)
    form = make_form()
    operation = submit([TestItem(), TestItem(form_id=str(form))])

    with use_tenant(kennels):
        quick, slow = run_at_once(operation)
    is_over.set()

    assert (slow.state, slow.error_code, quick.state) == ("failed", "item_timeout", "completed")
    for thread in threading.enumerate():
        if thread.name.startswith("operation "):
            thread.join(PATIENCE)
    assert batch.find(form, scope=kennels, actor=agent).copy.version == 1
    assert (fresh(operation).completed, fresh(operation).failed) == (1, 1)


def test_a_large_operation_is_refused(submit: Submit, kennels: Tenant) -> None:
    operation = submit(51)
    with use_tenant(kennels), pytest.raises(OperationIsTooLarge):
        run_at_once(operation)


def test_the_threads_leave_one_connection_of_the_pool_to_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    database = connections.settings["default"]
    monkeypatch.setitem(database, "OPTIONS", {**database["OPTIONS"], "pool": {"max_size": 3}})

    assert threads_for(50, alias="default") == 2
    assert threads_for(1, alias="default") == 1


def test_an_operation_whose_creator_may_not_ends_with_the_reason(
    submit: Submit, kennels: Tenant, kennel_client: ApiClient
) -> None:
    creator = kennel_client.as_actor(scopes=["forms:write"])
    operation = submit(3, creator=creator)
    ApiClient.objects.update(is_active=False)

    with use_tenant(kennels):
        ended = run_at_once(operation)

    assert [item.state for item in ended] == ["cancelled"] * 3
    assert fresh(operation).stopped_reason == "The API client that submitted it was deactivated."
    assert fresh(operation).finished_at is not None


def test_a_right_that_is_lost_between_the_items_stops_the_rest(
    submit: Submit,
    kennels: Tenant,
    kennel_client: ApiClient,
    rename: Rename,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    settings.OPERATIONS = replace(settings.OPERATIONS, threads=1)
    real = rename.run

    def run(items: Any, work: Any) -> Any:
        ApiClient.objects.update(is_active=False)
        return real(items, work)

    monkeypatch.setattr(rename, "run", run)
    operation = submit(4, creator=kennel_client.as_actor(scopes=["forms:write"]))

    with use_tenant(kennels):
        ended = run_at_once(operation)

    assert [item.state for item in ended] == ["completed"] + ["cancelled"] * 3
    assert fresh(operation).finished_at is not None


@pytest.fixture
def kennel_client(kennels: Tenant) -> ApiClient:
    """Return an API client of the tenant."""
    client = ApiClient(
        client_id="kennels", client_secret="kennel-secret", name="Kennels", allowed_scopes=every_right(), tenant=kennels
    )
    client.save()
    return client
