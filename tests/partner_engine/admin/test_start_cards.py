"""Each check of the start page is broken once: its card says so, names the remedy, and leads to the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from actions.models import OutboxAction
from catalogue.models import Catalogue, FormRule
from copies.models import Copy
from forms.models import QuoteRequest
from operations.models import BatchOperation
from partner_engine.admin.overview import Overview
from partner_engine.admin.start_cards import Card
from tenants.current_tenant import use_tenant
from tenants.models import Backup, Tenant
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tenant_rows import fill_tables
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = [
    pytest.mark.django_db(databases=["default", SECOND_DATABASE]),
    pytest.mark.usefixtures("healthy"),
]


def overview(client: Client) -> Overview:
    return client.get("/admin/").context["overview"]


def card(client: Client, title: str) -> Card:
    return next(card for card in overview(client).cards if card.title == title)


def away(*args: Any, **kwargs: Any) -> Any:
    raise RedisAway


@pytest.fixture
def rows(harbor: Tenant) -> Iterator[None]:
    """Give harbor one row in each of its tables, and make it current."""
    fill_tables(harbor, rows=1)
    with use_tenant(harbor):
        yield


def listed(client: Client, found: Card) -> list[Any]:
    return list(client.get(found.link).context["cl"].result_list)


def test_a_failing_endpoint_is_shown_with_its_remedy(admin: Client, rows: None) -> None:
    WebhookEndpoint.objects.update(failures=73, disabled_at=None, disabled_reason="")

    found = card(admin, "Failing endpoints")

    assert (found.figure, found.tone) == ("1", "bad")
    assert "Ask the partner" in found.remedy
    assert found.checked_at is not None
    assert [endpoint.failures for endpoint in listed(admin, found)] == [73]


def test_an_endpoint_that_was_given_up_is_shown(admin: Client, rows: None) -> None:
    WebhookEndpoint.objects.update(disabled_at=timezone.now(), disabled_reason="gone", failures=0)

    assert card(admin, "Failing endpoints").figure == "1"


def test_an_endpoint_turned_off_by_hand_needs_no_attention(admin: Client, rows: None) -> None:
    WebhookEndpoint.objects.update(disabled_at=timezone.now(), disabled_reason="by_hand", failures=9)

    assert card(admin, "Failing endpoints").tone == "good"


def test_a_delivery_that_waits_for_long_is_shown(admin: Client, rows: None) -> None:
    WebhookDelivery.objects.update(state="pending", created_at=timezone.now() - timedelta(hours=3))

    found = card(admin, "Waiting deliveries")

    assert (found.figure, found.text, found.tone) == ("1", "the oldest has waited for 3 h", "warn")
    assert len(listed(admin, found)) == 1


def test_a_delivery_that_was_given_up_is_shown(admin: Client, rows: None) -> None:
    WebhookDelivery.objects.update(state="failed", finished_at=timezone.now())

    found = card(admin, "Deliveries given up")

    assert (found.figure, found.tone) == ("1", "warn")
    assert len(listed(admin, found)) == 1


def test_a_failed_quote_is_shown(admin: Client, rows: None) -> None:
    QuoteRequest.objects.update(state="failed", reason="The carrier did not respond.", updated_at=timezone.now())

    found = card(admin, "Failed quotes")

    assert (found.figure, found.tone) == ("1", "warn")
    page = admin.get(found.link).content.decode()
    assert "The carrier did not respond." in page


def test_a_stopped_operation_and_one_with_failures_are_shown(admin: Client, rows: None) -> None:
    now = timezone.now()
    BatchOperation.objects.update(paused_at=now, finished_at=None, failed=2, created_at=now)

    stopped, failed = card(admin, "Stopped operations"), card(admin, "Operations with failures")

    assert (stopped.figure, stopped.tone, failed.figure, failed.tone) == ("1", "warn", "1", "warn")
    assert card(admin, "Operations").figure == "0"
    assert len(listed(admin, stopped)) == len(listed(admin, failed)) == 1


def test_an_action_that_fails_and_a_dead_letter_are_shown(admin: Client, harbor: Tenant) -> None:
    then = timezone.now() - timedelta(hours=1)
    row = {"tenant_id": harbor.pk, "kind": "index_form", "payload": {}, "next_attempt_at": then, "created_at": then}
    with use_tenant(harbor):
        OutboxAction.objects.create(id=uuid4(), target="a", attempts=2, last_error="Broken.", **row)
        OutboxAction.objects.create(id=uuid4(), target="b", state="dead", **row)

    for title, tone in (("Outbox", "warn"), ("Failing actions", "warn"), ("Dead letters", "bad")):
        found = card(admin, title)
        assert (found.figure, found.tone) == ("1", tone)
        assert found.remedy
        assert len(listed(admin, found)) == 1


def test_a_draft_that_is_not_published_is_shown_with_its_faults(admin: Client, kennels: Catalogue) -> None:
    assert card(admin, "Unpublished drafts").tone == "good"

    FormRule.objects.create(catalogue=kennels, code="NEW", then="error", when="no_such_question", say="Say.")

    found = card(admin, "Unpublished drafts")
    assert (found.figure, found.tone) == ("1", "warn")
    assert found.text == "Boarding kennels (1 change, 2 faults)"


def test_a_missing_key_is_shown(admin: Client, kennel: UUID, harbor: Tenant) -> None:
    assert card(admin, "Keys").tone == "good"

    with use_tenant(harbor):
        Copy.objects.filter(pk=kennel).update(key_id="2019-lost")

    found = card(admin, "Keys")
    assert (found.tone, found.text) == ("bad", "missing, so answers do not open: 2019-lost")


def test_the_development_key_is_named(admin: Client, settings: Any) -> None:
    settings.KEYRING = settings.DEVELOPMENT_KEYRING

    assert card(admin, "Keys").tone == "warn"


def test_a_backup_that_was_never_reported_is_not_checked(admin: Client) -> None:
    Backup.objects.filter(database=SECOND_DATABASE).delete()

    seen = overview(admin)

    found = card(admin, "Backups")
    assert (found.figure, found.tone, found.checked_at) == ("?", "unknown", None)
    assert found.text == f"not checked: no backup was ever reported of database {SECOND_DATABASE}"
    assert "note_backup" in found.remedy
    assert not seen.is_good
    assert [one.title for one in seen.unchecked] == ["Backups"]


def test_an_old_backup_is_shown(admin: Client) -> None:
    Backup.objects.filter(database=SECOND_DATABASE).update(finished_at=timezone.now() - timedelta(hours=27))

    assert (card(admin, "Backups").figure, card(admin, "Backups").tone) == ("1 day", "bad")


def test_a_backup_of_an_unknown_database_is_refused() -> None:
    with pytest.raises(CommandError, match="no database 'other'"):
        call_command("note_backup", database="other")


@pytest.mark.parametrize(("title", "name"), [("Relay", f"relay:{SECOND_DATABASE}"), ("Beat and workers", "beat")])
def test_a_silent_process_is_named(title: str, name: str, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    then = timezone.now() - timedelta(minutes=12)

    def beats(names: Any) -> dict[str, Any]:
        return {one: then if one == name else timezone.now() for one in names}

    monkeypatch.setattr("partner_engine.health.last_heartbeats", beats)

    found = card(admin, title)
    assert (found.figure, found.tone) == ("silent", "bad")
    assert found.text.endswith("last seen 12 min ago")
    assert "Start" in found.remedy


def test_without_redis_nothing_that_needs_it_is_green(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_engine.examinations.platform.state_of_redis", lambda: "failed")
    monkeypatch.setattr("partner_engine.health.last_heartbeats", away)
    monkeypatch.setattr("partner_engine.examinations.work.breaker_views", away)
    monkeypatch.setattr("partner_engine.admin.activity.last_day", lambda tenants: [])

    seen = overview(admin)

    assert [one.title for one in seen.wrong] == ["Redis"]
    titles = ["Open circuits", "Relay", "Beat and workers", "Active users"]
    assert [one.title for one in seen.unchecked] == titles
    assert {one.text for one in seen.unchecked} == {"not checked: Redis does not respond"}


def test_a_database_that_does_not_respond_is_shown(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def state(alias: str) -> str:
        return "failed" if alias == SECOND_DATABASE else "ok"

    monkeypatch.setattr("partner_engine.examinations.platform.state_of_database", state)

    found = card(admin, "Databases")
    assert (found.figure, found.text, found.tone) == ("1", f"not responding: {SECOND_DATABASE}", "bad")


@pytest.mark.parametrize("fault", [DatabaseError, ValueError])
def test_a_check_that_fails_is_never_green(
    fault: type[Exception], admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(catalogue: Catalogue) -> None:
        raise fault

    Catalogue.objects.create(code="other", title="Other")
    monkeypatch.setattr("partner_engine.examinations.work.draft_states", broken)

    seen = overview(admin)

    found = next(one for one in seen.cards if one.title == "Unpublished drafts")
    assert (found.figure, found.tone) == ("?", "unknown")
    assert found.text.startswith("not checked: ")
    assert not seen.is_good


def test_checks_that_the_user_may_not_see_make_no_green_page(make_staff: Callable[..., Client]) -> None:
    page = make_staff("forms.view_applicationform").get("/admin/")

    seen = page.context["overview"]
    assert [one.title for one in seen.cards] == ["Application forms"]
    assert not seen.is_good
    assert f"{seen.hidden} checks not shown" in page.content.decode()
