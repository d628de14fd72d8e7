"""The state of a copy or form: deleted or locked by people, else derived from its evaluation.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Standing: TypeAlias = Literal["incomplete", "ready", "declined"]
State: TypeAlias = Literal["deleted", "locked", "incomplete", "ready", "declined"]

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


def state_of(*, deleted: bool, locked: bool, standing: Standing) -> State:
    """Return the state that is shown to users."""
    if deleted:
        return "deleted"
    return "locked" if locked else standing
