"""An agent's open page learns what guests do, and the agent has texts ready to send to them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.core import mail
from django.test import Client

from actions.kinds import SendGuestCompletionMail
from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine.mails import send_guest_completion_mail
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.guests import guest_of
from tests.harness.outboxes import delivered
from tests.harness.socket_client import save, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy_id(demo: Release, harbor: Tenant, owner: User, s1: Sample) -> str:
    """Return a form's copy with one answer left, the owner's."""
    copy = start(harbor, owner.as_actor(source="web"), s1)
    save(harbor, owner.as_actor(source="web"), copy, {"mqs_mail_city": None})
    return str(copy)


def news(client: Client, address: str, since: int) -> Any:
    """Return what the page at ``address`` learns of guests after the version ``since``."""
    response = client.get(address, headers={"HX-Request": "true", "X-Copy-Version": str(since)})
    return json.loads(response.headers["HX-Trigger"])["copy-saved"].get("guests")


def test_an_open_page_learns_what_a_guest_answered_and_that_they_are_done(
    copy_id: str, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    guest, link = guest_of(harbor, copy_id, name="Gus Miller")
    agent = sign_in(owner)
    answers = {"answers": json.dumps({"mqs_full_time_emp": "9", "mqs_phone": "614-555-2368"})}
    guest.post(f"/guest/{copy_id}/answers", answers, headers={"HX-Request": "true"})

    [first] = news(agent, f"/forms/{copy_id}/parts", 4)
    guest.post(f"/guest/{copy_id}/done")
    [second] = news(agent, f"/forms/{copy_id}/parts", 5)

    text = "Gus Miller answered 2 questions."
    assert first == {"link": str(link), "who": "Gus Miller", "answers": 2, "is_done": False, "text": text}
    text = "Gus Miller is done. 1 answer is left for you."
    assert second == {"link": str(link), "who": "Gus Miller", "answers": 0, "is_done": True, "text": text}
    assert news(agent, f"/forms/{copy_id}/parts", 6) == []
    assert news(guest, f"/guest/{copy_id}/parts", 4) is None


def test_an_agents_own_answers_are_no_news(
    copy_id: str, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    save(harbor, owner.as_actor(source="web"), copy_id, {"mqs_full_time_emp": 9})

    assert news(sign_in(owner), f"/forms/{copy_id}/parts", 2) == []


def test_a_new_link_has_a_ready_text_and_later_a_reminder(
    copy_id: str, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    Tenant.objects.filter(pk=harbor.pk).update(phone="(614) 555-2368")
    agent = sign_in(owner)

    made = html.unescape(agent.post(f"/forms/{copy_id}/guest-links/new", {"name": "Gus"}).content.decode())
    later = html.unescape(agent.get(f"/forms/{copy_id}/guest-links").content.decode())

    address = made.partition('id="guest-address" value="')[2].partition('"')[0]
    assert "#" in address
    assert made.count(f"\n\n{address}\n\n") == 1
    assert "Please answer some questions about Copper Kettle Bistro LLC." in made
    assert address in unquote(made.partition("mailto:")[2].partition('"')[0])
    assert f"{harbor.name} still needs 1 answer about Copper Kettle Bistro LLC." in later
    assert f"{owner.full_name}\n{harbor.name}\n(614) 555-2368" in later
    assert address.partition("#")[2] not in later


def test_a_guest_who_is_done_or_whose_link_ended_gets_no_reminder(
    copy_id: str, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    guest, _ = guest_of(harbor, copy_id, name="Gus")
    guest.post(f"/guest/{copy_id}/done")

    assert "still needs" not in sign_in(owner).get(f"/forms/{copy_id}/guest-links").content.decode()


def test_the_mail_to_the_agent_names_the_guest_and_what_is_left(copy_id: str, harbor: Tenant, owner: User) -> None:
    guest, _ = guest_of(harbor, copy_id, name="Gus Miller")
    guest.post(f"/guest/{copy_id}/done")

    with use_tenant(harbor):
        send_guest_completion_mail(delivered(SendGuestCompletionMail(copy_id=copy_id), harbor))

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([owner.email], "Gus Miller has finished Copper Kettle Bistro LLC")
    assert "Left for you:\n- Mailing city\n\n" in sent.body
