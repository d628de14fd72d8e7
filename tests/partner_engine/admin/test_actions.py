"""The outbox in the admin: dead letters with their reasons, requeued or dropped with the permission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants.models import Tenant
from tests.harness.outboxes import Ring, put, rows

LIST = reverse("admin:actions_outboxaction_changelist")


def bury(tenant: Tenant, bell: str = "front") -> UUID:
    return put(
        tenant,
        Ring(bell=bell),
        state="dead",
        attempts=20,
        crashes=1,
        died_at=timezone.now(),
        last_error="It is broken.",
    )


def act(client: Client, action: str, *ids: UUID, **fields: Any) -> HttpResponse:
    return client.post(LIST, {"action": action, "_selected_action": [str(row_id) for row_id in ids], **fields})


def messages_of(answer: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_dead_letter_is_listed_with_its_reason(admin: Client, harbor: Tenant) -> None:
    bury(harbor)
    put(harbor, Ring(bell="rear-door"))

    text = admin.get(LIST, {"state": "dead"}).content.decode()

    assert "It is broken." in text
    assert "front" in text
    assert "rear-door" not in text


def test_nothing_is_done_before_it_is_confirmed(admin: Client, harbor: Tenant) -> None:
    letter = bury(harbor)

    for action, words in (("requeue_chosen", "Run 1 action again?"), ("drop_chosen", "Drop 1 action?")):
        question = " ".join(act(admin, action, letter).content.decode().split())

        assert words in question
        assert "ring for front (Harbor Insurance Partners): It is broken." in question
    assert [(row.state, row.attempts) for row in rows()] == [("dead", 20)]
    assert LogEntry.objects.count() == 0


def test_a_dead_letter_runs_again_with_a_new_budget(admin: Client, harbor: Tenant) -> None:
    letter = bury(harbor)

    answer = act(admin, "requeue_chosen", letter, confirmed="1")

    (row,) = rows()
    assert (row.state, row.attempts, row.crashes, row.died_at) == ("waiting", 0, 0, None)
    assert row.next_attempt_at <= timezone.now()
    assert messages_of(answer) == ["Queued again: 1."]
    assert LogEntry.objects.get().get_change_message() == "Queued again: ring for front, after 20 attempts."


def test_a_dead_letter_is_dropped_and_waiting_actions_stay(admin: Client, harbor: Tenant) -> None:
    letter, waits = bury(harbor), put(harbor, Ring(bell="rear-door"))

    answer = act(admin, "drop_chosen", letter, waits, confirmed="1")

    assert [row.pk for row in rows()] == [waits]
    assert messages_of(answer) == ["Dropped: 1. Unchanged, because their state has changed: 1."]


def test_a_running_action_is_left_unchanged(admin: Client, harbor: Tenant) -> None:
    row_id = put(
        harbor,
        Ring(bell="front"),
        attempts=1,
        lease_token=UUID(int=1),
        leased_until=timezone.now() + timedelta(seconds=30),
    )

    act(admin, "requeue_chosen", row_id, confirmed="1")

    assert rows()[0].lease_token == UUID(int=1)


@pytest.mark.parametrize("action", ["requeue_chosen", "drop_chosen"])
def test_without_the_permission_it_is_refused(action: str, make_staff: Callable[..., Client], harbor: Tenant) -> None:
    letter = bury(harbor)
    junior = make_staff("actions.view_outboxaction")

    text = junior.get(LIST).content.decode()
    act(junior, action, letter, confirmed="1")

    assert "requeue_chosen" not in text
    assert [row.state for row in rows()] == ["dead"]


def test_with_the_permission_alone_it_is_done(make_staff: Callable[..., Client], harbor: Tenant) -> None:
    letter = bury(harbor)

    act(make_staff("actions.view_outboxaction", "actions.requeue_action"), "requeue_chosen", letter, confirmed="1")

    assert [row.state for row in rows()] == ["waiting"]


def test_an_action_of_a_tenant_out_of_view_is_left_unchanged(admin: Client, harbor: Tenant, summit: Tenant) -> None:
    letter = bury(harbor)
    admin.post(reverse("admin:scope"), {"scope": f"tenant:{summit.pk}"})

    act(admin, "requeue_chosen", letter, confirmed="1")

    assert [row.state for row in rows()] == ["dead"]
