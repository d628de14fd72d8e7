"""Mails of deferred actions: receivers, content, and number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from actions.kinds import SendBindAssistanceMail, SendGuestCompletionMail, SendWebhookGivenUpMail
from actions.registry import PermanentFailure
from batch import service as batch
from forms.models import Event
from partner_engine.environment import mail as mail_settings
from partner_engine.mails import send_bind_assistance_mail, send_guest_completion_mail, send_webhook_given_up_mail
from tenants.access import Actor, Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.kennel_forms import agent, kennels, make_form
from tests.harness.outboxes import delivered

__all__ = ["agent", "kennels", "make_form"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(kennels: Tenant) -> User:
    return User.objects.create_user(
        "owner@kennels.example", "quiet-lantern-42", role=Role.AGENT, tenant=kennels, full_name="Ona O'Wner"
    )


@pytest.fixture
def copy_id(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, owner: User) -> UUID:
    form_id = make_form({"kennel_name": "Paws & Claws"})
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.copy.own(owner.pk)
        context.save()
    return form_id


def completed(copy_id: UUID, tenant: Tenant, action_id: UUID | None = None) -> None:
    with use_tenant(tenant):
        action = SendGuestCompletionMail(copy_id=str(copy_id))
        send_guest_completion_mail(delivered(action, tenant, action_id=action_id))


def asked(copy_id: UUID, tenant: Tenant) -> None:
    action = SendBindAssistanceMail(copy_id=str(copy_id), product="PA-CARE", asked_by="Robin Agent")
    with use_tenant(tenant):
        send_bind_assistance_mail(delivered(action, tenant))


def test_the_owner_is_notified_that_a_guest_has_finished(copy_id: UUID, kennels: Tenant) -> None:
    action_id = uuid4()

    completed(copy_id, kennels, action_id)

    (sent,) = mail.outbox
    assert sent.to == ["owner@kennels.example"]
    assert sent.subject == "A guest has finished Paws & Claws"
    assert "Ona O'Wner" in sent.body and str(copy_id) in sent.body
    assert sent.extra_headers["Message-ID"] == f"<{action_id}@partner-engine>"
    with use_tenant(kennels):
        assert Event.objects.filter(kind="guest_flow_email_sent").count() == 1


def test_the_mail_names_the_guest_and_where_the_form_is(
    copy_id: UUID, kennels: Tenant, agent: Actor, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://engine.example/"
    with batch.find_and_lock(copy_id, scope=kennels, actor=agent) as context:
        link, _ = context.changeset.guest_links.issue(valid_for=timedelta(days=7), name="Gus Miller")
        link.finish()
        context.save()

    completed(copy_id, kennels)

    (sent,) = mail.outbox
    assert sent.subject == "Gus Miller has finished Paws & Claws"
    assert f"Open the form: https://engine.example/forms/{copy_id}" in sent.body
    assert "Everything that is needed to quote is answered." in sent.body


def test_it_is_sent_once_per_form_for_any_copy_and_action(copy_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with batch.build_copy(copy_id, scope=kennels, actor=agent) as context:
        context.save()
        other = context.copy.id

    completed(copy_id, kennels)
    completed(copy_id, kennels)
    completed(other, kennels)

    assert len(mail.outbox) == 1


def test_after_a_failure_the_same_action_sends_and_records_it_once(
    copy_id: UUID, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: EmailMessage) -> None:
        raise SMTPServerDisconnected

    action_id = uuid4()
    with monkeypatch.context() as patch, pytest.raises(SMTPServerDisconnected):
        patch.setattr(EmailMessage, "send", fail)
        completed(copy_id, kennels, action_id)
    completed(copy_id, kennels, action_id)

    assert len(mail.outbox) == 1
    with use_tenant(kennels):
        assert Event.objects.filter(kind="guest_flow_email_sent").count() == 1


def test_refused_receivers_are_not_retried(copy_id: UUID, kennels: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: EmailMessage) -> None:
        raise SMTPRecipientsRefused({})

    monkeypatch.setattr(EmailMessage, "send", refuse)

    with pytest.raises(PermanentFailure, match="refused the recipients"):
        completed(copy_id, kennels)


def test_administrators_are_asked_to_help_with_binding(copy_id: UUID, kennels: Tenant) -> None:
    for name in ("b", "a"):
        User.objects.create_user(f"{name}@kennels.example", role=Role.TENANT_ADMIN, tenant=kennels)

    asked(copy_id, kennels)
    asked(copy_id, kennels)

    assert [sent.to for sent in mail.outbox] == [["a@kennels.example", "b@kennels.example"]] * 2
    assert mail.outbox[0].subject == "Help with binding PA-CARE for Paws & Claws"
    assert "Robin Agent requests" in mail.outbox[0].body


def test_without_a_receiver_it_fails_permanently(
    make_form: Callable[..., UUID], kennels: Tenant, copy_id: UUID
) -> None:
    with pytest.raises(PermanentFailure, match="no administrator"):
        asked(copy_id, kennels)
    with pytest.raises(PermanentFailure, match="no owner"):
        completed(make_form(), kennels)
    with pytest.raises(PermanentFailure, match="no longer exists"):
        completed(uuid4(), kennels)
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp+tls://me:secret@mail.example:587", {"EMAIL_HOST": "mail.example", "EMAIL_USE_TLS": True}),
        ("filemail:////var/mails", {"EMAIL_FILE_PATH": "/var/mails"}),
    ],
)
def test_the_environment_names_the_mail_server(url: str, expected: dict[str, object]) -> None:
    assert expected.items() <= mail_settings(url).items()


def test_administrators_are_notified_of_a_disabled_webhook_endpoint(kennels: Tenant) -> None:
    action = SendWebhookGivenUpMail(
        endpoint_id="1", url="https://hooks.example.com/a&b", reason="it is gone", given_up_at="2026-03-01"
    )
    with use_tenant(kennels), pytest.raises(PermanentFailure):
        send_webhook_given_up_mail(delivered(action, kennels))
    User.objects.create_user("boss@kennels.example", "quiet-lantern-42", role=Role.TENANT_ADMIN, tenant=kennels)

    with use_tenant(kennels):
        send_webhook_given_up_mail(delivered(action, kennels))

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["boss@kennels.example"], "A webhook endpoint was turned off")
    assert "https://hooks.example.com/a&b: it is gone." in sent.body
