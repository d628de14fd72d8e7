"""Celery tasks of webhooks. A task is a wake-up and carries only a database's alias."""

from __future__ import annotations

from typing import Final

from celery import shared_task

from actions.wakeup_hints import take_hint
from webhooks.delivery import DELIVERY_SECONDS, deliver_due

#: The name of the hint at due deliveries of one database.
HINT: Final = "webhooks:{alias}"


@shared_task(ignore_result=True)
def deliver(alias: str) -> None:
    """Post the due deliveries of the database ``alias``."""
    take_hint(HINT.format(alias=alias))
    deliver_due(alias, seconds=DELIVERY_SECONDS)
