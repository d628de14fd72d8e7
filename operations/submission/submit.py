"""Submits a batch operation: checks the whole order and each item, stores what is valid, and starts it.

Everything is stored by one transaction with the event ``queued``; the start is a hint, and a lost one costs a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from django.db import IntegrityError, connections, transaction
from psycopg.errors import UniqueViolation
from structlog.contextvars import get_contextvars
from uuid_utils.compat import uuid7

from batch.changes.free_texts import clean_line
from operations.engine.breaker import join_pause
from operations.engine.creator import permission_of
from operations.engine.events import emit
from operations.errors import UnreadableOperation
from operations.kinds import registry
from operations.kinds.kind import Kind
from operations.kinds.undoing import UndoArguments
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import UNREADABLE, opened_arguments, opened_item, sealed_arguments
from operations.submission.errors import InvalidOrder, NoValidItems, OperationExists, TooManyItems
from operations.submission.item_checks import PAGE, Checked, check_items, read_arguments
from operations.submission.item_query import find_items
from operations.submission.order import MOST_FOUND, MOST_REJECTIONS, NewOperation, Rejection, Submitted
from operations.submission.planning import access_plan, require_unmoved
from operations.submission.room import count_items, lock_room, require_on, require_room
from operations.submission.selectors import access_operation
from operations.submission.storage import store_items
from operations.submission.undoable import require_undoable
from presentation.faults import Fault
from rules.nearest import nearest
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The time of one item where no operation of its kind has ended yet.
_SECONDS_PER_ITEM: Final = 0.01
#: The last operations of a kind by which the time of the next one is estimated.
_MOST_COMPARED: Final = 10

#: The constraints that a second operation with the same id violates.
_ONCE: Final = (f"{BatchOperation._meta.db_table}_pkey", "operation_item_number")

audit = structlog.get_logger("partner_engine.audit")


def submit(order: NewOperation, *, tenant: Tenant, actor: Actor) -> Submitted:
    """Check ``order`` and store its valid items as an operation of ``tenant``; call ``start`` after the commit.

    Raises ``OperationsAreOff``, ``MissingRight``, ``InvalidOrder``, ``NoValidItems``, ``TooManyItems``,
    ``TooManyOperations``, ``OperationExists``, ``NotAPlan``, ``PlanMoved``, ``UnreadableOperation``, ``NotUndoable``,
    ``RateLimited``, and for the title ``WrongValue`` and ``LooksSensitive``; then nothing was stored.
    """
    with use_tenant(tenant):
        require_on(tenant=tenant, actor=actor)
        # Before the items are checked, which takes long: a caller without room learns it at once.
        require_room(tenant=tenant, actor=actor)
        if order.plan is not None:
            prepared = _planned(order, order.plan, tenant=tenant, actor=actor)
        else:
            prepared = _prepared(order, tenant=tenant, actor=actor)
        alias = tenant.database_alias
        with _refusing_repeats(order), transaction.atomic(using=alias):
            _require_operation(order)
            operation = _operation(order, prepared, tenant=tenant, actor=actor)
            rejections = _store_items(operation, prepared.items, alias=alias)
            if not operation.total:
                raise NoValidItems(rejections, total=operation.rejected)
            # Last, so that the orders of others do not wait while the items are read.
            lock_room(tenant=tenant)
            require_room(tenant=tenant, actor=actor)
            if prepared.undoes is not None:
                require_undoable(access_operation(prepared.undoes), actor=actor)
            if not prepared.is_counted:
                count_items(operation.total + operation.rejected, tenant=tenant, actor=actor)
            operation.estimated_seconds = _estimated_seconds(prepared.kind, operation.total)
            operation.save(force_insert=True, using=alias)
            join_pause(operation, alias=alias)
            emit("queued", operation, alias=alias)
    audit.info(
        "audit.operation_submitted",
        operation=str(operation.id),
        operation_kind=operation.kind,
        items=operation.total,
        rejected=operation.rejected,
        is_dry_run=operation.is_dry_run,
        actor=f"{actor.type}:{actor.id}",
    )
    return Submitted(operation=operation, rejections=rejections)


@contextmanager
def _refusing_repeats(order: NewOperation) -> Iterator[None]:
    """Raise ``OperationExists`` where the id of ``order`` was taken meanwhile, such as by the first of two clicks.

    Of two at the same time the second one waits for the first at its first item.
    """
    try:
        yield
    except IntegrityError as error:
        cause = error.__cause__
        name = cause.diag.constraint_name if isinstance(cause, UniqueViolation) else None
        if order.id is None or name not in _ONCE:
            raise
        raise OperationExists from error


def _store_items(operation: BatchOperation, pages: Iterable[Checked], *, alias: str) -> list[Rejection]:
    """Store the items page by page in the caller's transaction, and count them in ``operation``; return the first
    rejections.
    """
    rejections: list[Rejection] = []
    for page in pages:
        store_items(operation, page.accepted, alias=alias)
        operation.total += len(page.accepted)
        operation.rejected += len(page.rejections)
        rejections += page.rejections[: MOST_REJECTIONS - len(rejections)]
    operation.rejections = msgspec.to_builtins(rejections)
    return rejections


class _Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose kind and arguments are checked; its ``items`` are checked while they are read, page by page."""

    kind: Kind[Any, Any]
    arguments: msgspec.Struct
    items: Iterable[Checked]
    plan: BatchOperation | None = None
    #: The operation that it takes back.
    undoes: UUID | None = None
    #: Whether the items were counted before they are checked; the number of a file's rows is known afterwards.
    is_counted: bool = True


