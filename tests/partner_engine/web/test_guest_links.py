"""Guest links on the agent's form page: created and shown once, listed with their state, ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from batch import service as batch
from forms.models import GuestLink
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.guests import follow, guest_of, issue, let_expire

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy_id(start_form: Callable[..., str]) -> str:
    """Return an empty form's copy, the owner's."""
    return start_form()


@pytest.fixture
def ask(owner: User, sign_in: Callable[[User], Client], copy_id: str) -> Callable[..., HttpResponse]:
    """Return a function that requests parts of the owner's dialog."""
    client = sign_in(owner)

    def send(path: str = "", values: dict[str, Any] | None = None) -> HttpResponse:
        method = client.get if values is None else client.post
        return method(f"/forms/{copy_id}/guest-links{path}", values or {}, headers={"HX-Request": "true"})  # type: ignore[return-value]

    return send


def text(response: HttpResponse) -> str:
    """Return the text of a part."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_without_links_the_dialog_explains_them(ask: Callable[..., HttpResponse]) -> None:
    response = ask()

    assert response.status_code == 200
    assert "There is no guest yet." in text(response) and "Create a link" in text(response)


def test_a_link_is_shown_once_and_opens(ask: Callable[..., HttpResponse], copy_id: str, harbor: Tenant) -> None:
    made = ask("/new", {"name": " Gus   Miller ", "days": "30"})

    assert (made.status_code, made["Cache-Control"]) == (200, "no-store")
    [secret] = re.findall(rf'value="http://testserver/guest/{copy_id}#([\w-]{{43}})"', made.content.decode())
    assert "Gus Miller Not opened yet new" in text(made)
    listed = ask()
    assert secret not in listed.content.decode()
    assert "Gus Miller Not opened yet" in text(listed)
    with use_tenant(harbor):
        link = GuestLink.objects.get()
    assert timedelta(days=29, hours=23) < link.expires_at - timezone.now() < timedelta(days=30)
    assert (link.issued_by_type, link.name) == ("user", "Gus Miller")
    assert follow(Client(), copy_id, secret).status_code == 200
    assert "Gus Miller Opened" in text(ask())


@pytest.mark.parametrize("days", ["", "0", "91", "-1", "x", "14.5", "365"])
def test_an_invalid_period_becomes_the_default(days: str, ask: Callable[..., HttpResponse], harbor: Tenant) -> None:
    assert ask("/new", {"days": days}).status_code == 200

    with use_tenant(harbor):
        lasts = GuestLink.objects.get().expires_at - timezone.now()
    assert timedelta(days=13, hours=23) < lasts < timedelta(days=14)


def test_a_link_is_ended_repeatedly(ask: Callable[..., HttpResponse], copy_id: str, harbor: Tenant) -> None:
    client, link_id = guest_of(harbor, copy_id)

    answers = [ask(f"/{link_id}/revoke", {}) for _ in range(2)]

    assert [response.status_code for response in answers] == [200, 200]
    assert "Guest Ended" in text(answers[0]) and "End the link" not in text(answers[1])
    assert client.get(f"/guest/{copy_id}/form").status_code == 302


def test_a_link_of_another_copy_cannot_be_ended_here(
    ask: Callable[..., HttpResponse], harbor: Tenant, start_form: Callable[..., str]
) -> None:
    other = start_form()
    client, link_id = guest_of(harbor, other)

    assert ask(f"/{link_id}/revoke", {}).status_code == 404
    assert ask(f"/{uuid4()}/revoke", {}).status_code == 404
    assert client.get(f"/guest/{other}/form").status_code == 200


def test_an_expired_link_is_shown_as_expired(ask: Callable[..., HttpResponse], copy_id: str, harbor: Tenant) -> None:
    link_id, _ = issue(harbor, copy_id, name="Ida")
    let_expire(harbor, link_id)

    said = text(ask())

    assert "Ida Expired" in said and "was valid until" in said and "End the link" not in said


def test_too_many_links_and_a_locked_copy_are_refused_with_the_reason(
    ask: Callable[..., HttpResponse], copy_id: str, harbor: Tenant, owner: User
) -> None:
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        for _ in range(50):
            context.changeset.guest_links.issue(valid_for=timedelta(days=1))
        context.save()

    refused = ask("/new", {})

    assert refused.status_code == 422
    assert "which is the maximum. End one first." in text(refused) and "/guest/" not in refused.content.decode()
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        ended = next(iter(context.changeset.guest_links)).id
        context.changeset.copy.lock()
        context.save()
    assert ask(f"/{ended}/revoke", {}).status_code == 200
    locked = ask("/new", {})
    assert locked.status_code == 423 and locked["X-Problem"].endswith("Unlock it first.")
    with use_tenant(harbor):
        assert GuestLink.objects.filter(revoked_at=None).count() == 49


def test_a_link_to_some_question_sets_goes_back_with_notes(
    ask: Callable[..., HttpResponse], copy_id: str, harbor: Tenant
) -> None:
    made = ask("/new", {"name": "Gus", "days": "7", "sets": ["qs_start"], "digits": "0199"})
    assert made.status_code == 200, text(made)
    assert "Asked only about:" in text(made)
    # In the address and in the text around it.
    [secret] = set(re.findall(r"#([\w-]{43})", made.content.decode()))
    client = Client()
    opening = {"secret": secret, "device": "a-page-of-this-browser"}
    assert client.post(f"/guest/{copy_id}", opening).status_code == 403
    assert client.post(f"/guest/{copy_id}", {**opening, "digits": "0199"}).status_code == 200
    page = client.get(f"/guest/{copy_id}/form").content.decode()
    assert "Ona Owner" in page and "Harbor Insurance Partners" in page and "minutes" in page
    client.post(
        f"/guest/{copy_id}/answers", {"answers": '{"mqs_business_name": "Gus & Sons"}'}, headers={"HX-Request": "true"}
    )

    with use_tenant(harbor):
        link = GuestLink.objects.get()
    listed = ask()
    assert "What changed" in text(listed) and "Gus &amp; Sons" in listed.content.decode()
    refused = ask(f"/{link.id}/send-back", {})
    assert (refused.status_code, "name the questions" in text(refused)) == (422, True)
    sent = ask(f"/{link.id}/send-back", {"open": "mqs_business_name", "note:mqs_business_name": "As on the license"})

    assert "Gus Sent back" in text(sent)
    assert "As on the license" in client.get(f"/guest/{copy_id}/form").content.decode()
    assert ask(f"/{uuid4()}/send-back", {"open": "mqs_business_name"}).status_code == 404


@pytest.mark.parametrize("values", [{"sets": ["nope"]}, {"digits": "12"}, {"name": "SSN 523-44-1187"}])
def test_what_a_link_cannot_be_is_said_in_the_dialog(values: dict[str, Any], ask: Callable[..., HttpResponse]) -> None:
    response = ask("/new", {"days": "7", **values})

    assert response.status_code == 422
    assert "There is no guest yet." in text(response)
