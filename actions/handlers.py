"""What the outbox does for itself: registered when the apps start."""

from __future__ import annotations

from actions.kinds import Purge
from actions.maintenance import old_dead_letters, purge, register_purge
from actions.registry import register


def register_own() -> None:
    """Register the handler of ``Purge``, and old dead letters as something to purge."""
    register(Purge, purge)
    register_purge("dead letters", old_dead_letters)
