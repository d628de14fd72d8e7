"""The page that imports forms from a file, and the file of failed rows out and back in.

The file stays in the browser between the preview and the import, so nothing of it is stored before it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from uuid_utils.compat import uuid7

from catalogue import releases
from operations.errors import OperationError, OperationNotFound
from operations.imports.errors import ImportRefused, InvalidMapping
from operations.imports.failed_file import FailedItems, return_failed
from operations.imports.files import read_file
from operations.imports.limits import MOST_BYTES
from operations.imports.order import ImportRequest, import_order
from operations.imports.preview import PreviewRow, preview
from operations.submission.errors import InvalidOrder, NoValidItems, OperationExists
from operations.submission.order import Options
from operations.submission.selectors import access_operation
from operations.submission.start import start
from operations.submission.submit import submit
from partner_engine.download_access import DownloadAccess
from partner_engine.operation_files import streamed
from partner_engine.rate_limits import count_request
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.operation_rows import chosen_operation, open_choices
from partner_engine.web.order_counts import chosen_id, counted_order, is_repeated, limit_words
from partner_engine.web.pages.operation_columns import ColumnView, build_columns
from partner_engine.web.pages.operation_fields import FieldFault, askable_questions
from partner_engine.web.saved_columns import NAME, carry_out, chosen_mapping, shown_proposals
from presentation.visibility import Reader, Visibility
from rules.definition.model import CompiledCatalogue
from tenants.access import Right
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import EXPORT, UPLOAD

_NAME_LENGTH: Final = 120


@require_http_methods(["GET", "POST"])
@for_agents(Right.WRITE_FORMS)
def new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the page; POST reads ``file``: ``step`` is ``look`` (the preview), ``try`` (without saving) or ``run``."""
    if request.method == "GET":
        return _page(request, agent)
    try:
        return _read(request, agent)
    except FieldFault as fault:
        return _page(request, agent, faults={fault.field: fault.detail}, problem=fault.detail, status=422)
    except InvalidMapping as refused:
        return _page(request, agent, columns=_sent_columns(request, refused), problem=str(refused), status=422)
    except (InvalidOrder, NoValidItems) as refused:
        reasons = dict.fromkeys(fault.detail for fault in list(refused.faults)[:3])
        return _page(request, agent, problem=" ".join(reasons) or str(refused), status=422)
    except ImportRefused as refused:
        return _page(request, agent, problem=str(refused), status=422, file_problem=True)
    except OperationError as refused:
        return _page(request, agent, problem=str(refused), status=409)
    except RateLimited as limited:
        return _page(request, agent, problem=limit_words(limited), status=429)
    except releases.NoRelease:
        return _page(request, agent, problem="No catalogue is published yet, so nothing can be imported.", status=409)


