"""Lookups for fields with too many choices for a list."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from partner_engine.web.access import for_visitors
from partner_engine.web.industry_context import place_and_size
from partner_engine.web.visitors import Visitor
from search.industries import search_industries
from tenants.access import Right


@require_GET
@for_visitors(Right.READ_FORMS)
def industries(request: HttpRequest, visitor: Visitor, copy_id: UUID) -> HttpResponse:
    """Return the industries that match the words or code in ``q`` as options of the field ``for``.

    The order is that of ``/api/v1/naics`` for the copy's ZIP code and number of employees.
    """
    query = request.GET.get("q", "")[:100].strip()
    context = visitor.find(copy_id)
    catalogue = context.release.compiled
    changeset = context.read_only_changeset()
    zip_code, employees = place_and_size(changeset.document, catalogue)
    if not changeset.guest_scope.is_whole:
        # The order of the results would show something of answers that the guest is not asked about.
        zip_code, employees = "", None
    found = search_industries(query, catalogue, zip_code=zip_code, employees=employees)
    shown = {"found": found, "query": query, "prefix": request.GET.get("for", "")[:200]}
    return render(request, "web/parts/industries.html", shown)
