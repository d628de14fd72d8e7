"""The accessibility statement is open to everybody, and the pages lead to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import Tenant, User
from tests.harness.guests import guest_of
from tests.harness.page_client import StartForm
from tests.harness.page_weight import MOST_BYTES, weight_of

pytestmark = pytest.mark.django_db


def test_the_statement_is_open_and_light(client: Client) -> None:
    page = client.get("/accessibility", headers={"Accept-Encoding": "gzip, br"})

    assert page.status_code == 200
    assert weight_of(page) < MOST_BYTES
    assert client.post("/accessibility").status_code == 405


def test_sign_in_and_account_lead_to_it(client: Client, owner: User, sign_in: Callable[[User], Client]) -> None:
    assert 'href="/accessibility"' in client.get("/sign-in").content.decode()
    assert 'href="/accessibility"' in sign_in(owner).get("/account").content.decode()


def test_guests_read_it_in_their_language(client: Client) -> None:
    spanish = client.get("/guest/accessibility", headers={"Accept-Language": "es"})
    english = client.get("/guest/accessibility?language=en", headers={"Accept-Language": "es"}).content.decode()
    ours = client.get("/accessibility", headers={"Accept-Language": "es"}).content.decode()

    page = spanish.content.decode()
    assert (spanish.status_code, spanish["Content-Language"]) == (200, "es")
    assert '<html lang="es"' in page and "Límites conocidos" in page and "Known limits" not in page
    assert '<html lang="en"' in english and "Known limits" in english and "Español" in english
    assert '<html lang="en"' in ours and "Known limits" in ours and "Español" not in ours


def test_the_guests_panel_leads_to_theirs(start_form: StartForm, harbor: Tenant) -> None:
    copy_id = start_form()
    guest, _ = guest_of(harbor, copy_id)

    assert 'href="/guest/accessibility"' in guest.get(f"/guest/{copy_id}/form").content.decode()
