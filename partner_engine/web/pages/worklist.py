"""The head of the worklist: what its address requests, the saved views as tabs, the heads of its columns, and the
filters as chips. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Protocol, cast
from urllib.parse import urlencode
from uuid import UUID

from forms.worklist_views import ORDERS, QUOTE_STATES, VIEWS, Counts, Filters, View
from partner_engine.web.pages.forms_list import FILTER_STATES
from presentation.formats import listed

VIEW_WORDS: Final[Mapping[View, str]] = {
    "mine": "Mine",
    "all": "All",
    "waiting": "Waiting for guest",
    "ready": "Ready",
    "quoted": "Quoted",
    "referred": "Referred",
    "stale": "Stale",
    "starts": "Starts within 30 days",
    "deleted": "Deleted",
}
#: What an empty view says, and what would fill it.
EMPTY_WORDS: Final[Mapping[View, tuple[str, str]]] = {
    "mine": ("No form is yours yet", "Forms that you start, or that a colleague transfers to you, are listed here."),
    "all": (
        "No application forms yet",
        "Start one: every answer is saved as you give it, and products show beside it.",
    ),
    "waiting": ("No form waits for a guest", "Forms with an open guest link are listed here until the guest is done."),
    "ready": ("No form is ready to quote", "Forms without missing answers are listed here until quotes are requested."),
    "quoted": ("No form has a quote", "Forms with a quote that is in force are listed here."),
    "referred": ("No quote is referred", "Forms that wait for an underwriter of a carrier are listed here."),
    "stale": ("No quote is stale", "Forms whose quotes no longer fit the answers, or have expired, are listed here."),
    "starts": ("No form starts within 30 days", "Forms are listed here by their start date, from today."),
    "deleted": ("No form is deleted", "Deleted forms are listed here and can be restored."),
}
#: Each column: its order ("" for none), its head, and whether the first click orders the largest first.
_COLUMNS: Final = (
    ("insured", "Insured", False, ""),
    ("", "Lines", False, ""),
    ("", "Status", False, ""),
    ("premium", "Best premium", True, "number"),
    ("starts", "Starts", False, "number"),
    ("", "Owner", False, ""),
    ("touched", "Touched", True, "number"),
)
#: The orders that a list offers where its heads are not shown.
ORDER_CHOICES: Final = (
    ("", "Last touched first"),
    ("touched", "Longest untouched first"),
    ("insured", "Insured, A to Z"),
    ("-insured", "Insured, Z to A"),
    ("-premium", "Highest premium first"),
    ("premium", "Lowest premium first"),
    ("starts", "Earliest start first"),
    ("-starts", "Latest start first"),
)
_ORDER_WORDS: Final[Mapping[str, str]] = {
    "insured": "insured",
    "premium": "best premium",
    "starts": "start date",
    "touched": "last touched",
    "match": "best match",
}
#: Beyond this many forms a count says "1,000+".
MOST_SHOWN: Final = 1_000
_LATEST: Final = "-touched"
_MOST_CHOICES: Final = 60
ME: Final = "me"
NOBODY: Final = "nobody"


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


@dataclass(frozen=True)
class Tab:
    """A saved view: its label, how many forms it has ("" if that is not counted), and its address."""

    code: View
    label: str
    number: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column; without ``address`` the list cannot be ordered by it. ``sorted`` is as in ARIA."""

    label: str
    tone: str
    address: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class Choice:
    """One choice of a filter."""

    code: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Chip:
    """A filter: the name of its parameter, its label, what is chosen in words, and its choices. ``without`` is the
    address without it.
    """

    name: str
    label: str
    chosen: str
    choices: tuple[Choice, ...]
    without: str
    is_single: bool = False


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
        sort=sort if sort.removeprefix("-") in ORDERS else "",
        after=parameters.get("after", "")[:500],
    )


