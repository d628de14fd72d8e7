"""What webhooks have others do: the relay runs their handler, the hourly upkeep deletes what has served its time."""

from __future__ import annotations

from actions.kinds import PublishWebhook
from actions.maintenance import register_purge
from actions.registry import register
from webhooks.payloads import publish
from webhooks.retention import old_webhooks


def register_webhooks() -> None:
    """Register handler and upkeep; once, when the apps start."""
    register(PublishWebhook, publish)
    register_purge("webhooks", old_webhooks)
