"""The shell around every view of one form: head, views, and the form's copies as tabs. Pure.

A view keeps its copy and a copy keeps its view: each view links to the same copy, each tab to the same view.
A new view adds its line to ``VIEWS``, builds its shell with ``web/copy_shell.py`` and extends
``templates/web/form_view.html``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from partner_engine.web.pages.form_page import Head, build_head
from partner_engine.web.pages.quote_facts import count_requests
from partner_engine.web.pages.reading import Reading
from presentation.best_premiums import best_products, open_premiums
from presentation.formats import moment, money
from rules.definition.model import CompiledCatalogue

ANSWERS: Final = "web:copy"
QUOTES: Final = "web:quotes"
COMPARE: Final = "web:compare"
HISTORY: Final = "web:history"
#: The code, the label and the URL name of each view; the keys 1, 2, ... go to them in this order.
VIEWS: Final = (
    ("answers", "Answers", ANSWERS),
    ("quotes", "Quotes", QUOTES),
    ("compare", "Compare", COMPARE),
    ("history", "History", HISTORY),
)
#: The title of the copy that the others are compared with, as long as it has none.
BASE_TITLE: Final = "Base"


class ListedCopy(Protocol):
    """The fields of a copy that its tab shows. ``summary`` is that of the present decision."""

    id: UUID
    title: str
    locked_at: datetime | None
    deleted_at: datetime | None
    summary: dict[str, Any]
    is_base: bool


@dataclass(frozen=True)
class ViewLink:
    """One view of the form. ``route`` is the name of its URL, ``key`` the key that leads to it; ``number`` counts what
    it has, None for a view without a count.
    """

    code: str
    label: str
    route: str
    key: str
    current: bool
    number: int | None = None

    @property
    def text(self) -> str:
        """Return the label, and the number of what the view has."""
        return f"{self.label} {self.number}" if self.number else self.label


@dataclass(frozen=True)
class CopyTab:
    """The tab of one copy: its total, or its difference to the base, and a word only if something is wrong."""

    id: str
    title: str
    amount: str
    trouble: str
    current: bool
    base: bool = False
    locked: bool = False


@dataclass(frozen=True)
class Lock:
    """The lock of the shown copy: who locked it, when and why."""

    by: str
    at: str
    at_exactly: str
    reason: str
    may_unlock: bool


@dataclass(frozen=True)
class DeletedCopy:
    """A deleted copy, which can be restored."""

    id: str
    title: str


@dataclass(frozen=True)
class Shell:
    """The shell around one view of one copy. ``route`` is the name of the view's URL, which the tabs link to.

    ``tabs`` are all copies of the form, in the order they were made; guests get none. ``may_add`` states that the
    reader may make copies, ``may_write`` that they may change them. ``clone_key`` is the key of the page's order to
    clone the form, "" for readers who may not.
    """

    head: Head
    route: str
    views: tuple[ViewLink, ...] = ()
    tabs: tuple[CopyTab, ...] = ()
    deleted: tuple[DeletedCopy, ...] = ()
    may_add: bool = False
    may_write: bool = False
    lock: Lock | None = None
    clone_key: str = ""

    @property
    def view(self) -> str:
        """Return the code of the view."""
        return next((view.code for view in self.views if view.current), "")

    @property
    def compares(self) -> bool:
        """Return whether there is a view that compares copies."""
        return any(view.route == COMPARE for view in self.views)

    @property
    def base(self) -> str:
        """Return the id of the form's base."""
        return next((tab.id for tab in self.tabs if tab.base), "")

    @property
    def current(self) -> CopyTab | None:
        """Return the tab of the shown copy."""
        return next((tab for tab in self.tabs if tab.current), None)

    @property
    def shows_tabs(self) -> bool:
        """Return whether the row of tabs is shown: a single copy has none, unless another one, deleted, is shown."""
        return len(self.tabs) > 1 or (bool(self.tabs) and self.current is None)


