"""The handler, the sweep and the retention rule of webhooks."""

from __future__ import annotations

from actions.kinds import PublishWebhook
from actions.maintenance import retention
from actions.registry import handles
from actions.sweeps import sweep
from webhooks.delivery import DELIVERY_SECONDS, deliver_due
from webhooks.payloads import publish, publish_many
from webhooks.retention import old_webhooks

handles(PublishWebhook, many=publish_many)(publish)
retention("webhooks")(old_webhooks)


# Two threads by turns: while one waits at its end for requests in transit, the other begins.
@sweep("webhooks", threads=2)
def deliver_webhooks(alias: str) -> None:
    """Post the due deliveries of the database ``alias``, for about a minute at most. Raises ``DatabaseError``."""
    deliver_due(alias, seconds=DELIVERY_SECONDS)
