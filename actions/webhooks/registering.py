"""What webhooks have others do: the relay runs their handler, the hourly upkeep deletes what has served its time."""

from __future__ import annotations

from actions.kinds import PublishWebhook, SendWebhookGivenUpMail
from actions.outbox import enqueue
from actions.registry import register
from actions.upkeep import register_purge
from actions.webhooks.keeping import old_webhooks
from actions.webhooks.models import WebhookEndpoint
from actions.webhooks.notices import register_teller
from actions.webhooks.publishing import publish


def register_webhooks() -> None:
    """Register handler, upkeep and notices; once, when the apps start."""
    register(PublishWebhook, publish)
    register_purge("webhooks", old_webhooks)
    register_teller(ask_for_mail)


def ask_for_mail(endpoint: WebhookEndpoint, alias: str) -> None:
    """Have the tenant's administrators told by mail; the action comes with the transaction under way."""
    mail = SendWebhookGivenUpMail(
        endpoint_id=str(endpoint.id),
        url=endpoint.url,
        reason=endpoint.get_disabled_reason_display(),
        given_up_at=str(endpoint.disabled_at),
    )
    enqueue(mail, alias=alias, tenant_id=endpoint.tenant_id, copy_id=None)
