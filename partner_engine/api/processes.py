"""``/copies/{id}/processes``: the long-running processes on a copy and their state."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.processes.selectors import list_processes
from partner_engine.api import attached_shapes as shapes
from partner_engine.api.bodies import PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import next_page, page
from partner_engine.api.http.schema import documented
from tenants.access import Right


class Processes(Endpoint):
    """The processes of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List processes",
        "The long-running processes on the copy, such as quote requests to carriers, newest first, including ended "
        "ones.",
        query=PageQuery,
        responses={200: shapes.ProcessPage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: PageQuery) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        processes = page(list_processes(id), order="-event", cursor=query.cursor, limit=query.limit)
        shape = shapes.ProcessPage(
            [shapes.process(row) for row in processes.rows], next_page(request, processes.next_cursor)
        )
        return self.respond_with_content_tag(shape, version=context.version)
