"""Tells a tenant's administrators that nothing is sent to one of their endpoints any more."""

from __future__ import annotations

from actions.kinds import SendWebhookGivenUpMail
from actions.outbox import enqueue
from webhooks.models import WebhookEndpoint


def tell_given_up(endpoint: WebhookEndpoint, *, alias: str) -> None:
    """Have them told by mail; the action comes with the transaction under way, which gives the endpoint up."""
    mail = SendWebhookGivenUpMail(
        endpoint_id=str(endpoint.id),
        url=endpoint.url,
        reason=endpoint.get_disabled_reason_display(),
        given_up_at=str(endpoint.disabled_at),
    )
    enqueue(mail, alias=alias, tenant_id=endpoint.tenant_id, copy_id=None)
