"""The submission of operations: valid items are stored, invalid ones are refused with index and reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from actions.models import OutboxAction
from batch.errors import LooksSensitive
from operations.kinds.set_answers import AnswersItem
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import opened_item
from operations.submission import control, item_checks
from operations.submission import order as limits
from operations.submission.errors import (
    InvalidOrder,
    NoValidItems,
    OperationExists,
    OperationsAreOff,
    TooManyItems,
    TooManyOperations,
)
from operations.submission.order import ItemQuery, NewOperation, Submitted
from operations.submission.submit import submit as submit_order
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import across_tenants, use_tenant
from tenants.flag_memory import FlagMemory
from tenants.limits.errors import AboveLimit, RateLimited
from tenants.models import Tenant
from tests.harness.limits import limit
from tests.harness.operation_orders import renamed

pytestmark = pytest.mark.django_db

Submit = Callable[..., Submitted]


def stored() -> tuple[int, int, int]:
    """Return the numbers of operations, items and events of all tenants."""
    with across_tenants(using="default"):
        return BatchOperation.objects.count(), OperationItem.objects.count(), queued_events()


def queued_events() -> int:
    return OutboxAction.objects.filter(payload__event_type="batch_operation.queued").count()


def test_valid_items_are_stored_and_invalid_ones_are_refused(
    submit: Submit, forms: list[UUID], kennels: Tenant
) -> None:
    items = [*renamed(forms), {"id": str(uuid4()), "answers": {"kennel_name": "x"}}, {"answers": 7}, "no object"]
    items.insert(1, {"id": str(forms[2]), "answers": {}})

    result = submit(items, title="  Copper \u200b Paw ", options={"priority": 3, "stop_after_failures_percent": 10})

    operation = result.operation
    assert (operation.total, operation.rejected, operation.title) == (2, 5, "Copper Paw")
    assert [(one.index, one.code) for one in result.rejections] == [
        (1, "nothing_to_set"),
        (3, "repeated_item"),
        (4, "not_found"),
        (5, "invalid_item"),
        (6, "invalid_item"),
    ]
    assert {fault.pointer for fault in result.rejections[3].errors} == {"/items/5/answers", "/items/5/id"}
    assert result.rejections[4].errors[0].pointer == "/items/6"
    with use_tenant(kennels):
        rows = list(OperationItem.objects.order_by("number"))
        assert [row.number for row in rows] == [0, 2]
        assert [opened_item(row, AnswersItem).id for row in rows] == forms[:2]
        assert operation.options["stop_after_failures_percent"] == 10
        assert (operation.priority, operation.estimated_seconds) == (3, 0.0)
    assert stored() == (1, 2, 1)


def test_what_was_submitted_is_stored_sealed(submit: Submit, forms: list[UUID]) -> None:
    submit(renamed(forms, "Vellichor"), arguments={"answers": {"state": "OH"}})

    with connection.cursor() as cursor:
        cursor.execute("SELECT o::text, i::text FROM operations_batchoperation o, operations_operationitem i")
        text = str(cursor.fetchall())
    assert "Vellichor" not in text
    assert b"Vellichor".hex() not in text


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"kind": "set_answer"}, "/kind", "unknown_kind"),
        ({"query": ItemQuery(q="x")}, "", "invalid_value"),
        ({"items": None}, "", "invalid_value"),
        ({"arguments": {"answers": [], "more": 1}}, "/arguments/answers", "wrong_type"),
        ({"depends_on": UUID(int=1)}, "/depends_on", "unknown_operation"),
        ({"items": None, "query": ItemQuery()}, "/query", "invalid_value"),
        ({"items": None, "query": ItemQuery(owner="x")}, "/query/owner", "invalid_value"),
    ],
)
def test_an_invalid_order_is_refused_at_its_place(
    submit: Submit, forms: list[UUID], fields: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidOrder) as refused:
        submit(**{"items": renamed(forms), **fields})

    assert (refused.value.faults[0].pointer, refused.value.faults[0].code) == (pointer, code)
    assert stored() == (0, 0, 0)


def test_an_order_without_a_valid_item_stores_nothing(submit: Submit, forms: list[UUID]) -> None:
    with pytest.raises(NoValidItems, match="All 2 items are invalid") as refused:
        submit([{"id": str(uuid4())}, {}])

    assert [fault.pointer for fault in refused.value.faults] == ["/items/0", "/items/1/id"]
    with pytest.raises(NoValidItems, match="no items"):
        submit([])
    assert stored() == (0, 0, 0)


def test_a_query_chooses_the_copies(submit: Submit, forms: list[UUID], kennels: Tenant) -> None:
    answers = {"answers": {"kennel_name": "Copper Paw"}}

    one = submit(query=ItemQuery(q="kennel 1"), arguments=answers)
    all_of_them = submit(query=ItemQuery(q="kennel", every_copy=True), arguments=answers)

    assert (one.operation.total, all_of_them.operation.total) == (1, 3)
    with use_tenant(kennels):
        [row] = OperationItem.objects.filter(operation_id=one.operation.id)
        assert opened_item(row, AnswersItem).id == forms[1]
    # Words can be somebody's name.
    assert one.operation.query == {
        "q": "",
        "has_words": True,
        "state": None,
        "quotes": None,
        "line": "",
        "owner": "",
    } | {
        "updated_since": None,
        "every_copy": False,
    }
    with pytest.raises(NoValidItems):
        submit(query=ItemQuery(q="xylophone"), arguments=answers)


def test_sizes_are_limited(submit: Submit, forms: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooManyItems, match="at most 2 items"):
        submit(renamed(forms), most_items=2)
    monkeypatch.setattr("operations.submission.item_query.MOST_FOUND", 2)
    with pytest.raises(TooManyItems, match="Narrow the query"):
        submit(query=ItemQuery(q="kennel"), arguments={"answers": {"state": "OH"}})

    assert stored() == (0, 0, 0)
    assert (limits.MOST_ITEMS, limits.MOST_FOUND) == (10_000, 100_000)


def test_a_tenant_has_so_many_open_operations(
    submit: Submit, run: Callable[..., Any], forms: list[UUID], monkeypatch: pytest.MonkeyPatch, limits_on: None
) -> None:
    limit(monkeypatch, open_operations=2)
    submit(renamed(forms))
    last = submit(renamed(forms))

    with pytest.raises(TooManyOperations, match="Your agency has 2 operations that wait or run already"):
        submit(renamed(forms))

    assert stored()[0] == 2
    run(last)
    submit(renamed(forms))


def test_who_has_no_room_is_refused_before_the_items_are_checked(
    submit: Submit, forms: list[UUID], monkeypatch: pytest.MonkeyPatch, limits_on: None, kennels: Tenant
) -> None:
    limit(monkeypatch, open_operations=1)
    submit(renamed(forms))
    checked = counted_checks(monkeypatch)

    with pytest.raises(TooManyOperations):
        submit([{}] * 10)

    assert checked == []
    limit(monkeypatch, open_operations=2, tenants={("open_operations", kennels.pk): None})
    for _ in range(3):
        submit(renamed(forms))
    assert stored()[0] == 4


def test_items_are_counted_before_they_are_checked_and_also_if_they_are_refused(
    submit: Submit, forms: list[UUID], agent: Actor, monkeypatch: pytest.MonkeyPatch, limits_on: None
) -> None:
    limit(monkeypatch, batch_items=10)
    checked = counted_checks(monkeypatch)
    with pytest.raises(NoValidItems):
        submit([{}] * 8, actor=agent)

    with pytest.raises(RateLimited):
        submit([{}] * 3, actor=agent)
    with pytest.raises(AboveLimit):
        submit([{}] * 11, actor=agent)

    assert checked == [8]
    with pytest.raises(RateLimited):
        submit(query=ItemQuery(q="kennel"), arguments={"answers": {"state": "OH"}}, actor=agent)
    assert checked == [8]
    submit(renamed(forms[:2]), actor=agent)
    assert stored()[0] == 1


def test_a_retry_counts_its_items(
    submit: Submit, forms: list[UUID], agent: Actor, kennels: Tenant, monkeypatch: pytest.MonkeyPatch, limits_on: None
) -> None:
    limit(monkeypatch, batch_items=5)
    operation = submit(renamed(forms), actor=agent).operation
    with use_tenant(kennels):
        OperationItem.objects.update(state="failed")
        BatchOperation.objects.update(failed=3, finished_at=operation.created_at)

    with pytest.raises(RateLimited):
        control.retry(operation.id, tenant=kennels, actor=agent)

    with use_tenant(kennels):
        assert {row.state for row in OperationItem.objects.all()} == {"failed"}
    assert control.retry(operation.id, tenant=kennels, actor=agent, numbers=[0, 2]) == 2


def counted_checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the lists that are checked from now on."""
    checked: list[int] = []
    real = item_checks.check_items

    def check_items(kind: Any, items: Any, *arguments: Any, **options: Any) -> Any:
        checked.append(len(items))
        return real(kind, items, *arguments, **options)

    monkeypatch.setattr("operations.submission.submit.check_items", check_items)
    return checked


