"""``/batch_operations``: operations over many forms: submit, watch, control, and read their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from batch.idempotency import StoredResponse
from operations.models import BatchOperation, ItemState
from operations.submission import control
from operations.submission.order import Submitted
from operations.submission.results import list_items, shape_of
from operations.submission.selectors import access_operation, list_operations
from operations.submission.start import start
from operations.submission.submit import submit
from operations.submission.undo import undo
from operations.wakeup import wake_workers
from partner_engine.api import operation_shapes as shapes
from partner_engine.api.http.endpoint import Endpoint, plain_response
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.idempotency import respond_once
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.json import Json
from partner_engine.api.http.pagination import decode_number, encode_number, next_page, page
from partner_engine.api.http.schema import Download, documented
from partner_engine.api.http.upload import Csv, Ndjson
from partner_engine.download_access import DownloadAccess
from partner_engine.operation_files import content_response, results_response
from partner_engine.problems import Refused
from tenants.access import Right
from tenants.limits.scopes import BATCH, EXPORT

#: Marks the cursor of a page of items that ended among those that have not failed.
_SECOND_PART = 2**32

_CONTROL = (
    "Needs the right that the operation's kind needs. With the flag `batch_operations` switched off for the caller: "
    "403 `operations_are_off`."
)


class BatchOperations(Endpoint):
    """The operations of the tenant."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": BATCH}

    @documented(
        "List batch operations",
        "The operations of the tenant, the latest first, with their present state and counts. Operations that have "
        "ended are deleted after seven days.",
        query=shapes.OperationsQuery,
        responses={200: shapes.OperationPage},
    )
    def get(self, request: Request, *, query: shapes.OperationsQuery) -> HttpResponse:
        rows = list_operations(kind=query.kind, by=self.actor if query.mine else None, is_open=query.open)
        found = page(rows, order="-event", cursor=query.cursor, limit=query.limit)
        shape = shapes.OperationPage(results=shapes.shapes_of(found.rows), next=next_page(request, found.next_cursor))
        return self.respond(shape)

    @documented(
        "Submit a batch operation",
        "Stores an operation over at most 10,000 `items`, or over the at most 100,000 copies that a `query` finds. "
        "Each item is checked first: invalid ones are refused with their index and reason, and the others go on; if "
        "none is valid: 422 `no_valid_items`, and nothing is stored. With `options.dry_run` no form is changed: the "
        "items' results say what a run would do, and the finished dry run has a `plan_hash`. Send its id as `plan`, "
        "with that `plan_hash`, to do exactly that: copies that were changed since are refused, with 409 `plan_moved` "
        "if that is known at once. A dry run that has not ended, was deleted, or has another hash is no plan: 409 "
        "`not_a_plan`. An item of a plan does what was planned or fails. Up to 50 items are worked on before the "
        "response. Needs the right that the kind needs. While as many operations of the tenant wait or run as the "
        "limit `open_operations` allows: 409 `too_many_operations`. Operations and items are limited by the scopes "
        "`batch` and `batch_items` (429); items are counted before they are checked, also those that are refused. An "
        "order of the kind `undo` is refused like `POST /batch_operations/{id}/undo` (409 `not_undoable`).",
        body=shapes.NewOperationInput,
        responses={202: shapes.SubmittedShape},
        write=True,
    )
    def post(self, request: Request, *, body: shapes.NewOperationInput) -> HttpResponse:
        order = shapes.order_of(body)
        return submitted_response(self, request.path, lambda: submit(order, tenant=self.tenant, actor=self.actor))


class OneBatchOperation(Endpoint):
    """One operation."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read a batch operation",
        "Its state, counts, percentages, the time left, and what was refused at submission. Read it again to follow "
        "the progress, or listen to `/ws/batch_operations/{id}/`.",
        responses={200: shapes.OperationDetail},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        return self.respond(shapes.detail_of(access_operation(id)))


class OperationItems(Endpoint):
    """The items of one operation."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List the items of a batch operation",
        "The items with their state and result, the failed ones first; with `state` only those in it, in the order of "
        "the input. What was submitted for an item is never shown: it can contain sensitive answers.",
        query=shapes.ItemsQuery,
        responses={200: shapes.ItemPage},
    )
    def get(self, request: Request, id: UUID, *, query: shapes.ItemsQuery) -> HttpResponse:
        operation = access_operation(id)
        after = None
        if query.cursor:
            is_second, number = divmod(decode_number(query.cursor), _SECOND_PART)
            after = bool(is_second), number
        state = ItemState(query.state) if query.state else None
        found = list_items(operation, state=state, after=after, limit=query.limit + 1)
        shown, cursor = found[: query.limit], ""
        if len(found) > query.limit:
            last = shown[-1]
            is_second_part = state is None and last.state != ItemState.FAILED
            cursor = encode_number(last.number + _SECOND_PART * is_second_part)
        return self.respond(shapes.ItemPage(results=list(map(shape_of, shown)), next=next_page(request, cursor)))


