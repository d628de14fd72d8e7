"""Posted messages at the form page: shown, posted, dismissed, and shown on an outdated page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from batch import service as batch
from forms.models import Message
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.certain_text import certain
from tests.harness.page_client import Page, StartForm, markup, triggered_events

pytestmark = pytest.mark.django_db
Open = Callable[[str], Page]


@pytest.fixture
def page(start_form: StartForm, open_page: Open) -> Page:
    """Return the page of a form with one location."""
    return open_page(start_form({}, {"locations": [{"answers": {"mqs_loc_state": "TX"}}]}))


def order(page: Page, **values: str) -> HttpResponse:
    return page._post("messages", values, "")


def messages_of(tenant: Tenant) -> list[dict[str, Any]]:
    with use_tenant(tenant):
        return list(Message.objects.order_by("id").values("id", "text", "author_label", "dismissed_at"))


def test_a_message_is_posted_and_dismissed(page: Page, harbor: Tenant) -> None:
    response = order(page, order="post", text="Call <b>Ona</b>\nbefore noon")

    (message,) = messages_of(harbor)
    content = response.content.decode()
    assert (message["text"], message["author_label"]) == ("Call <b>Ona</b>\nbefore noon", "Ona Owner")
    assert "Call &lt;b&gt;Ona&lt;/b&gt;<br>before noon" in content
    assert f'data-dismiss="{message["id"]}"' in content
    assert triggered_events(response)["message-posted"] == {}
    assert triggered_events(response)["copy-saved"]["stale"] is False
    assert "Call &lt;b&gt;" in page.show()

    dismissed = order(page, order="dismiss", id=str(message["id"]))

    assert "Call &lt;b&gt;" not in dismissed.content.decode()
    assert "message-posted" not in triggered_events(dismissed)
    assert "Call &lt;b&gt;" not in page.show()
    assert page.version == 3
    assert order(page, order="dismiss", id=str(message["id"])).status_code == 200
    assert page.version == 3


def test_an_outdated_page_gets_messages_of_others(page: Page, member: User, harbor: Tenant) -> None:
    with batch.find_and_lock(UUID(page.copy_id), scope=harbor, actor=member.as_actor(source="web")) as context:
        context.changeset.messages.add("Waiting for the owner", severity="task")
        context.save()

    response = page.client.get(f"/forms/{page.copy_id}/parts", headers={"X-Copy-Version": "1", "HX-Request": "true"})

    content = markup(response)
    assert '<span class="word">To do</span> Waiting for the owner' in content
    assert "Max Member · today" in content


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_message_links_to_its_answer(page: Page, owner: User, harbor: Tenant, is_asked: bool) -> None:
    if is_asked:
        page.answer({"mqs_lobs": ["bop"], "mqs_mail_state": "TX"})
    with batch.find_and_lock(UUID(page.copy_id), scope=harbor, actor=owner.as_actor(source="web")) as context:
        (row,) = context.changeset.find_pool("locations").rows
        for path in ("mqs_business_name", row.path, f"{row.path}/mqs_loc_zip", "mqs_own_title", "mqs_gone"):
            context.changeset.messages.add(f"About {path}", path=path)
        context.save()

    content = page.show()

    posted = content[content.index('id="posted"') : content.index('id="post-message"')]
    assert posted.count("About ") == 2 * 5  # the text, and the name of its button
    links = [line.partition('"')[0] for line in posted.split('data-go="')[1:]]
    assert links == [*([f"{row.path}/mqs_loc_zip", row.path] if is_asked else []), "mqs_business_name"]


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"order": "post", "text": "  "}, 422),
        ({"order": "post", "text": "x" * 2_001}, 422),
        ({"order": "post", "text": "His number is 987-65-4321"}, 422),
        ({"order": "post", "text": "a\0b"}, 422),
        ({"order": "shout", "text": "x"}, 400),
        ({"text": "x"}, 400),
    ],
)
def test_a_refused_message_changes_nothing(page: Page, harbor: Tenant, values: dict[str, str], status: int) -> None:
    response = order(page, **values)

    assert response.status_code == status
    assert "987" not in certain(response.headers.get("X-Problem", ""))
    assert messages_of(harbor) == []
    assert 'data-version="1"' in page.show()


def test_a_locked_copy_shows_and_takes_none(page: Page, owner: User, harbor: Tenant) -> None:
    order(page, order="post", text="Before the lock")
    with batch.find_and_lock(UUID(page.copy_id), scope=harbor, actor=owner.as_actor(source="web")) as context:
        context.changeset.copy.lock()
        context.save()

    assert order(page, order="post", text="After the lock").status_code == 423
    content = page.show()
    assert "Before the lock" in content
    assert "data-dismiss" not in content
    assert 'id="post-message"' not in content
    assert len(messages_of(harbor)) == 1


def test_a_message_that_is_sent_again_is_posted_once(page: Page, harbor: Tenant) -> None:
    page.post_message("Call Ona", key="a" * 32)
    page.version = 1  # the response was lost

    response = page.post_message("Call Ona", key="a" * 32)

    assert [message["text"] for message in messages_of(harbor)] == ["Call Ona"]
    assert "message-posted" in triggered_events(response)
    assert "Call Ona" in response.content.decode()