def build_shell(reading: Reading, copies: Sequence[ListedCopy], *, route: str = ANSWERS) -> Shell:
    """Return the shell around the view ``route`` of the copy in ``reading``. ``copies`` are those of the form, with
    the deleted ones; none for a guest, who gets no views either.
    """
    if reading.reader.is_guest:
        return Shell(build_head(reading), route)
    kept = [copy for copy in copies if copy.deleted_at is None]
    counts = {"quotes": count_requests(reading.quotes) or None}
    return Shell(
        build_head(reading),
        route,
        views=tuple(
            ViewLink(code, label, view_route, str(number), view_route == route, counts.get(code))
            for number, (code, label, view_route) in enumerate(VIEWS, 1)
        ),
        tabs=build_tabs(reading.catalogue, kept, current=reading.facts.id),
        deleted=tuple(
            DeletedCopy(str(copy.id), copy.title or "Copy without a name") for copy in copies if copy.deleted_at
        ),
        may_add=reading.reader.may_copy,
        may_write=reading.reader.may_write,
        lock=build_lock(reading),
    )


def build_tabs(catalogue: CompiledCatalogue, copies: Sequence[ListedCopy], *, current: str) -> tuple[CopyTab, ...]:
    """Return the tabs of ``copies``; the copy with the id ``current`` is the shown one."""
    base = base_of(copies)
    return tuple(
        CopyTab(
            id=str(copy.id),
            title=title_of(copy, number, is_base=copy is base),
            amount=_amount(catalogue, copy, base),
            trouble=_trouble(copy, base),
            current=str(copy.id) == current,
            base=copy is base,
            locked=copy.locked_at is not None,
        )
        for number, copy in enumerate(copies, 1)
    )


def base_of(copies: Iterable[ListedCopy]) -> ListedCopy | None:
    """Return the copy that the others are compared with: the marked one, else the first."""
    found = list(copies)
    marked = next((copy for copy in found if copy.is_base), None)
    return marked or next(iter(found), None)


def title_of(copy: ListedCopy, number: int, *, is_base: bool) -> str:
    """Return the name of a copy, the ``number``-th of its form. The insured's name does not tell copies apart."""
    if copy.title and not (is_base and copy.title == copy.summary.get("insured")):
        return copy.title
    return BASE_TITLE if is_base else f"Copy {number}"


def build_lock(reading: Reading) -> Lock | None:
    """Return the lock of the shown copy, None for an unlocked one."""
    facts, reader = reading.facts, reading.reader
    if facts.locked_at is None:
        return None
    at = moment(facts.locked_at, reader.zone, now=reader.now)
    return Lock(facts.locked_by, at, facts.locked_at.isoformat(), facts.lock_reason, reader.may_write)


def _amount(catalogue: CompiledCatalogue, copy: ListedCopy, base: ListedCopy | None) -> str:
    """Return the total of the best products; of another copy than the base what the base's best products cost more or
    less in it, "" if that is nothing, or if one of them has no price there: then a word says what is wrong.
    """
    currency = catalogue.definition.currency
    theirs = best_products(catalogue, base.summary) if base is not None and copy is not base else {}
    if not theirs:
        own = best_products(catalogue, copy.summary)
        return money(sum(own.values()), currency) if own else ""
    own = open_premiums(copy.summary)
    if not own.keys() >= theirs.keys():
        return ""
    difference = sum(own[code] - premium for code, premium in theirs.items())
    if not difference:
        return ""
    return f"{'+' if difference > 0 else '−'}{money(abs(difference), currency)}"  # noqa: RUF001 - a minus sign


def _trouble(copy: ListedCopy, base: ListedCopy | None) -> str:
    """Return in a word what is wrong with a copy: products that only it declines, or missing answers."""
    outcomes: dict[str, str] = copy.summary.get("outcomes", {})
    before: dict[str, str] = base.summary.get("outcomes", {}) if base is not None and copy is not base else {}
    declined = sum(found == "decline" and before.get(code) != "decline" for code, found in outcomes.items())
    if declined and copy is not base:
        return f"{declined} declined"
    if copy.summary.get("standing") == "declined":
        return "declined"
    needed = copy.summary.get("needed", 0)
    return f"{needed} needed" if needed and copy is not base else ""
