"""Quote requests: what was asked of carriers and what they answered. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.errors import UnknownProduct, WrongState
from copies.paths import Path

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
#: States whose answer holds only as long as the answers that the carrier read.
ANSWERED: Final = frozenset({"submitted", "quoted", "referred", "declined", "selected"})


class QuoteRequestRow(AttachedRecord, frozen=True, kw_only=True):
    """One quote request. ``read_set`` are the paths of the answers that were sent with version ``asked_version``."""

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


def _tell(before: QuoteRequestRow | None, after: QuoteRequestRow) -> Iterator[Told]:
    if before is None or before.state != after.state:
        yield (
            f"quote_request.{after.state}",
            {
                "id": str(after.id),
                "product": after.product,
                "carrier": after.carrier,
                "premium": after.premium,
                "is_bindable": after.is_bindable,
                "reason": after.reason,
            },
        )


QUOTE_REQUESTS: Final = RecordKind(
    name="quote_requests", struct=QuoteRequestRow, shown=lambda row: row.state, tell=_tell
)


class QuoteRequestMutator(RecordMutator[QuoteRequestRow]):
    """One quote request. Every step raises ``WrongState`` where it may not follow on the present state."""

    kind: ClassVar = QUOTE_REQUESTS

    def queue(self) -> None:
        """Let it be sent (again); a new request token tells the carrier that it is another request."""
        self._go("queued", request_token=_token(), reason="")

    def submit(self, *, read_set: Iterable[str]) -> None:
        """Note that it was sent, with the answers at the paths of ``read_set`` as they stand in the loaded version."""
        self._go("submitted", asked_version=self._ledger.version, read_set=sorted(set(read_set)))

    def quote(
        self, *, premium: int, is_bindable: bool, reference: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Take the carrier's quote: ``premium`` in whole units of the currency, a year."""
        self._go(
            "quoted",
            premium=premium,
            is_bindable=is_bindable,
            carrier_reference=reference or self.row.carrier_reference,
            details=dict(details or {}),
        )

    def refer(self, reason: str) -> None:
        """Note that an underwriter of the carrier will decide."""
        self._go("referred", reason=reason)

    def decline(self, reason: str) -> None:
        """Note that the carrier declined."""
        self._go("declined", reason=reason, premium=None, is_bindable=False)

    def fail(self, reason: str) -> None:
        """Note that no answer could be had."""
        self._go("failed", reason=reason)

    def mark_stale(self, reason: str) -> None:
        """Note that the carrier's answer is not about the present answers any more."""
        self._go("stale", reason=reason)

    def select(self) -> None:
        """Choose this quote."""
        self._go("selected")

    def deselect(self) -> None:
        """Take the choice back."""
        self._go("quoted")

    def withdraw(self) -> None:
        """End the request for good."""
        self._go("withdrawn")

    def _go(self, state: str, **values: object) -> None:
        self._ledger.require_writable()
        if state not in FOLLOWING[self.row.state]:
            raise WrongState(self.path, now=self.row.state, wanted=state, possible=FOLLOWING[self.row.state])
        self._change(state=state, updated_at=self._ledger.now, **values)


class QuoteRequests(RecordCollection[QuoteRequestRow, QuoteRequestMutator]):
    """The quote requests of a copy."""

    mutator: ClassVar = QuoteRequestMutator

    def request(self, product: str) -> QuoteRequestMutator:
        """Start a quote request for ``product`` as a draft. Raises ``UnknownProduct``."""
        known = self._ledger.catalogue.products.get(product)
        if known is None:
            raise UnknownProduct(product)
        now = self._ledger.now
        return self._put(
            QuoteRequestRow(
                id=self._ledger.new_id(),
                created_at=now,
                updated_at=now,
                carrier=known.product.carrier,
                product=product,
                state="draft",
                request_token=_token(),
            )
        )

    def mark_stale_where_read(self, paths: Collection[str]) -> None:
        """Mark those stale that an answer of ``paths`` was sent with; a carrier's answer was about other facts then."""
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
