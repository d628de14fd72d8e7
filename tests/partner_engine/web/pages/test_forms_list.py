"""The word for how far a form is, on its line of the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from partner_engine.web.pages.forms_list import LineFacts, build_form_line
from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_states import Clock
from presentation.business import Business

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
