"""Lookups for fields whose choices are too many for a list."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from forms.rules.industries import find_industries
from partner_engine.web.agents import for_visitors
from partner_engine.web.visitors import Visitor
from tenants.access import Right


@require_GET
@for_visitors(Right.READ_CATALOGUE)
def industries(request: HttpRequest, visitor: Visitor, copy_id: UUID | None = None) -> HttpResponse:
    """Show the industries that fit the words or code in ``q`` as options of the field ``for``; a guest's address names
    their copy.
    """
    query = request.GET.get("q", "")[:100].strip()
    shown = {"found": find_industries(query), "query": query, "prefix": request.GET.get("for", "")[:200]}
    return render(request, "web/parts/industries.html", shown)
