"""Operations over many forms as their pages show them: a line in the list, the head with its bar, and items. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from operations.state_words import ITEM_WORDS

#: The width of a bar in its own units.
BAR: Final = 1000
#: The colors of the states.
_TONES: Final[Mapping[str, str]] = {
    "in_progress": "refer",
    "paused": "needed",
    "completed": "ready",
    "partial": "needed",
}
#: The items that were never accepted; all other states of items are in ``ITEM_WORDS``.
_REJECTED: Final = "Refused at submission"
#: States after which nothing changes by itself.
ENDED: Final = frozenset({"completed", "partial", "cancelled"})
_MINUTE: Final = 60
_HOUR: Final = 3600


class Counts(Protocol):
    """The counts of an operation's items and what follows from them."""

    @property
    def state(self) -> str:
        """Return the state of the operation."""

    @property
    def stage(self) -> str:
        """Return the state in words."""

    @property
    def total(self) -> int:
        """Return the number of accepted items."""

    @property
    def queued(self) -> int:
        """Return the number of items that wait."""

    @property
    def in_progress(self) -> int:
        """Return the number of items that are worked on."""

    @property
    def completed(self) -> int:
        """Return the number of completed items."""

    @property
    def failed(self) -> int:
        """Return the number of failed items."""

    @property
    def cancelled(self) -> int:
        """Return the number of cancelled items."""

    @property
    def progress_percent(self) -> float:
        """Return the share of ended items in percent."""

    @property
    def seconds_left(self) -> float | None:
        """Return the time that is left, None where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A counter that is a filter of the items."""

    code: str
    label: str
    number: int
    current: bool

    @property
    def amount(self) -> str:
        """Return the number as people write it."""
        return f"{self.number:,}"


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """One operation: its state in words, its bar, and what it says of itself.

    ``good`` and ``bad`` are the widths of the completed and failed parts of its bar, of ``BAR``.
    """

    id: str
    title: str
    state: str
    word: str
    tone: str
    count: str
    percent: str
    left: str
    note: str
    good: int
    bad: int
    ended: bool
    is_dry_run: bool

    @property
    def spoken(self) -> str:
        """Return the sentence for the bar, which a screen reader reads."""
        return f"{self.count}, {self.percent}"


def build_operation(  # noqa: PLR0913 - each is a fact of one operation
    *, identity: str, title: str, counts: Counts, is_dry_run: bool, pause_reason: str, stopped_reason: str
) -> OperationView:
    """Return the view of an operation with ``counts``."""
    ended = counts.completed + counts.failed + counts.cancelled
    return OperationView(
        id=identity,
        title=title,
        state=counts.state,
        word=counts.stage,
        tone=_TONES.get(counts.state, "quiet"),
        count=f"{ended:,} of {counts.total:,} {'form' if counts.total == 1 else 'forms'}",
        percent=f"{counts.progress_percent:.1f}%",
        left=time_left(counts.seconds_left) if counts.state == "in_progress" else "",
        note=stopped_reason or pause_reason,
        good=_part(counts.completed, counts.total),
        bad=_part(counts.failed, counts.total),
        ended=counts.state in ENDED,
        is_dry_run=is_dry_run,
    )


def build_filters(counts: Counts, *, rejected: int, current: str) -> tuple[Filter, ...]:
    """Return the counters of the items, of which ``current`` filters the list."""
    numbers = (*((state, getattr(counts, state)) for state in ITEM_WORDS), ("rejected", rejected))
    return tuple(
        Filter(code=code, label=item_word(code), number=number, current=code == current)
        for code, number in numbers
        if number or code == current or code in ("completed", "failed")
    )


def item_word(state: str) -> str:
    """Return the state of items in words; ``rejected`` are those that were never accepted."""
    return _REJECTED if state == "rejected" else ITEM_WORDS[state]


@dataclass(frozen=True, kw_only=True)
class Order:
    """A button of an operation."""

    code: str
    label: str
    tone: str = ""


def orders_of(
    counts: Counts, *, is_dry_run: bool, may_undo: bool, may_write: bool, has_plan: bool
) -> tuple[Order, ...]:
    """Return what can be ordered of an operation now."""
    if not may_write:
        return ()
    found = []
    if counts.state in ENDED:
        if is_dry_run and has_plan:
            found.append(Order(code="run", label="Run what was tried", tone="primary"))
        if counts.failed and not is_dry_run:
            found.append(Order(code="retry", label=f"Retry {counts.failed:,}", tone="primary"))
        if may_undo and counts.completed:
            found.append(Order(code="undo", label="Undo what was done"))
        return tuple(found)
    if counts.state == "paused":
        found.append(Order(code="resume", label="Resume", tone="primary"))
    else:
        found.append(Order(code="pause", label="Pause"))
    return (*found, Order(code="cancel", label="Cancel the rest"))


#: What the outcomes of completed items are called.
_OUTCOMES: Final[Mapping[str, str]] = {
    "changed": "Changed",
    "unchanged": "Nothing to change",
    "skipped": "Left as it was",
}


def item_text(state: str, error: str, result: Mapping[str, object]) -> str:
    """Return how an item stands, in words."""
    if state in ("failed", "cancelled") or error:
        return error or "Cancelled before it began"
    if state == "completed":
        said = str(result.get("summary", ""))
        return said or _OUTCOMES.get(str(result.get("outcome", "changed")), item_word(state))
    return item_word(state)


def time_left(seconds: float | None) -> str:
    """Return ``seconds`` in words, such as "about 6 s left"."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"about {max(1, round(seconds))} s left"
    if seconds < _HOUR:
        return f"about {round(seconds / _MINUTE)} min left"
    return f"about {seconds / _HOUR:.1f} h left"


def _part(number: int, total: int) -> int:
    return round(BAR * number / total) if total else 0
