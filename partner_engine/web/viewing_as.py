"""The end of a view of staff, from the banner of each page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from partner_engine.viewing_as import end_view
from tenants.models import User


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the view, and return to the admin."""
    end_view(request)
    user = request.user
    return redirect("admin:index" if isinstance(user, User) and user.tenant_id is None else "web:forms")
