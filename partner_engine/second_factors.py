"""The second factor of users: codes from an app (TOTP) and ten recovery codes, each for one use.

The devices are those of django-otp, which also slows down guesses: after each wrong code twice as long. Pages and the
admin share this module.
"""

from __future__ import annotations

import secrets
from io import BytesIO
from math import ceil
from typing import Final

import qrcode
from django.db import transaction
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage

from tenants.models import User

RECOVERY_CODES: Final = 10
#: Letters and digits that are not mistaken for each other; 50 bits in ten of them.
_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH: Final = 10


class TooEarly(Exception):
    """The device takes no code for ``wait`` more seconds, because of wrong ones."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"There were wrong codes. Wait {wait} second{'' if wait == 1 else 's'}, then try again.")
        self.wait = wait


def confirmed_device(user: User) -> TOTPDevice | None:
    """Return the device that ``user`` signs in with, None without a second factor."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
    return device


def new_device(user: User) -> TOTPDevice:
    """Return a new device of ``user`` that a code must confirm, in place of earlier ones that none confirmed."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def unconfirmed_device(user: User) -> TOTPDevice | None:
    """Return the device of ``user`` that waits for its first code, if any."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("-pk").first()
    return device


def is_code_of(device: TOTPDevice | StaticDevice, code: str) -> bool:
    """Return whether ``code`` is right and not used before; a wrong one slows down the next attempts.

    Raises ``TooEarly`` without a check.
    """
    with transaction.atomic():
        # The row lock makes sure that a code counts once, and that failed attempts are counted.
        locked = type(device).objects.select_for_update().get(pk=device.pk)
        is_allowed, reason = locked.verify_is_allowed()
        if not is_allowed:
            raise TooEarly(max(1, ceil((reason["locked_until"] - timezone.now()).total_seconds())))
        is_right = bool(locked.verify_token(code))
    device.refresh_from_db()
    return is_right


def device_with(user: User, code: str) -> TOTPDevice | StaticDevice | None:
    """Return the device of ``user`` whose app shows ``code`` or that has it as a recovery code, which is then used up;
    None for a wrong code. Raises ``TooEarly`` if a device could not be checked.
    """
    plain = "".join(code.lower().split()).replace("-", "")
    devices: list[TOTPDevice | StaticDevice] = []
    if plain.isdecimal() and len(plain) < _CODE_LENGTH:
        devices += TOTPDevice.objects.filter(user=user, confirmed=True)
    else:
        devices += StaticDevice.objects.filter(user=user, confirmed=True)
    too_early: list[TooEarly] = []
    for device in devices:
        try:
            if is_code_of(device, plain):
                return device
        except TooEarly as early:
            too_early.append(early)
    if too_early:
        raise min(too_early, key=lambda early: early.wait)
    return None


def new_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes of ``user``, and refuse all present sessions; return the codes, shown once."""
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="Recovery codes", confirmed=True)
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
        user.refuse_older_sessions()
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes of ``user`` are not used."""
    return StaticToken.objects.filter(device__user=user).count()


def confirm_device(user: User, device: TOTPDevice) -> None:
    """Make ``device`` one that ``user`` signs in with, and refuse all sessions that began without it."""
    with transaction.atomic():
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        user.refuse_older_sessions()
    device.confirmed = True


def remove_second_factor(user: User) -> None:
    """Remove the app and the recovery codes of ``user``, and refuse all present sessions."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        user.refuse_older_sessions()


def spelled_key(device: TOTPDevice) -> str:
    """Return the key in groups of four characters, for typing."""
    key = device.config_url.partition("secret=")[2].partition("&")[0]
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def key_image(device: TOTPDevice) -> SafeString:
    """Return the key as a QR code in SVG."""
    stream = BytesIO()
    qrcode.make(device.config_url, image_factory=SvgPathImage, box_size=8, border=2).save(stream)
    drawing = stream.getvalue().decode()
    return mark_safe(drawing[drawing.index("<svg") :])  # noqa: S308 - generated here, contains only paths
