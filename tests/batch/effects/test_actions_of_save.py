"""The published events of a save, compared with their schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args
from uuid import UUID

import jsonschema
import msgspec
import pytest
from django.utils import timezone

from actions.models import OutboxAction
from batch import service as batch
from batch.changes.mutators.events import EventKind
from forms.models import QuoteRequest
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from webhooks.event_types import event_body, event_names, event_schema

pytestmark = pytest.mark.django_db

VALIDATOR = jsonschema.Draft202012Validator(event_schema())


def events_of(tenant: Tenant) -> list[dict]:
    """Return the events in the outbox, in order, each as it would be sent."""
    with use_tenant(tenant):
        payloads = OutboxAction.objects.filter(kind="publish_webhook").order_by("id").values_list("payload", flat=True)
        bodies = [
            event_body(
                told["event_type"],
                timestamp=timezone.now(),
                data={**{name: told[name] for name in ("copy_id", "application_form_id", "version")}, **told["data"]},
            )
            for told in payloads
        ]
    return [msgspec.json.decode(body) for body in bodies]


def test_two_messages_of_one_save_are_two_events(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        for text in ("one", "two"):
            context.changeset.messages.add(text)
        context.save()

    found = [event["data"]["text"] for event in events_of(kennels) if event["type"] == "message.added"]

    assert found == ["one", "two"]


def test_events_of_saves_match_the_schema(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(make_form(), scope=kennels, actor=agent) as context:
        changeset = context.changeset
        changeset.copy.rename("Other")
        changeset.messages.add("one")
        changeset.events.add("external_transfer", details={"to": "desk 4"})
        changeset.processes.start("quoting", step="ask")
        changeset.quote_requests.request("PA-CARE")
        context.save()

    events = events_of(kennels)

    types = {event["type"] for event in events}
    assert {"form.created", "answers.changed", "question_set.completed", "product.outcome_changed"} <= types
    assert {
        "copy.renamed",
        "message.added",
        "event.external_transfer",
        "process.running",
        "quote_request.draft",
    } <= types
    for event in events:
        VALIDATOR.validate(event)


def test_a_set_is_published_as_complete_with_its_last_answer(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form = make_form({"kennel_name": None})
    before = {
        event["data"]["question_set"] for event in events_of(kennels) if event["type"] == "question_set.completed"
    }

    with batch.find_and_lock(form, scope=kennels, actor=agent) as context:
        context.changeset.find_answer("kennel_name").apply("Happy Tails")
        context.save()

    after = [event for event in events_of(kennels) if event["type"] == "question_set.completed"]
    completed = {event["data"]["question_set"] for event in after} - before
    assert len(completed) == 1
    assert [event["data"]["version"] for event in after if event["data"]["question_set"] in completed] == [2]


def test_every_event_type_can_be_published() -> None:
    happenings = {f"event.{kind}" for kind in get_args(EventKind)}
    quotes = {f"quote_request.{state}" for state in QuoteRequest.State.values}

    assert happenings | quotes <= set(event_names())
