"""The sweep of moves between databases."""

from __future__ import annotations

from actions.sweeps import sweep
from tenants.moves.move import finish_switches


@sweep("tenant moves")
def finish_moves(alias: str) -> None:
    """Finish the switches of tenants from the database ``alias`` whose process was killed halfway."""
    finish_switches(alias)
