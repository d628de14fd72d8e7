"""Cloning and renewing a form from its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from batch import service as batch
from batch.context import BatchContext
from batch.locks.holds import hold_copy
from copies.codec import decode_document, encode_document
from forms.models import ApplicationForm
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.page_client import Page, StartForm


@pytest.fixture
def client(owner: User, sign_in: Callable[[User], Client]) -> Client:
    """Return the owner's browser."""
    return sign_in(owner)


def test_a_second_press_leads_to_the_same_clone(start_form: StartForm, client: Client, harbor: Tenant) -> None:
    copy_id, key = start_form({"mqs_business_name": "Copper Kettle"}), uuid4().hex

    first = client.post(f"/forms/{copy_id}/clone", {"clone": key})
    again = client.post(f"/forms/{copy_id}/clone", {"clone": key})
    renewed = client.post(f"/forms/{copy_id}/clone", {"renew": key})

    assert (first.status_code, first.url) == (302, again.url)  # type: ignore[attr-defined]
    assert renewed.url != first.url  # type: ignore[attr-defined]
    assert "Copper Kettle" in client.get(first.url).content.decode()  # type: ignore[attr-defined]
    with use_tenant(harbor):
        assert ApplicationForm.objects.count() == 3


def test_the_menu_offers_both(start_form: StartForm, client: Client) -> None:
    content = Page(client, start_form()).show()

    assert "Clone this application" in content
    assert "New application from last year" in content


def test_what_is_proposed_can_be_kept(
    start_form: StartForm, client: Client, read: Callable[[str], BatchContext]
) -> None:
    copy_id = start_form({"mqs_business_name": "Copper Kettle", "mqs_annual_revenue": 480000})
    document = decode_document(read(copy_id).copy.document)
    for answer in document.answers.values():
        answer.updated_at = answer.updated_at and answer.updated_at - timedelta(days=400)
    with use_tenant(read(copy_id).scope), connection.cursor() as cursor:
        cursor.execute("UPDATE copies_copy SET document = %s WHERE id = %s", [encode_document(document), copy_id])
    location = client.post(f"/forms/{copy_id}/clone", {"renew": uuid4().hex}).url  # type: ignore[attr-defined]
    page = Page(client, location.rpartition("/")[2])
    shown = page.show()

    response = page.order("confirm", "mqs_annual_revenue", code="proposed")

    assert "Proposed from last year: $480,000" in shown
    assert response.status_code == 200
    assert "Proposed from last year" not in page.show()
    kept = decode_document(read(page.copy_id).copy.document).answers["mqs_annual_revenue"]
    assert (kept.value, kept.proposed) == (480000, None)


@pytest.mark.parametrize("body", [{}, {"clone": ""}, {"clone": "x" * 32}, {"renew": "0" * 31}])
def test_a_malformed_order_is_refused(start_form: StartForm, client: Client, body: dict[str, str]) -> None:
    assert client.post(f"/forms/{start_form()}/clone", body).status_code == 400


def test_a_held_copy_says_who_works_on_it(start_form: StartForm, client: Client, owner: User, harbor: Tenant) -> None:
    copy_id = start_form()
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        process = context.changeset.processes.start("quoting")
        context.save()

    with hold_copy(process.id, copy_id=UUID(copy_id), seconds=20, scope=harbor):
        response = client.post(f"/forms/{copy_id}/clone", {"clone": uuid4().hex})

    assert response.status_code == 409
    assert "quoting" in response.content.decode()


def test_a_stranger_finds_nothing(start_form: StartForm, stranger: User, sign_in: Callable[[User], Client]) -> None:
    assert sign_in(stranger).post(f"/forms/{start_form()}/clone", {"clone": uuid4().hex}).status_code == 404
