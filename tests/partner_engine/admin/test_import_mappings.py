"""Staff delete saved mappings of imports, also those of people who left, and change none."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from catalogue.models import Catalogue
from operations.imports.stored_mappings import save_mapping
from operations.models import ImportMapping
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def saved(kennels: Catalogue, harbor: Tenant, owner: User) -> list[UUID]:
    """Return the ids of two mappings that the owner saved."""
    actor = owner.as_actor(source="web")
    given = {"kennel_name": "title"}
    return [save_mapping(name, given, catalogue="kennels", tenant=harbor, actor=actor).id for name in ("One", "Two")]


def names(tenant: Tenant) -> list[str]:
    with use_tenant(tenant):
        return list(ImportMapping.objects.values_list("name", flat=True))


def test_staff_delete_one_or_several_and_change_none(admin: Client, saved: list[UUID], harbor: Tenant) -> None:
    listed = reverse("admin:operations_importmapping_changelist")
    change, delete = (
        reverse(f"admin:operations_importmapping_{page}", args=[saved[0]]) for page in ("change", "delete")
    )

    assert "One" in admin.get(listed).content.decode()
    assert admin.post(change, {"name": "Other"}).status_code == 403
    assert names(harbor) == ["One", "Two"]
    assert admin.get(delete).status_code == 200
    admin.post(delete, {"post": "yes"})
    assert names(harbor) == ["Two"]
    admin.post(listed, {"action": "delete_selected", "_selected_action": [str(saved[1])], "post": "yes"})
    assert names(harbor) == []


def test_staff_without_the_permission_delete_none(
    make_staff: Callable[..., Client], saved: list[UUID], harbor: Tenant
) -> None:
    viewer = make_staff("operations.view_importmapping")

    assert viewer.get(reverse("admin:operations_importmapping_change", args=[saved[0]])).status_code == 200
    delete = reverse("admin:operations_importmapping_delete", args=[saved[0]])
    assert viewer.post(delete, {"post": "yes"}).status_code == 403
    assert names(harbor) == ["One", "Two"]
