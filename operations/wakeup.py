"""The wake-up of workers after a commit that stored or changed operations."""

from __future__ import annotations

from actions.wakeup_hints import send_hint
from operations.tasks import drain_operations, hint_name


def wake_workers(alias: str) -> None:
    """Hint that the database ``alias`` has items to work on; call it after the commit. A lost hint costs a second."""
    send_hint(hint_name(alias), task=drain_operations, alias=alias)
