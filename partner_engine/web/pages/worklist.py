"""The head of the worklist: the saved views as tabs, the heads of its columns, and the filters as chips. Pure.

Facts that the reader may not see (``hidden``) are offered by none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from forms.status_order import STEPS
from forms.worklist_views import LOCKED, ORDER_FACTS, VIEW_FACTS, VIEWS, Counts, View
from partner_engine.web.pages.forms_list import FILTER_STATES
from partner_engine.web.pages.worklist_address import NOBODY, Wanted
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
    "tests": "Test forms",
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
    "tests": ("There are no test forms", "Forms that a sandbox client of the API starts are listed here only."),
    "deleted": ("No form is deleted", "Deleted forms are listed here and can be restored."),
}
#: Each column: its order ("" for none), its head, and whether the first click orders the largest first.
_COLUMNS: Final = (
    ("insured", "Insured", False, ""),
    ("", "Lines", False, ""),
    ("status", "Status", False, ""),
    ("premium", "Best premium", True, "number"),
    ("starts", "Starts", False, "number"),
    ("owner", "Owner", False, ""),
    ("touched", "Touched", True, "number"),
)
#: The orders that a list offers where its heads are not shown.
_ORDER_CHOICES: Final = (
    ("", "Last touched first"),
    ("touched", "Longest untouched first"),
    ("insured", "Insured, A to Z"),
    ("-insured", "Insured, Z to A"),
    ("-premium", "Highest premium first"),
    ("premium", "Lowest premium first"),
    ("starts", "Earliest start first"),
    ("-starts", "Latest start first"),
    ("status", "Status, first step first"),
    ("-status", "Status, last step first"),
    ("owner", "Owner, A to Z"),
    ("-owner", "Owner, Z to A"),
)
_ORDER_WORDS: Final[Mapping[str, str]] = {
    "insured": "insured",
    "premium": "best premium",
    "starts": "start date",
    "touched": "last touched",
    "status": "status",
    "owner": "owner",
    "match": "best match",
}
#: Beyond this many forms a count says "1,000+".
MOST_SHOWN: Final = 1_000


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


def build_tabs(wanted: Wanted, counts: Counts, *, hidden: Collection[str] = ()) -> tuple[Tab, ...]:
    """Return the saved views; a view is opened without the search and the filters of another one. That of test forms is
    shown to agencies that have some.
    """
    return tuple(
        Tab(view, VIEW_WORDS[view], view_count(counts, view), Wanted(view=view).address(), view == wanted.view)
        for view in VIEWS
        if VIEW_FACTS.get(view) not in hidden and (view != "tests" or counts.tests or wanted.view == view)
    )


def build_heads(wanted: Wanted, *, hidden: Collection[str] = ()) -> tuple[ColumnHead, ...]:
    """Return the heads of the columns; a click on the head of the present order turns it around."""
    heads = []
    for order, label, largest_first, tone in _COLUMNS:
        if not order or ORDER_FACTS.get(order) in hidden:
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


def order_choices(hidden: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """Return code and words of the orders."""
    return tuple(choice for choice in _ORDER_CHOICES if ORDER_FACTS.get(choice[0].removeprefix("-")) not in hidden)


def order_words(wanted: Wanted) -> str:
    """Return what the list is ordered by."""
    return _ORDER_WORDS[wanted.order.removeprefix("-")]


def dates_words(wanted: Wanted) -> str:
    """Return the range of start dates, "" without one."""
    first, last = (f"{day:%b} {day.day}, {day.year}" if day else "" for day in (wanted.starts_from, wanted.starts_to))
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else f"to {last}" if last else ""


def view_count(counts: Counts, view: View) -> str:
    """Return the number of forms of ``view`` in words, "" for a view that is not counted."""
    if view == "deleted":
        return count_words(counts.deleted, is_whole=True)
    if view == "tests":
        return count_words(counts.tests, is_whole=True)
    number = counts.by_view.get(view)
    return "" if number is None else count_words(number, is_whole=counts.is_whole)


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
        and wanted.state not in (*STEPS, LOCKED)
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
