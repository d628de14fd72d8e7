"""Deleting a form and restoring it: not listed, not found, not open to guests, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

from django.test import Client

from actions.models import OutboxAction
from batch import service as batch
from batch.context import BatchContext
from partner_engine.live.queries import load_versions
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import guest_of
from tests.harness.page_client import Page, StartForm, markup


def events(tenant: Tenant) -> list[str]:
    with use_tenant(tenant):
        rows = OutboxAction.objects.filter(kind="publish_webhook").order_by("created_at", "id")
        types = [row.payload["event_type"] for row in rows]
    return [found for found in types if found.startswith("form.")]


def test_a_deleted_form_is_in_no_list_and_comes_back_unchanged(
    start_form: StartForm,
    owner: User,
    harbor: Tenant,
    sign_in: Callable[[User], Client],
    read: Callable[[str], BatchContext],
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})
    before = read(copy_id).changeset.document
    client = sign_in(owner)

    response = client.post(f"/forms/{copy_id}/delete", follow=True)

    content = response.content.decode()
    assert "Deleted <bdi>“First Bakery”</bdi>" in content
    assert "No application forms yet" in content
    assert "First Bakery" not in client.get("/", {"q": "bakery"}).content.decode()
    assert "First Bakery" in client.get("/", {"view": "deleted"}).content.decode()
    shown = client.get(f"/forms/{copy_id}").content.decode()
    assert "It is not listed" in shown and "Restore" in shown
    assert client.post(f"/forms/{copy_id}/answers", {"answers": '{"mqs_mail_city": "Waco"}'}).status_code == 404
    assert client.post(f"/forms/{copy_id}/delete").status_code == 404

    restored = client.post(f"/forms/{copy_id}/undelete", follow=True)

    assert "First Bakery" in restored.content.decode()
    assert "Deleted <bdi>" not in client.get("/", {"deleted": copy_id}).content.decode()
    assert read(copy_id).changeset.document == before
    assert events(harbor) == ["form.created", "form.archived", "form.restored"]


def test_restoring_a_form_that_is_not_deleted_changes_nothing(
    start_form: StartForm, owner: User, sign_in: Callable[[User], Client], read: Callable[[str], BatchContext]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})

    response = sign_in(owner).post(f"/forms/{copy_id}/undelete")

    assert response.headers["Location"] == f"/forms/{copy_id}"
    assert read(copy_id).version == 1


def test_a_locked_form_is_not_deleted(
    start_form: StartForm, owner: User, harbor: Tenant, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        context.changeset.copy.lock(reason="Audit")
        context.save()

    response = sign_in(owner).post(f"/forms/{copy_id}/delete")

    assert response.status_code == 423
    assert "First Bakery" in sign_in(owner).get("/").content.decode()


def test_a_guest_reads_that_the_form_was_deleted(
    start_form: StartForm, owner: User, harbor: Tenant, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})
    guest, _ = guest_of(harbor, copy_id)
    sign_in(owner).post(f"/forms/{copy_id}/delete")

    response = guest.get(f"/guest/{copy_id}/form")

    assert response.status_code == 404
    assert "Your agent has deleted this form" in response.content.decode()
    assert "First Bakery" not in response.content.decode()


def test_an_open_page_learns_that_its_form_was_deleted(
    start_form: StartForm, owner: User, stranger: User, harbor: Tenant, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})
    guest, _ = guest_of(harbor, copy_id)
    of_page = {"HX-Request": "true", "X-Copy-Version": "1"}
    assert list(load_versions(harbor, [UUID(copy_id)])) == [UUID(copy_id)]
    sign_in(owner).post(f"/forms/{copy_id}/delete")

    parts = sign_in(owner).get(f"/forms/{copy_id}/parts", headers=of_page)
    saved = sign_in(owner).post(f"/forms/{copy_id}/answers", {"answers": '{"mqs_mail_city": "Waco"}'}, headers=of_page)
    others = [
        sign_in(stranger).get(f"/forms/{copy_id}/parts", headers=of_page),
        guest.get(f"/guest/{copy_id}/parts", headers=of_page),
        sign_in(owner).get(f"/forms/{uuid4()}/parts", headers=of_page),
    ]

    for response in (parts, saved):
        assert response.status_code == 404
        assert response.headers["X-Form-Deleted"] == f"/forms/{copy_id}"
        assert response.headers["X-Problem"] == "This form was deleted."
    assert [(response.status_code, "X-Form-Deleted" in response.headers) for response in others] == [(404, False)] * 3
    assert load_versions(harbor, [UUID(copy_id)]) == {}


def test_other_tenants_neither_read_nor_restore_a_deleted_form(
    start_form: StartForm, owner: User, stranger: User, sign_in: Callable[[User], Client]
) -> None:
    copy_id = start_form({"mqs_business_name": "First Bakery"})
    sign_in(owner).post(f"/forms/{copy_id}/delete")
    other = sign_in(stranger)

    assert other.get(f"/forms/{copy_id}").status_code == 404
    assert other.post(f"/forms/{copy_id}/undelete").status_code == 404
    assert "First Bakery" not in other.get("/", {"view": "deleted", "deleted": copy_id}).content.decode()
    assert "First Bakery" not in sign_in(owner).get("/").content.decode()


def test_the_page_of_a_copy_that_was_deleted_gets_the_tabs_of_the_others(
    start_form: StartForm, open_page: Callable[[str], Page], api: Api
) -> None:
    base = start_form()
    copies = [api.post(f"/application_forms/{base}/copies", {"title": title}).json()["id"] for title in ("B", "C")]
    page = open_page(copies[0])
    headers = {"X-View": "answers"}
    page.order_copy("delete")

    tabs = page.client.get(f"/forms/{copies[0]}/tabs", headers=headers)

    shown = markup(tabs)
    assert tabs.status_code == 200
    assert re.findall(r'data-copy-tab="([^"]+)"', shown) == [base, copies[1]]
    assert "aria-current" not in shown and "data-new-copy" not in shown
    api.delete(f"/copies/{copies[1]}")
    alone = markup(page.client.get(f"/forms/{copies[0]}/tabs", headers=headers))
    assert f'data-copy-tab="{base}"' in alone and "hidden>" not in alone.partition("<ul>")[0]
    api.delete(f"/application_forms/{base}")
    assert page.client.get(f"/forms/{copies[0]}/tabs", headers=headers).status_code == 404
