"""Quotes as carriers send them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from batch.changes.mutators.quote_requests import QuoteRequestMutator
from carriers.links.wire import Premium, Quote, QuoteStatus

WHEN: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: Far behind every test's day.
VALID_UNTIL: Final = date(2099, 12, 31)


def quote_of(request: QuoteRequestMutator, *, premium: int | None = 640, **values: Any) -> Quote:
    """Return a bindable quote of ``request``, with ``values`` instead of its usual ones."""
    row = request.row
    usual: dict[str, Any] = {
        "reference": "Q-1",
        "request_token": row.request_token,
        "product": row.product,
        "status": QuoteStatus.QUOTED,
        "updated_at": WHEN,
        "sequence": row.sequence + 1,
        "premium": None if premium is None else Premium(amount=premium),
        "is_bindable": True,
        "valid_until": VALID_UNTIL,
    }
    return Quote(**(usual | values))
