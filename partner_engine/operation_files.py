"""The results of a batch operation as a streamed file, for API and pages: one page of items in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final
from uuid import UUID

import msgspec
import structlog
from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from operations.kinds.contents import CONTENTS
from operations.models import BatchOperation
from operations.submission.order import ResultFormat
from operations.submission.results import csv_head, csv_lines, ndjson_lines, read_page
from partner_engine.download_access import WITHDRAWN, DownloadAccess
from tenants.models import Tenant

_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
#: The last line of a file that was stopped.
_STOPPED: Final[dict[ResultFormat, bytes]] = {
    "ndjson": msgspec.json.encode({"error": {"code": "access_withdrawn", "detail": WITHDRAWN}}) + b"\n",
    "csv": f'"access_withdrawn","{WITHDRAWN}"\r\n'.encode(),
}

log = structlog.get_logger(__name__)


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
    request: HttpRequest, operation: BatchOperation, *, access: DownloadAccess, format: ResultFormat
) -> HttpResponseBase:
    """Return the results of ``operation`` in the order of the input, for the server that ``request`` came by."""
    file = _File(operation.id, tenant=access.tenant, format=format)
    return streamed(request, file.next, access=access, name=f"operation-{operation.id}.{format}", format=format)


def content_response(
    request: HttpRequest, operation: BatchOperation, *, access: DownloadAccess
) -> HttpResponseBase | None:
    """Return the file of what ``operation`` exported, as far as the caller may see it; None for an operation that
    exports nothing, or was a dry run.
    """
    tenant, actor = access.tenant, access.actor
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

    return streamed(request, read, access=access, name=f"export-{operation.id}.ndjson", format="ndjson")


def streamed(
    request: HttpRequest, read: Callable[[], bytes], *, access: DownloadAccess, name: str, format: ResultFormat
) -> HttpResponseBase:
    """Return a file of the parts that ``read`` returns until an empty one, for the server that ``request`` came by.

    ``access`` is checked before each part; when it has ended, the last line says so.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return HttpResponse(content_type=_TYPES[format], headers=headers)
    parts = _checked(read, access, format)
    content = _in_threads(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(content, content_type=_TYPES[format], headers=headers)


def _checked(read: Callable[[], bytes], access: DownloadAccess, format: ResultFormat) -> Iterator[bytes]:
    while True:
        if not access.is_in_force():
            actor = access.actor
            log.warning("audit.download_stopped", actor=f"{actor.type}:{actor.id}", tenant=access.tenant.code)
            yield _STOPPED[format]
            return
        part = read()
        if not part:
            return
        yield part


async def _in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    read = database_sync_to_async(lambda: next(parts, b""), thread_sensitive=False)
    while part := await read():
        yield part