def test_it_needs_the_flag_and_the_right(
    submit: Submit, forms: list[UUID], agent: Actor, stored_flags: FlagMemory
) -> None:
    with pytest.raises(OperationsAreOff):
        submit(renamed(forms), actor=agent)
    with pytest.raises(MissingRight):
        submit(renamed(forms), actor=replace(agent, type="system", rights=frozenset({Right.READ_FORMS})))

    assert stored() == (0, 0, 0)


def test_foreign_forms_and_operations_are_unknown(
    submit: Submit, forms: list[UUID], summit: Tenant, kennels: Tenant, agent: Actor, system: Actor
) -> None:
    own = submit(renamed(forms)).operation

    foreign = NewOperation(kind="set_answers", items=renamed(forms))
    with pytest.raises(NoValidItems):
        submit_order(foreign, tenant=summit, actor=system)
    waiting = NewOperation(kind="set_answers", items=renamed(forms), depends_on=own.id)
    with pytest.raises((InvalidOrder, NoValidItems)):
        submit_order(waiting, tenant=summit, actor=system)
    assert stored() == (1, 3, 1)


def test_a_title_with_a_personal_number_is_refused(submit: Submit, forms: list[UUID]) -> None:
    with pytest.raises(LooksSensitive):
        submit(renamed(forms), title="for 987-65-4321")

    assert stored() == (0, 0, 0)


def test_the_time_is_estimated_by_the_last_operations(
    submit: Submit, run: Callable[..., Any], forms: list[UUID]
) -> None:
    first = run(submit(renamed(forms)))
    pace = first.work_seconds / 3

    second = submit(renamed(forms, "Silver Paw")).operation

    assert second.estimated_seconds == pytest.approx(3 * pace, abs=0.05)


def test_an_order_that_is_sent_twice_is_stored_once(submit: Submit, forms: list[UUID], summit: Tenant) -> None:
    first = submit(renamed(forms)).operation
    before = stored()

    with pytest.raises(OperationExists, match="sent already"):
        submit(renamed(forms), id=first.id)
    with across_tenants(using="default"):
        OperationItem.objects.filter(operation_id=first.id).delete()
        BatchOperation.objects.filter(pk=first.id).update(tenant_id=summit.id)
    with pytest.raises(OperationExists, match="sent already"):
        submit(renamed(forms), id=first.id)

    assert stored() == (before[0], 0, before[2])
