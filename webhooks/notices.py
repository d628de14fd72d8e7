"""Notifies a tenant's administrators that one of their endpoints was disabled."""

from __future__ import annotations

from actions.kinds import SendWebhookGivenUpMail
from actions.outbox import enqueue
from webhooks.models import WebhookEndpoint


def notify_disabled(endpoint: WebhookEndpoint, *, alias: str) -> None:
    """Emit the mail in the current transaction, which disables the endpoint."""
    mail = SendWebhookGivenUpMail(
        endpoint_id=str(endpoint.id),
        url=endpoint.url,
        reason=endpoint.get_disabled_reason_display(),
        given_up_at=str(endpoint.disabled_at),
    )
    enqueue(mail, alias=alias, tenant_id=endpoint.tenant_id, copy_id=None)