def build_tabs(wanted: Wanted, counts: Counts) -> tuple[Tab, ...]:
    """Return the saved views; a view is opened without the search and the filters of another one."""
    return tuple(
        Tab(
            view,
            VIEW_WORDS[view],
            count_words(counts.by_view[view], is_whole=counts.is_whole) if view in counts.by_view else "",
            Wanted(view=view).address(),
            view == wanted.view,
        )
        for view in VIEWS
    )


def build_heads(wanted: Wanted) -> tuple[ColumnHead, ...]:
    """Return the heads of the columns; a click on the head of the present order turns it around."""
    heads = []
    for order, label, largest_first, tone in _COLUMNS:
        if not order:
            heads.append(ColumnHead(label, tone))
            continue
        is_current = wanted.order.removeprefix("-") == order
        is_descending = wanted.order.startswith("-")
        descends = not is_descending if is_current else largest_first
        present = ("descending" if is_descending else "ascending") if is_current else ""
        heads.append(ColumnHead(label, tone, wanted.address(sort=f"{'-' if descends else ''}{order}"), present))
    return tuple(heads)


def build_chips(
    wanted: Wanted,
    *,
    lines: Mapping[str, str],
    us_states: Mapping[str, str],
    carriers: Mapping[str, str],
    owners: Mapping[str, str],
) -> tuple[Chip, ...]:
    """Return the filters by choices; each mapping is from codes to labels."""
    statuses = {code: word for code, word in FILTER_STATES.items() if wanted.view != "deleted"}
    chips = (
        _chip("line", "Line", lines, wanted.lines, wanted.address(lines=())),
        _chip("us_state", "US state", us_states, wanted.us_states, wanted.address(us_states=()), shows_codes=True),
        _chip("carrier", "Carrier", carriers, wanted.carriers, wanted.address(carriers=())),
        _chip("owner", "Owner", owners, _one(wanted.owner), wanted.address(owner=""), is_single=True),
        _chip("state", "Status", statuses, _one(wanted.state), wanted.address(state=""), is_single=True),
    )
    return tuple(chip for chip in chips if chip.choices)


def order_words(wanted: Wanted) -> str:
    """Return what the list is ordered by."""
    return _ORDER_WORDS[wanted.order.removeprefix("-")]


def dates_words(wanted: Wanted) -> str:
    """Return the range of start dates, "" without one."""
    first, last = (f"{day:%b} {day.day}, {day.year}" if day else "" for day in (wanted.starts_from, wanted.starts_to))
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else f"to {last}" if last else ""


def count_words(number: int, *, is_whole: bool) -> str:
    """Return a count: "1,000+" beyond the bound, and a "+" if more forms than were counted can match."""
    if number > MOST_SHOWN:
        return f"{MOST_SHOWN:,}+"
    return f"{number:,}" if is_whole else f"{number:,}+"


def can_be_queried(wanted: Wanted) -> bool:
    """Return whether an operation's query can find exactly the forms that the address lists."""
    return (
        wanted.view in ("all", "mine")
        and not (wanted.view == "mine" and wanted.owner)
        and not (wanted.us_states or wanted.carriers or wanted.starts_from or wanted.starts_to)
        and len(wanted.lines) < 2
        and wanted.state not in QUOTE_STATES
        and wanted.owner != NOBODY
        and (wanted.is_narrowed or wanted.view == "mine")
    )


def _chip(  # noqa: PLR0913 - each is a part of the chip
    name: str,
    label: str,
    known: Mapping[str, str],
    chosen: Iterable[str],
    without: str,
    *,
    is_single: bool = False,
    shows_codes: bool = False,
) -> Chip:
    chosen = set(chosen)
    words = [code if shows_codes else label for code, label in known.items() if code in chosen]
    choices = tuple(Choice(code, label, code in chosen) for code, label in known.items())
    return Chip(name, label, listed(words) if len(words) < 3 else f"{len(words)} chosen", choices, without, is_single)


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


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