def _read(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Return the preview of the file, or submit its import and lead there."""
    # A file costs its reading, also where it is refused afterwards.
    count_request(request, UPLOAD)
    content, name = _upload(request)
    mapping = chosen_mapping(request.POST)
    if request.POST.get("step") not in ("try", "run"):
        ordered = carry_out(request.POST, mapping, agent)
        status = 422 if "faults" in ordered or "problem" in ordered else 200
        return _page(request, agent, status=status, **{**_preview(content, mapping, agent), **ordered})
    chosen = chosen_id(request)
    if is_repeated(chosen):
        return _go(request, chosen)
    order = import_order(
        content,
        ImportRequest(
            mapping=None if mapping is None else dict(mapping),
            options=Options(dry_run=request.POST["step"] == "try"),
            title=f"Import {name}"[:_NAME_LENGTH],
        ),
        catalogue=agent.tenant.catalogue,
    )
    order = msgspec.structs.replace(order, id=chosen, depends_on=chosen_operation(request.POST))
    try:
        with counted_order(request):
            submitted = submit(order, tenant=agent.tenant, actor=agent.actor)
    except OperationExists:
        # The other of two clicks was faster.
        if not is_repeated(chosen):
            raise
        return _go(request, chosen)
    start(submitted.operation, tenant=agent.tenant)
    return _go(request, submitted.operation.id)


@require_GET
@for_agents(Right.READ_FORMS)
def failed_rows(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Send the failed rows as CSV, each with its number and reason. It counts as an export."""
    count_request(request, EXPORT)
    try:
        file = FailedItems(access_operation(operation_id), tenant=agent.tenant, actor=agent.actor)
    except OperationNotFound:
        raise Http404 from None
    access = DownloadAccess.of_request(request, actor=agent.actor, tenant=agent.tenant)
    name = f"failed-{operation_id}.csv"
    return streamed(request, file.next, access=access, name=name, format="csv")  # type: ignore[return-value]


@require_POST
@for_agents(Right.WRITE_FORMS)
def corrected_rows(request: HttpRequest, agent: Agent, operation_id: UUID) -> HttpResponse:
    """Take corrected rows in ``file`` back into their operation."""
    try:
        count_request(request, UPLOAD)
        content, _ = _upload(request)
        with counted_order(request):
            return_failed(operation_id, content, tenant=agent.tenant, actor=agent.actor)
    except OperationNotFound:
        raise Http404 from None
    except (OperationError, RateLimited) as refused:
        words = limit_words(refused) if isinstance(refused, RateLimited) else str(refused)
        shown = agent.context(problem=words, operation_id=operation_id)
        status = 429 if isinstance(refused, RateLimited) else 422
        return render(request, "web/operation_refused.html", shown, status=status)
    return redirect("web:operation", operation_id)


class _NoFile(ImportRefused):
    """No file was chosen."""

    code = "no_file"

    def __init__(self) -> None:
        super().__init__("Choose a file first.")


def _upload(request: HttpRequest) -> tuple[bytes, str]:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise _NoFile
    # One byte more than allowed is enough to be refused for its size.
    return file.read(MOST_BYTES + 1), str(file.name or "file")


def _preview(content: bytes, mapping: Mapping[str, str | None] | None, agent: Agent) -> dict[str, Any]:
    found = preview(read_file(content), mapping, catalogue="", tenant=agent.tenant, actor=agent.actor)
    rows = [
        {"number": row.number, "cells": _cells(row, [one.column for one in found.columns if one.target])}
        for row in found.rows
    ]
    return {
        "found": found,
        "total": f"{found.total:,} {'row' if found.total == 1 else 'rows'}",
        "columns": build_columns(found.columns),
        "proposals": shown_proposals([one.column for one in found.columns], agent),
        "heads": [one.column for one in found.columns if one.target],
        "rows": rows,
    }


def _sent_columns(request: HttpRequest, refused: InvalidMapping) -> tuple[ColumnView, ...]:
    """Return the columns as they were chosen, with the faults of their targets: what was chosen stays."""
    faults = {fault.path: fault.detail for fault in refused.faults}
    return tuple(
        ColumnView(column=column, target=target or "", label="", how="", candidates="", fault=faults.get(column, ""))
        for column, target in (chosen_mapping(request.POST) or {}).items()
    )


def _cells(row: PreviewRow, heads: Sequence[str]) -> list[Mapping[str, str]]:
    faults = {fault.column: fault.detail for fault in row.errors}
    of_cells = [{"text": _text(row.cells.get(head)), "fault": faults.get(head, "")} for head in heads]
    of_row = [{"text": "", "fault": fault.detail} for fault in row.errors if not fault.column]
    return [*of_cells, *of_row]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _page(request: HttpRequest, agent: Agent, *, status: int = 200, **shown: Any) -> HttpResponse:
    catalogue = _catalogue(agent)
    known = {
        "operation": str(uuid7()),
        "faults": {},
        "open_operations": open_choices(),
        "after": request.POST.get("after", ""),
        NAME: request.POST.get(NAME, ""),
        "questions": askable_questions(catalogue, visibility=Visibility(catalogue, Reader.for_actor(agent.actor)))
        if catalogue and shown.get("columns")
        else (),
    }
    if request.headers.get("HX-Request") == "true" and status >= 400:
        # The pages put only refusals with this status into their places.
        status = 422
    return render(request, "web/operation_import.html", agent.context(**{**known, **shown}), status=status)


def _catalogue(agent: Agent) -> CompiledCatalogue | None:
    try:
        return releases.current(agent.tenant.catalogue, tenant_id=agent.tenant.id).compiled
    except releases.NoRelease:
        return None


def _go(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Lead to the operation. A request by htmx keeps the chosen file on the page until then."""
    if request.headers.get("HX-Request") != "true":
        return redirect("web:operation", operation_id)
    return HttpResponse(headers={"HX-Redirect": reverse("web:operation", args=[operation_id])})
