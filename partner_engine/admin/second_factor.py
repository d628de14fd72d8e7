"""The page on which staff set up or remove their own second factor: time-based codes from an app."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_otp import login
from django_otp.plugins.otp_totp.models import TOTPDevice

from partner_engine.second_factors import (
    TooEarly,
    confirm_device,
    is_code_of,
    key_image,
    remove_second_factor,
    spelled_key,
)
from partner_engine.user_sessions import keep_only_this_session
from tenants.models import User

_ENDED: Final = "All other sessions have been ended."


def second_factor(request: HttpRequest, *, context: dict[str, Any]) -> HttpResponse:
    """Show the key for an app until a code confirms it. After that, a code removes the second factor."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin admits only users
    device = _device_of(user)
    wait = 0
    if request.method == "POST":
        try:
            if is_code_of(device, request.POST.get("token", "").strip()):
                _switch(request, user, device)
                return redirect("admin:index" if device.confirmed else "admin:second-factor")
            messages.error(request, "This code is wrong or too old. Enter the code that the app shows now.")
        except TooEarly as early:
            wait = early.wait
            messages.error(request, str(early))
    page = {**context, "title": "Second factor", "device": device, "secret": "", "image": ""}
    if not device.confirmed:
        page |= {"secret": spelled_key(device), "image": key_image(device)}
    response = render(request, "admin/second_factor.html", page, status=429 if wait else 200)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _device_of(user: User) -> TOTPDevice:
    """Return the user's confirmed device, or else the one to confirm."""
    known = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk").first()
    return known or TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def _switch(request: HttpRequest, user: User, device: TOTPDevice) -> None:
    if device.confirmed:
        remove_second_factor(user)
        keep_only_this_session(request, user)
        device.confirmed = False
        messages.success(request, f"The second factor has been removed. You sign in with your password only. {_ENDED}")
        return
    confirm_device(user, device)
    keep_only_this_session(request, user)
    login(request, device)
    messages.success(request, f"The second factor is set up. From now on, you need a code to sign in. {_ENDED}")
