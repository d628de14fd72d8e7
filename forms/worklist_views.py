"""The saved views, filters and orders of the worklist, by their names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, TypeAlias, get_args
from uuid import UUID

from forms.status_order import QuoteStep

View: TypeAlias = Literal[
    "mine", "all", "waiting", "ready", "quoted", "referred", "stale", "starts", "tests", "deleted"
]
VIEWS: Final[tuple[View, ...]] = get_args(View)
#: The views of forms with a quote, and the step of quotes of which a copy in the view has one.
QUOTE_VIEWS: Final[Mapping[View, QuoteStep]] = {"quoted": "quoted", "referred": "referred", "stale": "stale"}
#: The status of locked copies; bound ones, which binding locks, are listed as bound.
LOCKED: Final = "locked"
#: The order of a search: the best match first.
MATCH: Final = "match"
#: The other orders; "-" before one is its reverse.
ORDERS: Final = ("touched", "insured", "starts", "premium", "status")
#: The order by the owner's name, which the copies do not have.
OWNER: Final = "owner"
ALL_ORDERS: Final = (*ORDERS, OWNER)
#: The facts of a copy's summary that an order or a view reads.
ORDER_FACTS: Final[Mapping[str, str]] = {"insured": "insured", "starts": "starts_on", "premium": "premium"}
VIEW_FACTS: Final[Mapping[View, str]] = {"starts": "starts_on"}


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The person who reads the list, and their time: ``today`` in the tenant's time zone."""

    user_id: UUID
    today: date
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What rows must have: one of the requested lines, of the US states, a quote request to one of the carriers; the
    owner (None: any, "": nobody); the start of the cover.
    """

    lines: tuple[str, ...] = ()
    us_states: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    owner: UUID | Literal[""] | None = None
    starts_from: date | None = None
    starts_to: date | None = None


@dataclass(frozen=True)
class Counts:
    """The number of forms of each view that is counted. ``is_whole`` is False if the tenant has more copies than are
    counted. ``deleted`` and ``tests`` are the numbers of deleted and of test forms, up to a bound.
    """

    by_view: Mapping[str, int]
    is_whole: bool
    deleted: int = 0
    tests: int = 0
