"""Erasing the keys of a form in the admin, and the ledger of reveals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from batch.reveal import RevealReason, reveal
from copies.models import Copy, SensitiveReveal
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db
REASON = "The insured asked for erasure"


def key_of(form: UUID, tenant: Tenant) -> bytes | None:
    with use_tenant(tenant):
        return Copy.objects.get(pk=form).wrapped_key


def test_keys_are_erased_after_a_reason_and_a_confirmation(admin: Client, kennel: UUID, harbor: Tenant) -> None:
    address = reverse("admin:forms_applicationform_erase", args=(kennel,))
    assert address in admin.get(reverse("admin:forms_applicationform_change", args=(kennel,))).content.decode()
    assert "cannot be undone" in admin.get(address).content.decode()

    for body, words in (
        ({"reason": REASON, "confirmation": ""}, "Nothing was erased"),
        ({"reason": "no", "confirmation": "erase"}, "Give a reason of 10"),
    ):
        assert words in admin.post(address, body).content.decode()
        assert key_of(kennel, harbor) is not None
    done = admin.post(address, {"reason": REASON, "confirmation": " Erase "}, follow=True)

    assert "The keys of 1 copy were erased, with 1 sensitive answer." in done.content.decode()
    assert key_of(kennel, harbor) is None


def test_without_the_permission_nothing_is_erased(
    make_staff: Callable[..., Client], kennel: UUID, harbor: Tenant
) -> None:
    junior = make_staff("forms.view_applicationform", "copies.view_copy", "copies.reveal_sensitive")
    address = reverse("admin:forms_applicationform_erase", args=(kennel,))

    page = junior.get(reverse("admin:forms_applicationform_change", args=(kennel,))).content.decode()
    refused = junior.post(address, {"reason": REASON, "confirmation": "erase"})

    assert "Erase for ever" not in page
    assert refused.status_code == 403
    assert key_of(kennel, harbor) is not None


def test_the_ledger_is_searched_and_filtered(admin: Client, staff: User, kennel: UUID, harbor: Tenant) -> None:
    reader = replace(staff.as_actor(source="admin"), rights=frozenset(Right))
    for purpose, text in (("carrier", "Quillmark asks by phone"), ("audit", "Yearly audit of the agency")):
        reveal(kennel, "owner_ssn", scope=harbor, actor=reader, reason=RevealReason(purpose=purpose, text=text))
    address = reverse("admin:copies_sensitivereveal_changelist")

    def found(**query: str) -> tuple[bool, bool]:
        text = admin.get(address, query).content.decode()
        return "Quillmark asks" in text, "Yearly audit" in text

    assert found() == (True, True)
    assert found(q="quillmark PHONE") == (True, False)
    assert found(q=str(kennel)) == (True, True)
    assert found(q="owner_ssn audit") == (False, True)
    assert found(purpose__exact="audit") == (False, True)
    with use_tenant(harbor):
        old = SensitiveReveal.objects.get(purpose="audit")
        SensitiveReveal.objects.filter(pk=old.pk).update(created_at=old.created_at - timedelta(days=10))
    assert found(days="7") == (True, False)
    assert found(days="30") == found(days="nonsense") == (True, True)
