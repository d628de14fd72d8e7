"""The start page answers whether anything is wrong."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from actions.models import OutboxAction
from partner_engine.admin.overview import Card, Overview
from tenants.models import Tenant, User
from tenants.scoping import use_tenant


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


def test_nothing_is_wrong_at_first(admin: Client) -> None:
    overview = start_page(admin)

    assert overview.wrong == ()
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
    assert (card(overview, "Outbox").figure, card(overview, "Outbox").text) == ("2", "oldest is due since 3 min")
    for linked, attempts in ((letters, 20), (failing, 3)):
        listed = admin.get(linked.link).context["cl"].result_list
        assert [action.attempts for action in listed] == [attempts]


def test_an_action_that_waits_for_long_is_told(admin: Client, harbor: Tenant) -> None:
    put_action(harbor, age=timedelta(hours=5))

    outbox = card(start_page(admin), "Outbox")

    assert (outbox.tone, outbox.text) == ("warn", "oldest is due since 5 h")


def test_failed_sign_ins_and_lock_outs_are_counted(admin: Client, owner: User) -> None:
    for _ in range(5):
        Client().post("/admin/login/", {"username": owner.email, "password": "wrong"})

    overview = start_page(admin)

    assert card(overview, "Failed sign-ins").figure == "5"
    assert (card(overview, "Locked out").figure, card(overview, "Locked out").tone) == ("1", "warn")


def test_the_start_page_asks_a_bounded_number_of_questions(
    admin: Client, kennel: UUID, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        admin.get(reverse("admin:index"))
