"""The results of a batch operation as a streamed file, for API and pages: one page of items in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from operations.kinds.contents import CONTENTS
from operations.models import BatchOperation
from operations.submission.order import ResultFormat
from operations.submission.results import csv_head, csv_lines, ndjson_lines, read_page
from tenants.access import Actor
from tenants.models import Tenant

_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


class _File:
    """The next bytes of the file; each call reads one page, in the tenant's scope."""

    def __init__(self, operation_id: UUID, *, tenant: Tenant, format: ResultFormat) -> None:
        self._operation_id = operation_id
        self._tenant = tenant
        self._is_csv = format == "csv"
        self._after = -1
        self._head = csv_head() if self._is_csv else b""

    def next(self) -> bytes:
        """Return the next part, empty at the end."""
        items = read_page(self._operation_id, tenant=self._tenant, after=self._after)
        if items:
            self._after = items[-1].number
        head, self._head = self._head, b""
        return head + (csv_lines(items) if self._is_csv else ndjson_lines(items))


def results_response(
    request: HttpRequest, operation: BatchOperation, *, tenant: Tenant, format: ResultFormat
) -> HttpResponseBase:
    """Return the results of ``operation`` in the order of the input, for the server that ``request`` came by."""
    file = _File(operation.id, tenant=tenant, format=format)
    return streamed(request, file.next, name=f"operation-{operation.id}.{format}", content_type=_TYPES[format])


def content_response(
    request: HttpRequest, operation: BatchOperation, *, tenant: Tenant, actor: Actor
) -> HttpResponseBase | None:
    """Return the file of what ``operation`` exported, as far as ``actor`` may see it; None for an operation that
    exports nothing, or was a dry run.
    """
    lines = CONTENTS.get(operation.kind)
    if lines is None or operation.is_dry_run:
        return None
    last = -1

    def read() -> bytes:
        nonlocal last
        while rows := read_page(operation.id, tenant=tenant, after=last):
            last = rows[-1].number
            if part := b"".join(lines(rows, tenant=tenant, actor=actor)):
                return part
        return b""

    return streamed(request, read, name=f"export-{operation.id}.ndjson", content_type=_TYPES["ndjson"])


def streamed(request: HttpRequest, read: Callable[[], bytes], *, name: str, content_type: str) -> HttpResponseBase:
    """Return a file of the parts that ``read`` returns until an empty one, for the server that ``request`` came by."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return HttpResponse(content_type=content_type, headers=headers)
    content = _in_threads(read) if isinstance(request, ASGIRequest) else _in_this_thread(read)
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


def _in_this_thread(read_part: Callable[[], bytes]) -> Iterator[bytes]:
    while part := read_part():
        yield part


async def _in_threads(read_part: Callable[[], bytes]) -> AsyncIterator[bytes]:
    read = database_sync_to_async(read_part, thread_sensitive=False)
    while part := await read():
        yield part
