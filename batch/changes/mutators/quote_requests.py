"""Quote requests to carriers, and the carriers' replies. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from batch.changes.attached import AttachedRecord, ClonedCopy, RecordEvent, RecordKind
from batch.changes.record_mutator import RecordCollection, StateMutator
from batch.errors import UnknownProduct
from copies.paths import Path
from webhooks.event_types import CopyEvent, EventType

#: Which states may follow which.
FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"queued", "withdrawn"}),
    "queued": frozenset({"submitted", "failed", "withdrawn"}),
    "submitted": frozenset({"quoted", "referred", "declined", "failed", "stale", "withdrawn"}),
    "quoted": frozenset({"selected", "stale", "withdrawn"}),
    "referred": frozenset({"quoted", "declined", "failed", "stale", "withdrawn"}),
    "declined": frozenset({"queued", "stale", "withdrawn"}),
    "failed": frozenset({"queued", "withdrawn"}),
    "stale": frozenset({"queued", "withdrawn"}),
    "selected": frozenset({"quoted", "stale", "withdrawn"}),
    "withdrawn": frozenset(),
}
#: States in which a change of an answer that the carrier read makes the quote stale.
ANSWERED: Final = frozenset({"submitted", "quoted", "referred", "declined", "selected"})


class QuoteRequestRow(AttachedRecord, frozen=True, kw_only=True):
    """One quote request. ``read_set`` holds the paths of the answers that were sent with version ``asked_version``."""

    carrier: str
    product: str
    state: str
    request_token: str
    updated_at: datetime
    asked_version: int | None = None
    read_set: list[str] = []
    carrier_reference: str = ""
    premium: int | None = None
    is_bindable: bool = False
    reason: str = ""
    details: dict[str, Any] = {}


class QuoteRequestEvent(CopyEvent, frozen=True, kw_only=True):
    """One quote request in its new state."""

    id: str
    product: str
    carrier: str
    premium: int | None
    is_bindable: bool
    reason: str


def _emit(before: QuoteRequestRow | None, after: QuoteRequestRow) -> Iterator[RecordEvent]:
    if before is None or before.state != after.state:
        yield (
            after.state,
            {
                "id": str(after.id),
                "product": after.product,
                "carrier": after.carrier,
                "premium": after.premium,
                "is_bindable": after.is_bindable,
                "reason": after.reason,
            },
        )


def _as_draft(row: QuoteRequestRow, clone: ClonedCopy) -> QuoteRequestRow | None:
    """Return a new request for the same product; only the copy last touched is quoted again."""
    if not clone.is_last_touched or row.state == "withdrawn" or row.product not in clone.products:
        return None
    return QuoteRequestRow(
        id=clone.new_id,
        created_at=clone.now,
        updated_at=clone.now,
        carrier=row.carrier,
        product=row.product,
        state="draft",
        request_token=_token(),
    )


QUOTE_REQUESTS: Final = RecordKind(
    name="quote_requests",
    struct=QuoteRequestRow,
    model="forms.QuoteRequest",
    shown=lambda row: row.state,
    events=EventType(
        family="quote_request",
        names=tuple(FOLLOWING),
        data=QuoteRequestEvent,
        when="a quote request entered this state",
    ),
    emit=_emit,
    cloned=_as_draft,
)


class QuoteRequestMutator(StateMutator[QuoteRequestRow]):
    """One quote request. Every method raises ``WrongState`` where the present state does not allow it."""

    kind: ClassVar = QUOTE_REQUESTS
    following: ClassVar = FOLLOWING

    def queue(self) -> None:
        """Queue the request to be sent (again), with a new request token for the carrier."""
        self._go("queued", request_token=_token(), reason="")

    def submit(self, *, read_set: Iterable[str]) -> None:
        """Record that it was sent, with the answers of the loaded version at the paths of ``read_set``."""
        self._go("submitted", asked_version=self._tracker.version, read_set=sorted(set(read_set)))

    def quote(
        self, *, premium: int, is_bindable: bool, reference: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Record the carrier's quote: ``premium`` in whole units of the currency, a year."""
        self._go(
            "quoted",
            premium=premium,
            is_bindable=is_bindable,
            carrier_reference=reference or self.row.carrier_reference,
            details=dict(details or {}),
        )

    def refer(self, reason: str) -> None:
        """Record that an underwriter of the carrier will decide."""
        self._go("referred", reason=reason)

    def decline(self, reason: str) -> None:
        """Record that the carrier declined."""
        self._go("declined", reason=reason, premium=None, is_bindable=False)

    def fail(self, reason: str) -> None:
        """Record that the carrier did not reply."""
        self._go("failed", reason=reason)

    def mark_stale(self, reason: str) -> None:
        """Record that the quote is no longer about the present answers."""
        self._go("stale", reason=reason)

    def select(self) -> None:
        """Select this quote for binding."""
        self._go("selected")

    def deselect(self) -> None:
        """Undo the selection of this quote."""
        self._go("quoted")

    def withdraw(self) -> None:
        """Withdraw the request, which ends it."""
        self._go("withdrawn")


class QuoteRequests(RecordCollection[QuoteRequestRow, QuoteRequestMutator]):
    """The quote requests of a copy."""

    mutator: ClassVar = QuoteRequestMutator

    def request(self, product: str) -> QuoteRequestMutator:
        """Start a quote request for ``product`` as a draft. Raises ``UnknownProduct``."""
        known = self._tracker.catalogue.products.get(product)
        if known is None:
            raise UnknownProduct(product)
        now = self._tracker.now
        return self._put(
            QuoteRequestRow(
                id=self._tracker.new_id(),
                created_at=now,
                updated_at=now,
                carrier=known.product.carrier,
                product=product,
                state="draft",
                request_token=_token(),
            )
        )

    def mark_stale_where_read(self, paths: Collection[str]) -> None:
        """Mark the requests stale that were sent with an answer of ``paths``."""
        for request in self:
            row = request.row
            if row.state in ANSWERED and (read := _read_of(paths, row.read_set)):
                request.mark_stale(f"Changed since it was sent: {', '.join(read)}"[:500])


def _read_of(changed: Collection[str], read_set: Collection[str]) -> list[str]:
    """Return the ``changed`` paths that bear on ``read_set``: an answer read, a row around it, a row of a pool read."""
    read = set(read_set)
    rows = {row for path in read for row in Path(path).rows_around()}
    return sorted(path for path in changed if path in read or path in rows or Path(path).parent in read)


def _token() -> str:
    return secrets.token_hex(16)
