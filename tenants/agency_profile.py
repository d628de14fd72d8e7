"""The agency profile of a tenant: its name, phone, email and logo, which guests and customers see.

A logo is decoded and drawn anew as a PNG: nothing of the uploaded file is stored, neither its bytes nor its metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from PIL import Image, ImageOps

from tenants.models import Logo, Tenant

#: The largest file of a logo in bytes, and the most pixels that are decoded (4 bytes each).
MOST_BYTES: Final = 1_000_000
MOST_PIXELS: Final = 8_000_000
#: The largest width and height of a stored logo.
_SIZE: Final = (480, 160)
_FORMATS: Final = ("PNG", "JPEG", "WEBP")


class LogoRefused(ValueError):
    """The file cannot be used as a logo; the text says why."""


@dataclass(frozen=True, kw_only=True)
class AgencyProfile:
    """What a tenant shows of itself. ``logo`` is the new picture as ``read_logo`` returns it, empty for none, None
    where the present one stays.
    """

    name: str
    phone: str
    email: str
    logo: bytes | None = None


def read_logo(content: bytes) -> bytes:
    """Return the picture in ``content`` (PNG, JPEG or WebP) as a PNG of at most 480 x 160 pixels.

    Raises ``LogoRefused``.
    """
    if len(content) > MOST_BYTES:
        raise LogoRefused("The logo is larger than 1 MB. Choose a smaller file.")
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise LogoRefused("The logo has more than 8 million pixels. Choose a smaller picture.")
            turned = ImageOps.exif_transpose(image).convert("RGBA")
    except LogoRefused:
        raise
    # Pillow reports a broken file by many exceptions, SyntaxError and struct.error among them.
    except Exception as error:  # noqa: BLE001
        raise LogoRefused("The logo must be a PNG, JPEG or WebP picture.") from error
    turned.thumbnail(_SIZE)
    drawn = Image.new("RGBA", turned.size)
    drawn.paste(turned)
    output = BytesIO()
    drawn.save(output, "PNG", optimize=True)
    return output.getvalue()


def change_profile(tenant: Tenant, profile: AgencyProfile) -> None:
    """Write ``profile`` to the tenant, at once with its logo."""
    with transaction.atomic():
        logo_id = Tenant.objects.select_for_update().values_list("logo_id", flat=True).get(pk=tenant.pk)
        if profile.logo is not None:
            logo_id = _write_logo(tenant, profile.logo)
        shown = {"name": profile.name, "phone": profile.phone, "email": profile.email, "logo_id": logo_id}
        for field, value in shown.items():
            setattr(tenant, field, value)
        tenant.save(update_fields=list(shown))


def find_logo(logo_id: UUID) -> bytes | None:
    """Return the PNG with this id, None for an unknown or replaced one."""
    picture = Logo.objects.filter(code=logo_id).values_list("picture", flat=True).first()
    return None if picture is None else bytes(picture)


def _write_logo(tenant: Tenant, picture: bytes) -> UUID | None:
    """Store ``picture``, or delete the present one if it is empty; return its id."""
    Logo.objects.filter(tenant=tenant).delete()
    return Logo.objects.create(tenant=tenant, code=uuid4(), picture=picture).code if picture else None
