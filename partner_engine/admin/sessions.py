"""The sessions of a user in the admin: one's own, and those of others for staff who may edit their accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from partner_engine.account_orders import end_session_of, end_sessions_of
from partner_engine.user_sessions import end_other_sessions, end_session, list_sessions, sessions_of
from tenants.models import User


def own_sessions(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the sessions of the signed-in user (GET); end one of them, or all but this one (POST)."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin admits only users
    if request.method == "POST":
        key = request.POST.get("session", "")
        if not key:
            end_other_sessions(request, user)
        is_everything = not key or end_session(request, user, key)
        messages.success(request, "All other sessions have been ended." if is_everything else "The session has ended.")
        return redirect("admin:sessions")
    shown = {**context, "title": "Your sessions", "sessions": list_sessions(request, user), "others": "all others"}
    return render(request, "admin/sessions.html", shown)


def sessions_of_user(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    """Show the sessions of another ``user`` (GET); end one or all of them (POST). The caller checks the permission."""
    if request.method == "POST":
        key = request.POST.get("session", "")
        if key:
            end_session_of(request, user, key)
        else:
            end_sessions_of(request, user)
        messages.success(request, "The session has ended." if key else "All sessions of the user have been ended.")
        return redirect("admin:tenants_user_sessions", user.pk)
    shown = {
        **context,
        "title": f"Sessions of {user}",
        "sessions": sessions_of(user),
        "others": "all",
        "back": reverse("admin:tenants_user_change", args=(user.pk,)),
    }
    return render(request, "admin/sessions.html", shown)
