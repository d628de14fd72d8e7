"""The word for how far a form is, on its line of the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from forms.status_order import status_place
from partner_engine.web.pages.forms_list import LineFacts, build_form_line
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_states import Clock
from presentation.business import Business
from presentation.state_words import QUOTE_STATES

NOW = datetime(2026, 11, 28, 15, 42, tzinfo=UTC)
CLOCK = Clock(ZoneInfo("America/New_York"), NOW)


@dataclass
class Row:
    """A listed copy."""

    locked_at: datetime | None = None
    deleted_at: datetime | None = None
    id: UUID = UUID(int=1)
    title: str = "First Bakery"
    last_touched_by_user_at: datetime | None = None
    updated_at: datetime = NOW
    summary: dict[str, Any] = field(default_factory=lambda: {"standing": "ready"})


def quote(state: str) -> QuoteFacts:
    return QuoteFacts(id="q", copy_id="c", product="P", carrier="C", state=state, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("row", "quotes", "word"),
    [
        (Row(), ("quoted",), "Quoted"),
        (Row(locked_at=NOW), (), "Locked"),
        (Row(locked_at=NOW), ("quoted",), "Locked"),
        (Row(locked_at=NOW), ("quoted", "bound"), "Bound"),
        (Row(locked_at=NOW, deleted_at=NOW), ("bound",), "Deleted"),
    ],
)
def test_binding_counts_more_than_its_lock_and_deletion_more_than_both(
    row: Row, quotes: tuple[str, ...], word: str
) -> None:
    facts = LineFacts(business=Business(), quotes=tuple(map(quote, quotes)))

    assert build_form_line(row, None, facts, clock=CLOCK).state == word


#: The words of the statuses in the order of the list.
IN_ORDER = (
    "In progress", "Ready to quote", "Quotes requested", "Quotes stale", "Referred", "Quoted", "Bound", "Declined",
    "Locked",
)  # fmt: skip


def test_the_place_of_a_status_follows_its_word() -> None:
    places: dict[str, set[int]] = {}
    states = [
        (),
        *((state,) for state in QUOTE_STATES),
        ("quoted", "bound"),
        ("stale", "referred"),
        ("failed", "draft"),
    ]
    for standing in ("incomplete", "ready", "declined"):
        for found in states:
            for is_locked in (False, True):
                row = Row(locked_at=NOW if is_locked else None, summary={"standing": standing})
                facts = LineFacts(business=Business(), quotes=tuple(map(quote, found)))
                place = status_place(found, is_locked=is_locked, standing=standing)
                places.setdefault(build_form_line(row, None, facts, clock=CLOCK).state, set()).add(place)

    assert [places[word] for word in IN_ORDER] == [{number * 10} for number in range(9)]
    assert set(places) == set(IN_ORDER)
