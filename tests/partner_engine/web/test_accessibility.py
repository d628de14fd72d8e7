"""The accessibility statement is open to everybody, and the pages lead to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import User
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
