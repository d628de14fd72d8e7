"""The page on which staff set up or remove their own second factor: time-based codes from an app."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import qrcode
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django_otp import login
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage

from tenants.models import User


def second_factor(request: HttpRequest, *, context: dict[str, Any]) -> HttpResponse:
    """Show the key for an app until a code confirms it. After that, a code removes the second factor."""
    assert isinstance(request.user, User)  # noqa: S101 - the admin admits only users
    device = _device_of(request.user)
    if request.method == "POST":
        if _verified(device, request.POST.get("token", "")):
            _switch(request, device)
            return redirect("admin:index" if device.confirmed else "admin:second-factor")
        messages.error(request, "This code is wrong or too old. Enter the code that the app shows now.")
    page = {**context, "title": "Second factor", "device": device, "secret": "", "image": ""}
    if not device.confirmed:
        page |= {"secret": _spelled(device), "image": _image(device.config_url)}
    return render(request, "admin/second_factor.html", page)


def _device_of(user: User) -> TOTPDevice:
    """Return the user's confirmed device, or else the one to confirm."""
    known = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk").first()
    return known or TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def _verified(device: TOTPDevice, token: str) -> bool:
    with transaction.atomic():
        # The row lock makes sure that a code counts once, and that failed attempts are counted.
        locked = TOTPDevice.objects.select_for_update().get(pk=device.pk)
        allowed, _ = locked.verify_is_allowed()
        is_right = allowed and locked.verify_token(token.strip())
    device.refresh_from_db()
    return bool(is_right)


def _switch(request: HttpRequest, device: TOTPDevice) -> None:
    if device.confirmed:
        device.delete()
        device.confirmed = False
        messages.success(request, "The second factor has been removed. You now sign in with your password only.")
        return
    TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
    device.confirmed = True
    login(request, device)
    messages.success(request, "The second factor is set up. From now on, you need a code to sign in.")


def _spelled(device: TOTPDevice) -> str:
    """Return the key in groups of four characters, for typing."""
    key = device.config_url.partition("secret=")[2].partition("&")[0]
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _image(text: str) -> SafeString:
    stream = BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=8, border=2).save(stream)
    drawing = stream.getvalue().decode()
    return mark_safe(drawing[drawing.index("<svg") :])  # noqa: S308 - generated here, contains only paths
