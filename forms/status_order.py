"""The place of a form's status in lists that are ordered by it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from forms.states import Standing

#: The states of quotes behind each step, the furthest step first; the furthest of a form's quotes counts.
_STEPS: Final = (
    (60, frozenset({"bound"})),
    (50, frozenset({"quoted", "selected"})),
    (40, frozenset({"referred"})),
    (20, frozenset({"queued", "submitted", "estimated"})),
    (30, frozenset({"stale", "expired"})),
)
_STANDINGS: Final[dict[Standing, int]] = {"incomplete": 0, "ready": 10, "declined": 70}
_BOUND: Final = 60
_LOCKED: Final = 80


def status_place(quote_states: Collection[str], *, is_locked: bool, standing: Standing) -> int:
    """Return the place of the status of a copy with quotes in ``quote_states``: from missing answers over requested
    quotes to bound, then declined and locked.
    """
    step = next((place for place, states in _STEPS if not states.isdisjoint(quote_states)), None)
    if is_locked:
        return _BOUND if step == _BOUND else _LOCKED
    return _STANDINGS[standing] if step is None else step
