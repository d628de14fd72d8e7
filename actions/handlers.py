"""The sweep, the handler and the retention rule of the outbox itself."""

from __future__ import annotations

from typing import Final

from actions import maintenance, relay
from actions.kinds import Purge
from actions.maintenance import retention
from actions.registry import handles
from actions.sweeps import sweep

_SWEEP_SECONDS: Final = 2.0

handles(Purge)(maintenance.purge)
retention("dead letters")(maintenance.old_dead_letters)


@sweep("actions")
def run_actions(alias: str) -> None:
    """Run the due actions of the database ``alias``, for a few seconds at most. Raises ``DatabaseError``."""
    relay.drain(alias, seconds=_SWEEP_SECONDS)
