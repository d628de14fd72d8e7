"""Staff who choose the issuer of a tenant can sign in as its users, so they need the rights of its administrators."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import CompanySignIn, Tenant

pytestmark = pytest.mark.django_db
OWN = tuple(f"tenants.{verb}_companysignin" for verb in ("add", "change", "delete", "view"))
OF_ADMINISTRATORS = (
    "copies.view_copy", "copies.read_personal", "copies.reveal_sensitive", "webhooks.change_webhookendpoint",
    "tenants.change_tenant",
)  # fmt: skip


@pytest.mark.parametrize(
    ("more", "status"), [((), 403), (OF_ADMINISTRATORS[:-1], 403), (OF_ADMINISTRATORS, 200)], ids=["none", "few", "all"]
)
def test_few_rights_choose_no_issuer(
    make_staff: Callable[..., Client], harbor: Tenant, more: tuple[str, ...], status: int
) -> None:
    row = CompanySignIn.objects.create(
        tenant=harbor, issuer="https://login.example.com", client_id="x", mail_domains=["harbor.example"]
    )
    browser = make_staff(*OWN, *more)

    def address(name: str, *args: object) -> str:
        return reverse(f"admin:tenants_companysignin_{name}", args=args)

    responses = [
        browser.post(address("add"), {}),
        browser.post(address("change", row.pk), {"issuer": ""}),
        browser.get(address("delete", row.pk)),
    ]

    assert [response.status_code for response in responses] == [status] * 3
    assert browser.get(address("changelist")).status_code == 200
