"""The wake-up of the delivery worker after a commit that stored deliveries."""

from __future__ import annotations

from actions.wakeup_hints import send_hint
from webhooks.tasks import HINT, deliver


def wake_deliveries(alias: str) -> None:
    """Hint that the database ``alias`` has due deliveries; call it after the commit that stored them."""
    send_hint(HINT.format(alias=alias), task=deliver, alias=alias)
