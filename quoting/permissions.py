"""Decides where a tenant may sell, by its producer licenses and carrier appointments. Pure.

These gates stand beside eligibility and are never part of a decision: they are about the agency, not about the risk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeAlias

from presentation.formats import day as day_text
from presentation.formats import listed
from presentation.gates import Gate

__all__ = ["Appointment", "Gate", "License", "Permissions", "Sale", "gate_of"]

#: Whether a sale is allowed in a state on a day.
_Allows: TypeAlias = Callable[[str, date], bool]


class License(NamedTuple):
    """A license for one state on the days from ``since`` to ``until``; no ``lines`` means all."""

    state: str
    lines: frozenset[str]
    since: date
    until: date


class Appointment(NamedTuple):
    """An appointment by ``carrier`` on the days from ``since`` to ``until``; no states, lines or products mean all."""

    carrier: str
    states: frozenset[str]
    lines: frozenset[str]
    products: frozenset[str]
    since: date
    until: date


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The licenses and appointments of a tenant. None means that the tenant keeps no such records: nothing is gated by
    them.
    """

    licenses: Sequence[License] | None = None
    appointments: Sequence[Appointment] | None = None

    @property
    def gate_nothing(self) -> bool:
        """Return whether there are no records of either kind."""
        return self.licenses is None and self.appointments is None

    def within(self, states: Collection[str]) -> Permissions:
        """Return those of them that can count for sales in ``states`` alone."""
        licenses, appointments = self.licenses, self.appointments
        return Permissions(
            licenses=licenses and [item for item in licenses if item.state in states],
            appointments=appointments
            and [item for item in appointments if not item.states or not item.states.isdisjoint(states)],
        )

    @property
    def stamp(self) -> str:
        """Return a text that differs for other records, for entity tags."""
        return repr(
            [None if items is None else sorted(map(_spelled, items)) for items in (self.licenses, self.appointments)]
        )


@dataclass(frozen=True, kw_only=True)
class Sale:
    """A product of a line and carrier, to be sold in ``states`` on all of ``days``: today, and the day on which the
    policy begins.
    """

    product: str
    line: str
    line_label: str
    carrier: str
    carrier_name: str
    states: Collection[str]
    days: Collection[date]


def gate_of(sale: Sale, permissions: Permissions) -> Gate | None:
    """Return why the sale is not allowed, None if it is: it needs a license and an appointment in each state on each
    day.
    """
    if permissions.licenses is not None:
        held = permissions.licenses
        missing = _missing(sale, lambda state, day: any(_licenses(item, sale, state, day) for item in held))
        if missing:
            return Gate("not_licensed", f"No producer license for {sale.line_label} in {_places(missing, sale)}.")
    if permissions.appointments is not None:
        own = [item for item in permissions.appointments if item.carrier == sale.carrier]
        missing = _missing(sale, lambda state, day: any(_appoints(item, sale, state, day) for item in own))
        if missing:
            return Gate("not_appointed", f"Not appointed with {sale.carrier_name} in {_places(missing, sale)}.")
    return None


def _spelled(item: License | Appointment) -> str:
    return repr([sorted(part) if isinstance(part, frozenset) else str(part) for part in item])


def _missing(sale: Sale, allows: _Allows) -> list[tuple[str, date]]:
    return [(state, day) for state in sorted(sale.states) for day in sorted(sale.days) if not allows(state, day)]


def _licenses(item: License, sale: Sale, state: str, day: date) -> bool:
    return item.state == state and _names(item.lines, sale.line) and item.since <= day <= item.until


def _appoints(item: Appointment, sale: Sale, state: str, day: date) -> bool:
    named = _names(item.states, state) and _names(item.lines, sale.line) and _names(item.products, sale.product)
    return named and item.since <= day <= item.until


def _names(codes: frozenset[str], code: str) -> bool:
    return not codes or code in codes


def _places(missing: Iterable[tuple[str, date]], sale: Sale) -> str:
    """Return the states, with their days where it is not all the days of the sale."""
    days: dict[str, list[date]] = {}
    for state, day in missing:
        days.setdefault(state, []).append(day)
    always = [state for state, lacking in days.items() if len(lacking) == len(set(sale.days))]
    sometimes = [
        f"{state} on {listed(day_text(day) for day in lacking)}"
        for state, lacking in days.items()
        if state not in always
    ]
    return listed([*always, *sometimes])
