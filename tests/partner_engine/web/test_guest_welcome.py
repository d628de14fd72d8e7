"""Who asks a guest: before the link is opened, and at the top of the form."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client

from batch import service as batch
from batch.context import BatchContext
from catalogue.demo import Sample
from catalogue.models import Release
from tenants.models import Tenant, User
from tests.harness.guests import follow, guest_of, issue, let_expire, revoke
from tests.harness.socket_client import save, start

WEEK = timedelta(days=7)

pytestmark = pytest.mark.django_db

Read = Callable[[str], BatchContext]


@pytest.fixture
def copy_id(demo: Release, harbor: Tenant, owner: User, s1: Sample) -> str:
    """Return a filled form's copy, the owner's."""
    return str(start(harbor, owner.as_actor(source="web"), s1))


def look(client: Client, copy_id: str, secret: str) -> HttpResponse:
    """Ask who asks, as the page behind a link does before it is opened."""
    return client.post(f"/guest/{copy_id}", {"secret": secret, "look": "1"})


def test_the_holder_of_a_link_reads_who_asks_before_opening_it(
    harbor: Tenant, owner: User, copy_id: str, read: Read
) -> None:
    Tenant.objects.filter(pk=harbor.pk).update(phone="(614) 555-2368", email="desk@harbor.example")
    save(harbor, owner.as_actor(source="web"), copy_id, {"mqs_mail_city": None, "mqs_year_started": None})
    _, secret = issue(harbor, copy_id, actor=owner.as_actor(source="web"))
    version, client = read(copy_id).version, Client()

    response = look(client, copy_id, secret)

    assert response.json() == {
        "title": f"{owner.full_name}, {harbor.name}, asks you about Copper Kettle Bistro LLC",
        "time": response.json()["time"],
        "contact": "(614) 555-2368 · desk@harbor.example",
        "logo": "",
    }
    assert response.json()["time"].startswith("about ")
    assert (response.headers["Cache-Control"], client.cookies) == ("no-store", {})
    assert read(copy_id).version == version
    assert follow(client, copy_id, secret).status_code == 200


def test_a_link_of_a_program_names_the_agency_alone(harbor: Tenant, copy_id: str) -> None:
    _, secret = issue(harbor, copy_id)

    assert look(Client(), copy_id, secret).json()["title"].startswith(f"{harbor.name} asks you about ")


def test_a_link_with_phone_digits_shows_nothing_of_the_business_before_they_are_entered(
    harbor: Tenant, owner: User, copy_id: str
) -> None:
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        _, secret = context.changeset.guest_links.issue(valid_for=WEEK, digits="0101")
        context.save()

    shown = look(Client(), copy_id, secret).json()

    assert shown["title"] == f"{owner.full_name}, {harbor.name}, asks you for answers"
    assert (shown["time"], "Copper" in str(shown)) == ("", False)


@pytest.mark.parametrize("end", ["wrong", "opened", "revoked", "expired"])
def test_nobody_else_reads_who_asks(end: str, harbor: Tenant, copy_id: str) -> None:
    link_id, secret = issue(harbor, copy_id)
    if end == "wrong":
        secret = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    if end == "opened":
        follow(Client(), copy_id, secret)
    if end == "revoked":
        revoke(harbor, copy_id, link_id)
    if end == "expired":
        let_expire(harbor, link_id)

    response = look(Client(), copy_id, secret)

    assert response.status_code == 403
    assert response.content.decode() == "This link is no longer valid. Ask your agent for a new one."


def test_guesses_are_limited(harbor: Tenant, copy_id: str) -> None:
    _, secret = issue(harbor, copy_id)

    refused = [look(Client(), copy_id, f"{secret}{number}").status_code for number in range(5)]
    limited = look(Client(), copy_id, secret)

    assert (refused, limited.status_code) == ([403] * 5, 429)
    assert limited.headers["Retry-After"]
    assert follow(Client(), copy_id, secret).status_code == 429


def test_the_form_says_who_asks_without_technical_words(harbor: Tenant, owner: User, copy_id: str) -> None:
    client, _ = guest_of(harbor, copy_id)

    page = client.get(f"/guest/{copy_id}/form").content.decode()

    assert f"{harbor.name} asks you about Copper Kettle" in page
    body = re.sub(r'="[^" ]*"', "", page.partition("<body")[2].partition("<template")[0])
    words = [
        "version ",
        "Question set",
        "question set",
        "added only while",
        "catalogue",
        "release ",
        "Partner Engine</",
    ]
    assert [word for word in words if word in body] == []