class OperationResults(Endpoint):
    """The results of one operation as a file."""

    rights: ClassVar = {"GET": Right.READ_FORMS}
    limits: ClassVar = {"GET": EXPORT}
    renderer_classes = (Json, Ndjson, Csv)  # type: ignore[assignment]  # refusals are JSON all the same

    @documented(
        "Download the results of a batch operation",
        "One line for each item in the order of the input, as NDJSON, or with `format=csv` as CSV in which no cell is "
        "a formula. Items that have not ended are in it with their present state. With `content=true` it is the file "
        "of an export (kinds `export` and `tenant_export`), one line for each copy or version, with the answers that "
        "the caller may see. Downloads count in the scope `export`. One that runs while the caller's access is "
        "withdrawn stops; its last line is then an `error` with the code `access_withdrawn`.",
        query=shapes.ResultsQuery,
        responses={200: Download(("application/x-ndjson", "text/csv"))},
    )
    def get(self, request: Request, id: UUID, *, query: shapes.ResultsQuery) -> HttpResponseBase:
        operation = access_operation(id)
        access = DownloadAccess.of_request(request._request, actor=self.actor, tenant=self.tenant)
        if query.content:
            file = content_response(request._request, operation, access=access)
            if file is None:
                raise Refused.parameter("content", "Only exports have content. Leave it out to read the results.")
            return file
        return results_response(request._request, operation, access=access, format=query.format)


class RetryOperation(Endpoint):
    """The retry of one operation."""

    rights: ClassVar = {"POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": BATCH}

    @documented(
        "Retry a batch operation",
        "Queues failed items again in the same operation: all of them, or those with `numbers`. Items that failed for "
        "a reason that does not change by itself need `force`. Without such items: 409 `nothing_to_retry`. " + _CONTROL,
        body=shapes.RetryInput,
        responses={202: shapes.RetriedShape},
        write=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.RetryInput) -> HttpResponse:
        def retry() -> StoredResponse:
            retried = control.retry(id, tenant=self.tenant, actor=self.actor, numbers=body.numbers, force=body.force)
            return plain_response(shapes.RetriedShape(retried=retried), status=202)

        response = respond_once(self, retry)
        wake_workers(self.tenant.database_alias)
        return response


class PauseOperation(Endpoint):
    """The pause of one operation."""

    rights: ClassVar = {"POST": Right.READ_FORMS}

    @documented(
        "Pause a batch operation",
        "Items that have begun are finished, the others wait until the operation is resumed. If it has ended: 409 "
        "`operation_has_ended`. Needs the right that the operation's kind needs.",
        body=Nothing,
        responses={200: shapes.OperationDetail},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return _controlled(self, lambda: control.pause(id, tenant=self.tenant, actor=self.actor))


class ResumeOperation(Endpoint):
    """The end of one operation's pause."""

    rights: ClassVar = {"POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": BATCH}

    @documented(
        "Resume a batch operation",
        "Lets a paused operation go on. If it is not paused: 409 `operation_is_not_paused`. " + _CONTROL,
        body=Nothing,
        responses={200: shapes.OperationDetail},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        response = _controlled(self, lambda: control.resume(id, tenant=self.tenant, actor=self.actor))
        wake_workers(self.tenant.database_alias)
        return response


class CancelOperation(Endpoint):
    """The cancellation of one operation."""

    rights: ClassVar = {"POST": Right.READ_FORMS}

    @documented(
        "Cancel a batch operation",
        "Cancels the items that have not begun; what was done stays, see `POST /batch_operations/{id}/undo`. If the "
        "operation has ended: 409 `operation_has_ended`. Needs the right that the operation's kind needs.",
        body=Nothing,
        responses={200: shapes.OperationDetail},
        write=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return _controlled(self, lambda: control.cancel(id, tenant=self.tenant, actor=self.actor))


class UndoOperation(Endpoint):
    """The undo of one operation."""

    rights: ClassVar = {"POST": Right.READ_FORMS}
    limits: ClassVar = {"POST": BATCH}

    @documented(
        "Undo a batch operation",
        "Submits a new operation that takes back what this one set and nobody has changed since; what was changed "
        "since stays, and old values that are no longer valid are reported. With `dry_run` it makes a plan. If the "
        "operation cannot be undone: 409 `not_undoable`, with the reason. " + _CONTROL,
        body=shapes.UndoInput,
        responses={202: shapes.SubmittedShape},
        write=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.UndoInput) -> HttpResponse:
        collection = request.path.rstrip("/").rpartition(f"/{id}/")[0]
        return submitted_response(
            self, collection, lambda: undo(id, tenant=self.tenant, actor=self.actor, is_dry_run=body.dry_run)
        )


def submitted_response(endpoint: Endpoint, collection: str, make: Callable[[], Submitted]) -> HttpResponse:
    """Submit once, respond, and start the operation after the commit; a repeated request starts nothing."""
    made: list[BatchOperation] = []

    def work() -> StoredResponse:
        with errors_of_field("/title"):
            result = make()
        made.append(result.operation)
        location = f"{collection.rstrip('/')}/{result.operation.id}"
        return plain_response(shapes.submitted(result), status=202, location=location)

    response = respond_once(endpoint, work)
    for operation in made:
        start(operation, tenant=endpoint.tenant)
    return response


def _controlled(endpoint: Endpoint, order: Callable[[], BatchOperation]) -> HttpResponse:
    return respond_once(endpoint, lambda: plain_response(shapes.detail_of(order())))
