"""The start page shows whether anything needs attention."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import ANY
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from actions.models import OutboxAction
from partner_engine.admin.activity import Activity
from partner_engine.admin.overview import Card, Overview
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.cast import SECOND_DATABASE

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


def start_page(client: Client) -> Overview:
    return client.get("/admin/").context["overview"]


def card(overview: Overview, title: str) -> Card:
    return next(card for card in overview.cards if card.title == title)


def put_action(tenant: Tenant, *, age: timedelta, attempts: int = 0, state: str = "waiting") -> None:
    then = timezone.now() - age
    with use_tenant(tenant):
        OutboxAction.objects.create(
            id=uuid4(), tenant_id=tenant.pk, kind="index_form", target="x", payload={}, attempts=attempts, state=state,
            last_error="Broken." if attempts else "",
            next_attempt_at=then, created_at=then,
        )  # fmt: skip


def test_nothing_is_wrong_at_first(admin: Client, healthy: None) -> None:
    overview = start_page(admin)

    assert overview.wrong == overview.unchecked == ()
    assert overview.is_good
    assert f"All {len(overview.cards)} checks ran" in admin.get("/admin/").content.decode()
    assert card(overview, "Outbox").figure == "0"
    assert len(overview.bars) == 24
    assert overview.saves == 0


def test_saves_and_forms_are_counted(admin: Client, kennel: UUID) -> None:
    overview = start_page(admin)

    assert card(overview, "Application forms").figure == "1"
    assert (overview.saves, overview.bars[-1].saves, overview.bars[-1].forms) == (2, 2, 1)
    assert [(line.catalogue, line.number) for line in overview.releases] == [("Boarding kennels", 1)]


def test_dead_letters_stand_out_and_link_to_themselves(admin: Client, harbor: Tenant) -> None:
    put_action(harbor, age=timedelta(minutes=5), attempts=20, state="dead")
    put_action(harbor, age=timedelta(minutes=3), attempts=3)
    put_action(harbor, age=timedelta(minutes=1))

    overview = start_page(admin)

    letters, failing = card(overview, "Dead letters"), card(overview, "Failing actions")
    assert (letters.figure, letters.tone) == ("1", "bad")
    assert (failing.figure, failing.tone) == ("1", "warn")
    assert letters in overview.wrong
    assert (card(overview, "Outbox").figure, card(overview, "Outbox").text) == (
        "2",
        "the oldest has been due for 3 min",
    )
    for linked, attempts in ((letters, 20), (failing, 3)):
        listed = admin.get(linked.link).context["cl"].result_list
        assert [action.attempts for action in listed] == [attempts]


def test_an_action_that_waits_for_long_is_reported(admin: Client, harbor: Tenant) -> None:
    put_action(harbor, age=timedelta(hours=5))

    outbox = card(start_page(admin), "Outbox")

    assert (outbox.tone, outbox.text) == ("warn", "the oldest has been due for 5 h")


def test_failed_sign_ins_and_lock_outs_are_counted(admin: Client, owner: User) -> None:
    for _ in range(5):
        Client().post("/admin/login/", {"username": owner.email, "password": "wrong"})

    overview = start_page(admin)

    assert card(overview, "Failed sign-ins").figure == "5"
    assert (card(overview, "Locked out").figure, card(overview, "Locked out").tone) == ("1", "warn")


def test_the_start_page_has_a_bounded_number_of_queries(
    admin: Client, kennel: UUID, django_assert_max_num_queries: object
) -> None:
    # One or two for each check, and fourteen for each catalogue's draft.
    with django_assert_max_num_queries(50):  # type: ignore[operator]
        admin.get(reverse("admin:index"))


def test_active_users_are_shown_as_chart_and_table(
    admin: Client, harbor: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    sign_in(owner).get("/")

    response = admin.get("/admin/")

    people = response.context["overview"].activity
    assert [(line.tenant, line.people, line.programs) for line in people.lines] == [
        (harbor.name, 1, 0),
        ("Staff", 1, 0),
    ]
    assert card(response.context["overview"], "Active users").figure == "2"
    told = json.loads(people.chart)
    assert [len(told["labels"]), told["datasets"][0]["data"][-1], told["datasets"][1]["data"][-1]] == [24, 2, 0]
    text = " ".join(response.content.decode().split())
    assert 'data-type="line"' in text
    assert f"{harbor.name}, now <br> <small> 1 agent </small>" in text


def test_active_users_are_those_of_the_tenant_in_view(
    admin: Client, harbor: Tenant, summit: Tenant, owner: User, sign_in: Callable[[User], Client]
) -> None:
    sign_in(owner).get("/")
    admin.post("/admin/scope/", {"scope": f"tenant:{summit.pk}"})

    assert start_page(admin).activity == Activity((), ANY, ANY)
    assert {hour.people for hour in start_page(admin).activity.hours} == {0}


def test_active_users_need_a_permission(make_staff: Callable[..., Client]) -> None:
    assert start_page(make_staff("forms.view_applicationform")).activity is None
