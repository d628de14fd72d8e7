"""Quotes expire with their validity, and bridges are recorded, by actions that may run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest

from actions.kinds import BridgeToCarrier, ExpireQuotes
from actions.registry import RetryAfter, handler_of
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.locks.copy_lock import CopyLock, holder_of
from copies.models import Copy
from forms.models import Event, QuoteRequest
from quoting import bridging, expiry
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.outboxes import delivered
from tests.harness.quotes import VALID_UNTIL, quote_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def form_id(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> UUID:
    """Return a form with a quote that is valid for long."""
    form_id = make_form()
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        request = context.changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="")
        request.receive(quote_of(request))
        context.save()
    return form_id


def save(form_id: UUID, tenant: Tenant, actor: Actor, change: Callable[[Changeset], object]) -> None:
    with batch.find_and_lock(form_id, scope=tenant, actor=actor) as context:
        change(context.changeset)
        context.save()


def let_time_pass(tenant: Tenant, last_day: date) -> None:
    """Move the last day of the quotes into the past: saves record the expiry themselves, so no save may do it."""
    with use_tenant(tenant):
        QuoteRequest.objects.update(valid_until=last_day)


def expire(tenant: Tenant) -> None:
    with use_tenant(tenant):
        handler_of("expire_quotes")(delivered(ExpireQuotes(tenant_id=str(tenant.pk)), tenant))


def facts(form_id: UUID, tenant: Tenant) -> tuple[str, int]:
    with use_tenant(tenant):
        return QuoteRequest.objects.get().state, Copy.objects.get(id=form_id).version


def test_a_quote_expires_the_day_after_its_last_one_and_once(form_id: UUID, kennels: Tenant) -> None:
    expire(kennels)
    before = facts(form_id, kennels)
    let_time_pass(kennels, expiry.today_at(kennels))
    expire(kennels)
    last_day = facts(form_id, kennels)
    let_time_pass(kennels, date(2020, 1, 1))
    expire(kennels)
    expire(kennels)

    assert before == last_day == ("quoted", 2)
    assert facts(form_id, kennels) == ("expired", 3)
    with use_tenant(kennels):
        assert QuoteRequest.objects.get().reason == "The quote was valid until January 1, 2020."
    assert VALID_UNTIL > date(2020, 1, 1)


def test_a_locked_copy_keeps_its_quotes(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    save(form_id, kennels, agent, lambda changeset: changeset.copy.lock())
    let_time_pass(kennels, date(2020, 1, 1))

    expire(kennels)

    assert facts(form_id, kennels) == ("quoted", 3)


def test_a_copy_in_a_save_is_retried(
    form_id: UUID, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_WAIT_SECONDS", 0.0)
    let_time_pass(kennels, date(2020, 1, 1))

    with CopyLock(kennels.pk, form_id, wait=0, holder=holder_of(agent)), pytest.raises(RetryAfter):
        expire(kennels)

    assert facts(form_id, kennels) == ("quoted", 2)


def bridge(form_id: UUID, tenant: Tenant) -> None:
    action = BridgeToCarrier(
        copy_id=str(form_id),
        request_id=str(form_id),
        carrier="PA",
        product="PA-CARE",
        url="https://portal.carrier.example/",
        bridge_id="1",
        bridged_by="Robin",
    )
    with use_tenant(tenant):
        handler_of("bridge_to_carrier")(delivered(action, tenant))


def test_a_bridge_is_recorded_once(form_id: UUID, kennels: Tenant) -> None:
    bridge(form_id, kennels)
    bridge(form_id, kennels)

    with use_tenant(kennels):
        (event,) = Event.objects.filter(kind="bridged_to_off_platform_carrier")
    assert (event.details["url"], event.details["bridged_by"]) == ("https://portal.carrier.example/", "Robin")


def test_the_bridge_of_a_copy_in_a_save_is_retried(
    form_id: UUID, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridging, "_WAIT", 0.0)

    with CopyLock(kennels.pk, form_id, wait=0, holder=holder_of(agent)), pytest.raises(RetryAfter):
        bridge(form_id, kennels)

    with use_tenant(kennels):
        assert not Event.objects.exists()
