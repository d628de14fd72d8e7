"""The wake-up of the relay after a commit that stored actions."""

from __future__ import annotations

from typing import Final

from actions.tasks import drain
from actions.wakeup_hints import send_hint

#: Seconds in which saves share one drain: it has fixed costs of some ten statements.
GATHERING: Final = 0.25


def wake_relay(alias: str) -> None:
    """Hint that the database ``alias`` has due actions; call it after the commit that stored them."""
    send_hint(alias, task=drain, alias=alias, rest=GATHERING)
