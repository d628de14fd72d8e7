"""Logos are drawn anew from safe types of pictures within limits; a profile is written at once."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from tenants.agency_profile import MOST_BYTES, AgencyProfile, LogoRefused, change_profile, find_logo, read_logo
from tenants.models import Logo, Tenant


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    """Return a picture with metadata."""
    output = BytesIO()
    metadata = PngImagePlugin.PngInfo()
    metadata.add_text("Comment", "<script>alert(1)</script>")
    Image.new("RGB", size, "navy").save(output, kind, **({"pnginfo": metadata} if kind == "PNG" else {}))
    return output.getvalue()


def claimed(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that claims a size and has no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    begun = struct.pack(">I", 1_000) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + begun


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "stored"), [((40, 20), (40, 20)), ((1_000, 1_000), (160, 160)), ((960, 20), (480, 10))]
)
def test_a_logo_is_drawn_anew_within_its_size(kind: str, size: tuple[int, int], stored: tuple[int, int]) -> None:
    content = picture(kind, size) + b"<?php echo 1; ?>"

    logo = read_logo(content)

    with Image.open(BytesIO(logo)) as drawn:
        assert (drawn.format, drawn.size, dict(drawn.info)) == ("PNG", stored, {})
    assert b"script" not in logo and b"php" not in logo


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(40), "PNG, JPEG or WebP"),
        (picture()[:40], "PNG, JPEG or WebP"),
        (claimed(40, 20), "PNG, JPEG or WebP"),
        (claimed(4_000, 2_001), "8 million pixels"),
        (claimed(60_000, 60_000), "PNG, JPEG or WebP"),
        (bytes(MOST_BYTES + 1), "larger than 1 MB"),
    ],
)
def test_everything_else_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(LogoRefused, match=text):
        read_logo(content)


@pytest.mark.django_db
def test_a_new_logo_has_a_new_address_and_ends_the_old_one(harbor: Tenant) -> None:
    shown = {"name": "Harbor", "phone": "(614) 555-2368", "email": "desk@harbor.example"}
    change_profile(harbor, AgencyProfile(**shown, logo=b"first"))
    first = harbor.logo_id

    change_profile(harbor, AgencyProfile(**shown))
    assert harbor.logo_id == first
    change_profile(harbor, AgencyProfile(**shown, logo=b"second"))

    stored = Tenant.objects.get(pk=harbor.pk)
    assert (stored.name, stored.phone, stored.email) == tuple(shown.values())
    assert stored.logo_id == harbor.logo_id != first
    assert first is not None and find_logo(first) is None
    assert stored.logo_id is not None and find_logo(stored.logo_id) == b"second"

    change_profile(harbor, AgencyProfile(**shown, logo=b""))

    assert Tenant.objects.get(pk=harbor.pk).logo_id is None
    assert not Logo.objects.exists()
