"""How far the quotes of a copy are, and the place of its status in lists that are ordered by it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

from forms.states import Standing

#: A step of quotes, as filters name it: ``none`` is before the first of them, or without one that counts.
QuoteStep: TypeAlias = Literal["none", "requested", "stale", "referred", "quoted", "bound"]
NO_STEP: Final = "none"
#: The states of quotes behind each step, the furthest step first; the furthest of a form's quotes counts.
STEPS: Final[Mapping[QuoteStep, frozenset[str]]] = {
    "bound": frozenset({"bound"}),
    "quoted": frozenset({"quoted", "selected"}),
    "referred": frozenset({"referred"}),
    "requested": frozenset({"queued", "submitted", "estimated"}),
    "stale": frozenset({"stale", "expired"}),
}
#: States that end with the quote's last day, those of the index ``quote_request_valid``; from the next day on the
#: quote counts as expired.
VALID: Final = ("estimated", "quoted", "referred", "selected")
_PLACES: Final[Mapping[QuoteStep, int]] = {"requested": 20, "stale": 30, "referred": 40, "quoted": 50, "bound": 60}
_STANDINGS: Final[dict[Standing, int]] = {"incomplete": 0, "ready": 10, "declined": 70}
_LOCKED: Final = 80


def step_of(quote_states: Collection[str]) -> QuoteStep:
    """Return the furthest step of quotes in ``quote_states``."""
    return next((step for step, states in STEPS.items() if not states.isdisjoint(quote_states)), NO_STEP)


def status_place(quote_states: Collection[str], *, is_locked: bool, standing: Standing) -> int:
    """Return the place of the status of a copy with quotes in ``quote_states``: from missing answers over requested
    quotes to bound, then declined and locked.
    """
    step = step_of(quote_states)
    if is_locked:
        return _PLACES[step] if step == "bound" else _LOCKED
    return _STANDINGS[standing] if step == NO_STEP else _PLACES[step]
