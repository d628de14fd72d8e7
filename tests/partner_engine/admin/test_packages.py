"""Carrier packages in the admin: imported after a preview, refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalogue.drafts import read_draft
from catalogue.loader import load
from catalogue.models import Catalogue, PackageImport
from catalogue.packages.contents import package_of, without_carrier
from catalogue.packages.importing import PURPOSE
from catalogue.packages.writing import write_package
from encryption.signatures import canonical, sign
from tests.catalogue.test_package_imports import demo, head

pytestmark = pytest.mark.django_db

ADDRESS = "admin:catalogue_packageimport_import_package"


@pytest.fixture
def catalogue() -> Catalogue:
    return load(without_carrier(demo(), "QM"))


def file(**signature: str) -> bytes:
    package = package_of(demo(), head("QM"))
    made = sign(canonical(package), purpose=PURPOSE)
    return write_package(package, {"key": made.key, "value": made.value, **signature}).encode()


def test_a_package_is_imported_after_a_preview(admin: Client, catalogue: Catalogue) -> None:
    preview = admin.post(reverse(ADDRESS), {"file": BytesIO(file())})
    before = {carrier.code for carrier in read_draft(catalogue).carriers}
    response = admin.post(reverse(ADDRESS), {"text": preview.context["text"], "confirm": "1"})

    content = preview.content.decode()
    assert "Quillmark Mutual, version 1, signed by own" in " ".join(content.split())
    assert "products[QM-BOP]" in content
    assert "QM" not in before
    assert response.status_code == 302
    assert "QM" in {carrier.code for carrier in read_draft(catalogue).carriers}
    assert b"Quillmark" in admin.get(reverse("admin:carriers_carrier_changelist")).content
    assert b"version" in admin.get(reverse("admin:catalogue_packageimport_changelist")).content.lower()
    assert PackageImport.objects.get().imported_by_id != ""


def test_a_refused_package_changes_nothing(admin: Client, catalogue: Catalogue) -> None:
    strange = admin.post(reverse(ADDRESS), {"file": BytesIO(file(key="0123456789abcdef"))})
    faulty = admin.post(reverse(ADDRESS), {"file": BytesIO(file().replace(b"products:", b"product:", 1))})

    assert "not known here" in strange.content.decode()
    assert [fault.code for fault in faulty.context["faults"]] == ["unknown_key"]
    assert not PackageImport.objects.exists()


def test_importing_needs_its_permission(make_staff: Callable[..., Any], catalogue: Catalogue) -> None:
    junior = make_staff("catalogue.view_packageimport")

    assert junior.post(reverse(ADDRESS), {"file": BytesIO(file())}).status_code == 403
    assert junior.get(reverse("admin:catalogue_packageimport_changelist")).status_code == 200


@pytest.mark.parametrize("key", ["x", "AAAA"])
def test_a_faulty_public_key_is_an_error_at_its_field(admin: Client, key: str) -> None:
    response = admin.post(reverse("admin:catalogue_packagepublisher_add"), {"name": "Riverbend", "public_key": key})

    assert "44 characters" in response.content.decode()
