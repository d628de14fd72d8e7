"""Request and response shapes of batch operations, as structs. None of them contains what was submitted for an item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from operations.engine.status import statuses_of
from operations.models import BatchOperation
from operations.state_words import STAGES
from operations.submission.order import MOST_ITEMS, ItemQuery, NewOperation, Options, Rejection, ResultFormat, Submitted
from operations.submission.results import ItemShape
from partner_engine.api.http.input import Body, Query, utc
from presentation.listed_values import one_of
from tenants.access import Actor

Code = Annotated[str, Meta(max_length=40)]
Cursor = Annotated[str, Meta(max_length=200)]
Limit = Annotated[int, Meta(ge=1, le=100)]


class NewOperationInput(Body, frozen=True, kw_only=True):
    """A new operation: a ``kind`` with ``items`` or a ``query``, and ``arguments`` that hold for every item; or the
    ``plan`` (the id of a dry run) to carry out, with its ``plan_hash`` to make sure that it is the plan that you read.

    The schema of items and arguments is the kind's, see docs/operations.md.
    """

    kind: Code = ""
    items: Annotated[list[Any], Meta(max_length=MOST_ITEMS, extra_json_schema={"items": {"type": "object"}})] | None = (
        None
    )
    query: ItemQuery | None = None
    arguments: dict[str, Any] = {}
    options: Options = Options()
    title: Annotated[str, Meta(max_length=200)] = ""
    depends_on: UUID | None = None
    plan: UUID | None = None
    plan_hash: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""


class RetryInput(Body, frozen=True, kw_only=True):
    """The failed items to try again: those with these ``numbers``, else all. ``force`` includes items whose reason does
    not change by itself.
    """

    numbers: Annotated[list[Annotated[int, Meta(ge=0, lt=2**31)]], Meta(min_length=1, max_length=MOST_ITEMS)] | None = (
        None
    )
    force: bool = False


class UndoInput(Body, frozen=True, kw_only=True):
    """An undo; with ``dry_run`` it changes nothing and makes a plan."""

    dry_run: bool = False


class OperationsQuery(Query, frozen=True, kw_only=True):
    """Filters and page of the list of operations, the latest first. ``mine`` lists the caller's own."""

    kind: Code = ""
    mine: bool = False
    open: bool = False
    cursor: Cursor = ""
    limit: Limit = 25


class ItemsQuery(Query, frozen=True, kw_only=True):
    """A page of an operation's items: those in ``state``, else the failed ones first."""

    state: Literal["queued", "in_progress", "completed", "failed", "cancelled"] | None = None
    cursor: Cursor = ""
    limit: Limit = 25


class ResultsQuery(Query, frozen=True, kw_only=True):
    """The format of the results, or with ``content`` what an export contains, as NDJSON."""

    format: ResultFormat = "ndjson"
    content: bool = False


class SubmittedShape(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted operation. ``total`` items were submitted or found, of which ``rejected`` were refused; the first
    thousand refusals are in ``rejections``, with the item's ``index`` from 0.
    """

    id: UUID
    kind: str
    is_dry_run: bool
    total: int
    accepted: int
    rejected: int
    estimated_seconds: float | None
    rejections: list[Rejection]


class CostShape(msgspec.Struct, frozen=True, kw_only=True):
    """The cost so far: seconds of all workers together, seconds of the database, calls of carriers."""

    work_seconds: float
    database_seconds: float
    carrier_calls: int


class OperationShape(msgspec.Struct, frozen=True, kw_only=True):
    """An operation. ``total`` counts the accepted items. ``success_rate`` is null until an item has ended, and
    ``seconds_left`` where it cannot be estimated. ``plan_hash`` is that of a finished dry run, else empty.
    """

    id: UUID
    kind: str
    title: str
    state: Annotated[str, one_of(*STAGES)]
    stage: str
    message: str
    total: int
    queued: int
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    rejected: int
    progress_percent: float
    success_rate: float | None
    seconds_left: float | None
    estimated_seconds: float | None
    is_dry_run: bool
    plan_hash: str
    planned_by: UUID | None
    undoes: UUID | None
    depends_on: UUID | None
    priority: int
    by: dict[str, str]
    created_at: datetime
    started_at: datetime | None
    paused_at: datetime | None
    cancelled_at: datetime | None
    finished_at: datetime | None
    cost: CostShape


class OperationDetail(OperationShape, frozen=True, kw_only=True):
    """An operation with its first thousand rejections."""

    rejections: list[Rejection]


class OperationPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of operations; ``next`` is the address of the next page."""

    results: list[OperationShape]
    next: str | None


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an operation's items; ``next`` is the address of the next page."""

    results: list[ItemShape]
    next: str | None


class RetriedShape(msgspec.Struct, frozen=True, kw_only=True):
    """How many items were queued again."""

    retried: int


def order_of(body: NewOperationInput) -> NewOperation:
    """Return the order in ``body``."""
    query = body.query
    if query is not None and query.updated_since is not None:
        query = msgspec.structs.replace(query, updated_since=utc(query.updated_since))
    return NewOperation(
        kind=body.kind,
        items=body.items,
        query=query,
        arguments=body.arguments,
        options=body.options,
        title=body.title,
        depends_on=body.depends_on,
        plan=body.plan,
        plan_hash=body.plan_hash,
    )


def submitted(result: Submitted) -> SubmittedShape:
    """Return the shape of an operation that was accepted just now."""
    operation = result.operation
    return SubmittedShape(
        id=operation.id,
        kind=operation.kind,
        is_dry_run=operation.is_dry_run,
        total=operation.total + operation.rejected,
        accepted=operation.total,
        rejected=operation.rejected,
        estimated_seconds=operation.estimated_seconds,
        rejections=result.rejections,
    )


def shapes_of(operations: Sequence[BatchOperation]) -> list[OperationShape]:
    """Return the shapes of ``operations``, with as many queries as for one."""
    return [OperationShape(**fields) for fields in _fields(operations)]


def detail_of(operation: BatchOperation) -> OperationDetail:
    """Return the shape of one operation, with its rejections."""
    [fields] = _fields([operation])
    return OperationDetail(**fields, rejections=msgspec.convert(operation.rejections, list[Rejection]))


def is_by(operation: BatchOperation, actor: Actor) -> bool:
    """Return whether ``actor`` submitted ``operation``."""
    return (operation.created_by_type, operation.created_by_id) == (actor.type, actor.id)


def _fields(operations: Sequence[BatchOperation]) -> Iterable[dict[str, Any]]:
    for row, status in zip(operations, statuses_of(operations), strict=True):
        counts = {name: getattr(status, name) for name in status.__struct_fields__}
        yield {
            **counts,
            "kind": row.kind,
            "title": row.title,
            "state": status.state.value,
            "rejected": row.rejected,
            "estimated_seconds": row.estimated_seconds,
            "is_dry_run": row.is_dry_run,
            "plan_hash": row.plan_hash,
            "planned_by": row.planned_by,
            "undoes": row.undoes,
            "depends_on": row.depends_on,
            "priority": row.priority,
            "by": {"type": row.created_by_type, "id": row.created_by_id, "name": row.created_by_label},
            "created_at": row.created_at,
            "started_at": row.started_at,
            "paused_at": row.paused_at,
            "cancelled_at": row.cancelled_at,
            "finished_at": row.finished_at,
            "cost": CostShape(
                work_seconds=round(row.work_seconds, 3),
                database_seconds=round(row.database_seconds, 3),
                carrier_calls=row.carrier_calls,
            ),
        }