def _prepared(order: NewOperation, *, tenant: Tenant, actor: Actor) -> _Prepared:
    kind = _kind(order.kind)
    actor.require(kind.right)
    if (order.items is None) == (order.query is None):
        raise InvalidOrder.field("", "Send either items or a query.")
    arguments = read_arguments(kind, order.arguments, tenant=tenant, actor=actor)
    undoes = arguments.operation_id if isinstance(arguments, UndoArguments) else None
    if undoes is not None:
        require_undoable(access_operation(undoes), actor=actor)
    found: Iterable[object]
    if order.query is not None:
        found, most = find_items(kind, order.query, actor=actor), MOST_FOUND
    else:
        found, most = order.items or (), order.most_items
    is_counted = isinstance(found, Sized)
    if isinstance(found, Sized):
        # Before they are checked, so that nobody makes the product check more than their limit.
        if len(found) > most:
            raise TooManyItems(most, pointer="/items")
        count_items(len(found), tenant=tenant, actor=actor)
    items = check_items(kind, found, arguments, tenant=tenant, actor=actor, most=most)
    return _Prepared(kind=kind, arguments=arguments, items=items, undoes=undoes, is_counted=is_counted)


def _planned(order: NewOperation, plan_id: UUID, *, tenant: Tenant, actor: Actor) -> _Prepared:
    """Return what the dry run of ``order.plan`` was about, if its copies were not changed since."""
    if order.items is not None or order.query is not None or order.kind or order.arguments:
        raise InvalidOrder.field("/plan", "A plan has its kind, arguments and items already; leave them out.")
    if order.options.dry_run:
        raise InvalidOrder.field("/options/dry_run", "A plan is carried out; to make a new plan, send kind and items.")
    if not order.plan_hash:
        text = "Send the plan's `plan_hash` too: it says which results you have read and agree to."
        raise InvalidOrder.field("/plan_hash", text, code="required")
    plan = access_plan(plan_id, sent_hash=order.plan_hash)
    kind = _kind(plan.kind)
    actor.require(kind.right)
    count_items(plan.total, tenant=tenant, actor=actor)
    require_unmoved(plan)
    try:
        arguments = opened_arguments(plan, kind.arguments_type)
    except UNREADABLE as error:
        raise UnreadableOperation from error
    return _Prepared(kind=kind, arguments=arguments, items=_planned_items(plan, kind), plan=plan, undoes=plan.undoes)


def _planned_items(plan: BatchOperation, kind: Kind[Any, Any]) -> Iterator[Checked]:
    """Yield the items of ``plan``, which were checked when it was made. Raises ``UnreadableOperation``."""
    rows = OperationItem.objects.filter(operation_id=plan.id).order_by("number").iterator(chunk_size=PAGE)
    while page := list(islice(rows, PAGE)):
        try:
            yield Checked([(row.number, opened_item(row, kind.item_type)) for row in page], [])
        except UNREADABLE as error:
            raise UnreadableOperation from error


def _kind(code: str) -> Kind[Any, Any]:
    kind = registry.KINDS.get(code)
    if kind is None:
        known = sorted(registry.KINDS)
        raise InvalidOrder(
            [
                Fault(
                    pointer="/kind",
                    code="unknown_kind",
                    detail=f"There is no kind of operation {code[:80]!r}.",
                    did_you_mean=nearest(code, known) or msgspec.UNSET,
                    allowed=known,
                )
            ]
        )
    return kind


def _require_operation(order: NewOperation) -> None:
    if order.depends_on is not None and not BatchOperation.objects.filter(pk=order.depends_on).exists():
        raise InvalidOrder.field("/depends_on", "There is no such operation.", code="unknown_operation")


def _operation(order: NewOperation, prepared: _Prepared, *, tenant: Tenant, actor: Actor) -> BatchOperation:
    operation_id, plan = order.id or uuid7(), prepared.plan
    options: dict[str, Any] = {"force": order.options.force, **permission_of(actor)}
    if plan is not None:
        options["plan_hash"] = order.plan_hash
    if order.options.stop_after_failures_percent is not None:
        options["stop_after_failures_percent"] = order.options.stop_after_failures_percent
    return BatchOperation(
        id=operation_id,
        tenant_id=tenant.id,
        kind=prepared.kind.code,
        title=clean_line(order.title, field="title", most=200) or (plan.title if plan else ""),
        arguments=sealed_arguments(prepared.arguments, tenant_id=tenant.id, operation_id=operation_id),
        query=_stored_query(order),
        options=options,
        is_dry_run=order.options.dry_run,
        priority=order.options.priority,
        depends_on=order.depends_on,
        undoes=prepared.undoes,
        planned_by=plan.id if plan else None,
        created_by_type=actor.type,
        created_by_id=actor.id,
        created_by_label=actor.label,
        source=actor.source,
        correlation_id=str(get_contextvars().get("correlation_id", ""))[:64],
        created_at=_now(tenant.database_alias),
    )


def _stored_query(order: NewOperation) -> dict[str, Any] | None:
    """Return the filters of the query. Its words are left out: they can be somebody's name."""
    if order.query is None:
        return None
    query: dict[str, Any] = msgspec.to_builtins(order.query)
    return {**query, "q": ""} | ({"has_words": True} if order.query.q else {})


def _estimated_seconds(kind: Kind[Any, Any], total: int) -> float:
    """Return the time of ``total`` items at the pace of the tenant's last operations of the kind."""
    ended = BatchOperation.objects.filter(kind=kind.code, total__gt=0, work_seconds__gt=0).exclude(finished_at=None)
    rows = list(ended.order_by("-created_at").values_list("work_seconds", "total")[:_MOST_COMPARED])
    items = sum(row[1] for row in rows)
    pace = sum(row[0] for row in rows) / items if items else _SECONDS_PER_ITEM
    return round(pace * total, 1)


def _now(alias: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]
