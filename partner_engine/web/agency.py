"""The agency's profile: the page on which its administrators change it, and its logo for everybody who sees a page."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from partner_engine.agency_form import AgencyFields, profile_of
from partner_engine.web.access import Agent, for_agents
from tenants.access import Right
from tenants.agency_profile import change_profile, find_logo

#: A new logo has a new address, so a browser may keep it for a day.
_CACHED: Final = "public, max-age=86400, immutable"

log = structlog.get_logger(__name__)


@require_http_methods(["GET", "POST"])
@for_agents(Right.MANAGE_AGENCY)
def profile(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Show the agency's profile (GET), or change it (POST)."""
    tenant = agent.tenant
    present = {"name": tenant.name, "phone": tenant.phone, "email": tenant.email}
    if request.method != "POST":
        notice = "The profile is saved." if request.GET.get("saved") else ""
        return render(request, "web/agency.html", agent.context(values=present, faults={}, notice=notice))
    fields = AgencyFields(request.POST, request.FILES)
    if not fields.is_valid():
        faults = {name: messages[0] for name, messages in fields.errors.items()}
        values = {name: request.POST.get(name, "")[:254] for name in present}
        return render(request, "web/agency.html", agent.context(values=values, faults=faults), status=422)
    change_profile(tenant, profile_of(fields.cleaned_data))
    log.info("audit.agency_profile_changed", tenant=tenant.code, by=agent.actor.id, fields=sorted(fields.changed_data))
    return redirect(f"{reverse('web:agency')}?saved=1")


@require_GET
def logo(request: HttpRequest, logo_id: UUID) -> HttpResponse:
    """Return the logo with this id as a PNG. Logos are public, and nothing lists their ids."""
    picture = find_logo(logo_id)
    if picture is None:
        raise Http404
    response = HttpResponse(picture, content_type="image/png")
    response.headers["Cache-Control"] = _CACHED
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
