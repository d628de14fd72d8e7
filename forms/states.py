"""The state of a copy or form: deleted or locked by people, else derived from its evaluation.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Standing: TypeAlias = Literal["incomplete", "ready", "declined"]
State: TypeAlias = Literal["deleted", "locked", "incomplete", "ready", "declined"]

#: The states of copies that are not deleted, the one that decides the state of their form first.
_BEST_FIRST: Final[tuple[State, ...]] = ("ready", "incomplete", "declined", "locked")
#: Outcomes that allow a quote.
OPEN_OUTCOMES: Final = frozenset({"eligible", "refer"})


def standing_of(*, needed: int, outcomes: Iterable[str], has_products: bool = True) -> Standing:
    """Return the state by evaluation: declined by every product, incomplete while something is needed to quote or no
    product is open, else ready.

    A catalogue that ``has_products`` is False for sells nothing: its forms are ready once nothing is needed.
    """
    outcomes = set(outcomes)
    if outcomes and outcomes <= {"decline", "locked"}:
        return "declined"
    if needed or (has_products and OPEN_OUTCOMES.isdisjoint(outcomes)):
        return "incomplete"
    return "ready"


def state_of_form(copies: Iterable[State], *, archived: bool = False) -> State:
    """Return the state of a form with ``copies`` in these states: deleted if it is archived or has no other copies,
    locked if all others are, else the best of those that are open. It is never stored.
    """
    present = [state for state in copies if state != "deleted"]
    if archived or not present:
        return "deleted"
    return min(present, key=_BEST_FIRST.index)


def state_of(*, deleted: bool, locked: bool, standing: Standing) -> State:
    """Return the state that is shown to users."""
    if deleted:
        return "deleted"
    return "locked" if locked else standing
