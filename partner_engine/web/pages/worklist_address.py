"""What the address of the worklist requests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Protocol, cast, get_args
from urllib.parse import urlencode
from uuid import UUID

from forms.states import Standing
from forms.status_order import NO_STEP, STEPS, QuoteStep
from forms.worklist_views import ALL_ORDERS, ORDER_FACTS, VIEW_FACTS, VIEWS, Filters, View
from partner_engine.web.pages.forms_list import FILTER_STATES

ME: Final = "me"
NOBODY: Final = "nobody"
_LATEST: Final = "-touched"
_MOST_CHOICES: Final = 60
_STANDINGS: Final = frozenset(get_args(Standing))
#: The filters by facts of a copy's summary: the fact, and the values without the filter.
_FILTER_FACTS: Final[Mapping[str, tuple[str, Any]]] = {
    "lines": ("lines", ()),
    "us_states": ("us_state", ()),
    "starts_from": ("starts_on", None),
    "starts_to": ("starts_on", None),
}


class Parameters(Protocol):
    """The query parameters of an address."""

    def get(self, name: str, default: str, /) -> Any:
        """Return the last value of ``name``."""
        ...

    def getlist(self, name: str, /) -> Sequence[Any]:
        """Return all values of ``name``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an address requests. Unknown values count as missing; ``sort`` is "" for the default order."""

    view: View = "all"
    query: str = ""
    state: str = ""
    lines: tuple[str, ...] = ()
    us_states: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    owner: str = ""
    starts_from: date | None = None
    starts_to: date | None = None
    sort: str = ""
    after: str = ""

    @property
    def order(self) -> str:
        """Return the order of the rows, ``match`` for a search that is ranked."""
        return self.sort or ("match" if self.query else _LATEST)

    @property
    def step(self) -> QuoteStep | None:
        """Return how far the quotes of the rows are by the status filter, None without one. A form with quotes has
        their status, not that of the rules.
        """
        if self.state in _STANDINGS:
            return NO_STEP
        return cast("QuoteStep", self.state) if self.state in STEPS else None

    @property
    def is_narrowed(self) -> bool:
        """Return whether a search or a filter narrows the view."""
        return bool(self.query) or self.is_filtered

    @property
    def is_filtered(self) -> bool:
        """Return whether a filter narrows the view."""
        return replace(self, view="all", query="", sort="", after="") != Wanted()

    def filters(self, *, user_id: UUID) -> Filters:
        """Return the filters of the rows for the user."""
        owner: Any = {"": None, ME: user_id, NOBODY: ""}.get(self.owner, self.owner)
        return Filters(
            lines=self.lines,
            us_states=self.us_states,
            carriers=self.carriers,
            owner=UUID(owner) if isinstance(owner, str) and owner else owner,
            starts_from=self.starts_from,
            starts_to=self.starts_to,
        )

    def address(self, **changes: Any) -> str:
        """Return the query part of the address with ``changes``; a change without ``after`` goes to the first page."""
        wanted = replace(self, **{"after": "", **changes})
        pairs = [
            ("view", wanted.view if wanted.view != "all" else ""),
            ("q", wanted.query),
            ("state", wanted.state),
            *(("line", code) for code in wanted.lines),
            *(("us_state", code) for code in wanted.us_states),
            *(("carrier", code) for code in wanted.carriers),
            ("owner", wanted.owner),
            ("from", wanted.starts_from or ""),
            ("to", wanted.starts_to or ""),
            ("sort", wanted.sort),
            ("after", wanted.after),
        ]
        return f"?{urlencode([pair for pair in pairs if pair[1]])}"


def read_address(parameters: Parameters) -> Wanted:
    """Return what the query parameters request."""
    state = parameters.get("state", "")
    view = parameters.get("view", "")
    if state == "deleted":
        state, view = "", "deleted"
    sort = parameters.get("sort", "")
    return Wanted(
        view=cast("View", view) if view in VIEWS else "all",
        query=parameters.get("q", "").replace("\0", "").strip()[:200],
        state=state if state in FILTER_STATES else "",
        lines=_codes(parameters.getlist("line")),
        us_states=_codes(parameters.getlist("us_state")),
        carriers=_codes(parameters.getlist("carrier")),
        owner=_owner(parameters.get("owner", "")),
        starts_from=_day(parameters.get("from", "")),
        starts_to=_day(parameters.get("to", "")),
        sort=sort if sort.removeprefix("-") in ALL_ORDERS else "",
        after=parameters.get("after", "")[:500],
    )


def readable(wanted: Wanted, hidden: Collection[str]) -> Wanted:
    """Return ``wanted`` without view, filters and order by the facts in ``hidden``: they would reveal them."""
    without = {name: empty for name, (fact, empty) in _FILTER_FACTS.items() if fact in hidden}
    if VIEW_FACTS.get(wanted.view) in hidden:
        without |= {"view": "all", "after": ""}
    if ORDER_FACTS.get(wanted.sort.removeprefix("-")) in hidden:
        without |= {"sort": "", "after": ""}
    return replace(wanted, **without)


def _codes(values: Sequence[Any]) -> tuple[str, ...]:
    texts = (str(value).replace("\0", "")[:64] for value in values[:_MOST_CHOICES])
    return tuple(dict.fromkeys(filter(None, texts)))


def _owner(text: str) -> str:
    if text in (ME, NOBODY):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
