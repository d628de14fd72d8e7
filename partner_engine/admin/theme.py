"""The theme that a member of staff chooses in the menu of the admin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from partner_engine.themes import store_theme
from tenants.models import User


def choose_theme(request: HttpRequest) -> HttpResponse:
    """Store ``theme`` for the user. The menu itself is Unfold's, and its script reports each choice."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user = request.user
    if not isinstance(user, User) or not store_theme(user, request.POST.get("theme", "")):
        return HttpResponse("There is no such theme.", status=422, content_type="text/plain")
    return HttpResponse(status=204)
