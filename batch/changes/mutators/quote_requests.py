"""Quote requests to carriers: their rows, states and changes. Pure.

A carrier's messages are applied by ``carrier_messages``; nothing else writes what a carrier reported.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final

from batch.changes.attached import AttachedRecord, ClonedCopy, RecordEvent, RecordKind
from batch.changes.mutators.carrier_messages import (
    NOTHING_REPORTED,
    Received,
    earlier_references,
    judge,
    report_of,
)
from batch.changes.mutators.subjectivities import Subjectivities
from batch.changes.record_mutator import RecordCollection, StateMutator
from batch.errors import NotBindable, UnknownProduct
from carriers.links.wire import Quote
from rules.payload import Asked, Source, source_of
from webhooks.event_types import CopyEvent, EventType

#: Which states may follow which, by what people and this product do. A carrier's message leads from any state in which
#: the carrier has the request to the one that it reports: messages come late and out of order.
FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"queued", "withdrawn"}),
    "queued": frozenset({"submitted", "failed", "withdrawn"}),
    "submitted": frozenset({"failed", "stale", "withdrawn"}),
    "estimated": frozenset({"queued", "failed", "stale", "expired", "withdrawn"}),
    "quoted": frozenset({"queued", "selected", "stale", "expired", "bound", "withdrawn"}),
    "referred": frozenset({"queued", "failed", "stale", "expired", "bound", "withdrawn"}),
    "declined": frozenset({"queued", "stale", "bound", "withdrawn"}),
    "blocked": frozenset({"queued", "stale", "bound", "withdrawn"}),
    "failed": frozenset({"queued", "withdrawn"}),
    "stale": frozenset({"queued", "expired", "bound", "withdrawn"}),
    "expired": frozenset({"queued", "bound", "withdrawn"}),
    "selected": frozenset({"quoted", "stale", "expired", "bound", "withdrawn"}),
    "bound": frozenset(),
    "withdrawn": frozenset(),
}
#: The request is on its way to the carrier, or the carrier is working on it.
RUNNING: Final = frozenset({"queued", "submitted"})
#: States in which a quote becomes stale when what would be sent now differs.
ANSWERED: Final = frozenset({"submitted", "estimated", "quoted", "referred", "declined", "blocked", "selected"})
#: States of a quote that ends with its validity.
VALID: Final = frozenset({"estimated", "quoted", "referred", "selected"})
#: States in which the carrier has offered a price that can be looked at.
PRICED: Final = frozenset({"quoted", "selected", "bound"})
#: Why a quote is stale: what would be sent now differs, or another copy was submitted to the carrier.
BY_PAYLOAD: Final = "payload"
BY_OTHER_COPY: Final = "other_copy"
#: The detail that names the user who requested the quote.
REQUESTED_BY: Final = "requested_by"


class QuoteRequestRow(AttachedRecord, frozen=True, kw_only=True):
    """One quote request.

    ``asked`` lists path, label and value of what was sent, ``changes`` what the carrier changed (field, path, label,
    asked, offered, reason), ``reasons`` the carrier's reasons (code, text). ``carrier_state`` is the state by the
    carrier's last message, "" before it.
    """

    carrier: str
    product: str
    state: str
    request_token: str
    updated_at: datetime
    carrier_state: str = ""
    stale_by: str = ""
    sequence: int = 0
    asked_version: int | None = None
    release_id: int | None = None
    payload_hash: str = ""
    asked: list[dict[str, Any]] = []
    indication: int | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    submitted_at: datetime | None = None
    carrier_reference: str = ""
    previous_references: list[str] = []
    estimate: int | None = None
    premium: int | None = None
    is_bindable: bool = False
    valid_until: date | None = None
    changes: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    answered_at: datetime | None = None
    firm_at: datetime | None = None
    policy_number: str = ""
    reason: str = ""
    details: dict[str, Any] = {}

    @property
    def carriers_words(self) -> str:
        """Return the carrier's reasons in its own words, at most four; without any, the reason that is recorded."""
        texts = [str(reason.get("text", "")) for reason in self.reasons[:4]]
        return "; ".join(filter(None, texts)) or self.reason


class QuoteRequestEvent(CopyEvent, frozen=True, kw_only=True):
    """One quote request in its new state. ``premium`` is None until the carrier has quoted."""

    id: str
    product: str
    carrier: str
    premium: int | None
    is_bindable: bool
    reason: str
    estimate: int | None = None
    valid_until: date | None = None
    carrier_reference: str = ""
    policy_number: str = ""


#: The fields whose change is worth an event without a change of the state: a carrier may change its quote.
_OF_EVENT: Final = ("premium", "estimate", "is_bindable", "valid_until")


def _emit(before: QuoteRequestRow | None, after: QuoteRequestRow) -> Iterator[RecordEvent]:
    is_same = before is not None and before.state == after.state
    if before is not None and is_same and all(getattr(before, name) == getattr(after, name) for name in _OF_EVENT):
        return
    yield (
        after.state,
        {
            "id": str(after.id),
            "product": after.product,
            "carrier": after.carrier,
            "premium": after.premium,
            "is_bindable": after.is_bindable,
            "reason": after.reason,
            "estimate": after.estimate,
            "valid_until": after.valid_until and after.valid_until.isoformat(),
            "carrier_reference": after.carrier_reference,
            "policy_number": after.policy_number,
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
        when="a quote request entered this state, or the carrier changed premium or validity in it",
    ),
    emit=_emit,
    cloned=_as_draft,
)


class QuoteRequestMutator(StateMutator[QuoteRequestRow]):
    """One quote request. Every method raises ``WrongState`` where the present state does not allow it."""

    kind: ClassVar = QUOTE_REQUESTS
    following: ClassVar = FOLLOWING

    def queue(self) -> None:
        """Queue the request to be sent (again), with a new request token for the carrier.

        Nothing of an earlier result stays in force: the carrier's reference becomes the latest of the previous ones,
        which the new request replaces.
        """
        self._go(
            "queued",
            request_token=_token(),
            reason="",
            stale_by="",
            asked_version=None,
            release_id=None,
            payload_hash="",
            asked=[],
            indication=None,
            attempts=0,
            next_attempt_at=None,
            submitted_at=None,
            previous_references=earlier_references(self.row),
            carrier_reference="",
            details=self._requester(),
            **NOTHING_REPORTED,
        )
        Subjectivities(self._tracker).close_all(self.id)

    def submit(self, *, payload_hash: str, asked: Sequence[Asked] = (), indication: int | None = None) -> None:
        """Record that it is sent: ``asked`` of the loaded version, mapped by the present release, beside our own
        premium. Recorded before the call, so that a carrier's message always meets a submitted request.
        """
        self._go(
            "submitted",
            payload_hash=payload_hash,
            asked=[{"path": one.path, "label": one.label, "value": one.value} for one in asked],
            indication=indication,
            release_id=self._tracker.context.release.id,
            asked_version=self._tracker.version,
            submitted_at=self._tracker.now,
            reason="",
        )

    def delay(self, *, attempts: int, next_attempt_at: datetime, reason: str) -> None:
        """Record that the attempts so far failed, and when the next one is made; the state stays."""
        if self.row.state not in RUNNING:
            self._refuse("queued")
        self._change(
            attempts=attempts, next_attempt_at=next_attempt_at, reason=reason[:500], updated_at=self._tracker.now
        )

    def receive(self, quote: Quote) -> bool:
        """Apply the carrier's message; return False for one that is older than the last, repeated, of an earlier
        request, or too late. A stale quote stays stale: the message is about what was sent.
        """
        self._tracker.require_writable()
        row = self.row
        if judge(row, quote) is not Received.APPLIED:
            return False
        if row.state == "bound":
            self._change(sequence=quote.sequence, updated_at=self._tracker.now)
        else:
            values = report_of(row, quote, find_source=self._find_source, now=self._tracker.now, today=self._today)
            self._enter(self._state_after(values), **values)
        Subjectivities(self._tracker).receive(self.id, quote.subjectivities, find_source=self._find_source)
        return True

    def require_at_carrier(self) -> None:
        """Raise ``WrongState`` where the carrier does not have the request, or it has ended here."""
        if self.row.state in ("draft", "queued", "withdrawn", "bound"):
            self._refuse("quoted")

    def fail(self, reason: str) -> None:
        """Record that the carrier did not reply."""
        self._go("failed", reason=reason[:500], next_attempt_at=None)

    def mark_stale(self, reason: str, *, by: str = BY_PAYLOAD) -> None:
        """Record that the quote is no longer about the present answers; ``by`` is a constant of this module."""
        self._go("stale", reason=reason[:500], stale_by=by)

    def mark_current(self) -> None:
        """Record that what would be sent equals again what was sent: the carrier's last message is in force again.

        A quote that was selected is to be selected again. Leaves a quote alone that is stale because of another copy.
        """
        self._require("stale", wanted="quoted")
        if self.row.stale_by == BY_PAYLOAD:
            self._enter(self.row.carrier_state or "submitted", reason=self._reported_reason(), stale_by="")

    def expire(self) -> None:
        """Record that the validity of the quote has ended."""
        self._go("expired", reason="The quote was valid until " + self._last_day() + ".")

    def select(self) -> None:
        """Select this quote for binding. Raises ``NotBindable`` for an indication and for one that has expired."""
        row = self.row
        if row.state == "quoted" and not row.is_bindable:
            raise NotBindable
        if row.state == "quoted" and row.valid_until is not None and row.valid_until < self._today:
            raise NotBindable("This quote has expired. Ask the carrier again.")
        self._go("selected")

    def deselect(self) -> None:
        """Undo the selection of this quote."""
        self._go("quoted")

    def bind(self, *, policy_number: str) -> None:
        """Record that the carrier has bound the policy."""
        self._go("bound", policy_number=policy_number[:100], reason="")

    def withdraw(self, reason: str = "") -> None:
        """Withdraw the request, which ends it."""
        self._go("withdrawn", reason=reason[:500], next_attempt_at=None)

    def _requester(self) -> dict[str, Any]:
        """Return the details with the user who requests the quote: their producer licenses count when it is sent."""
        details = {name: value for name, value in self.row.details.items() if name != REQUESTED_BY}
        actor = self._tracker.context.actor
        return {**details, REQUESTED_BY: actor.id} if actor.type == "user" else details

    @property
    def _today(self) -> date:
        return self._tracker.context.today

    def _find_source(self, field: str) -> Source | None:
        """Return the question that the wire ``field`` sends under the present release."""
        catalogue, product = self._tracker.catalogue, self.row.product
        return source_of(catalogue, product, field) if product in catalogue.products else None

    def _require(self, state: str, *, wanted: str) -> None:
        if self.row.state != state:
            self._refuse(wanted)

    def _state_after(self, values: Mapping[str, Any]) -> str:
        """Return the state after the carrier's report: stale stays, and so does a selection at the same price."""
        row, reported = self.row, values["carrier_state"]
        if row.state == "stale":
            return "stale"
        is_same_offer = (values["premium"], values["changes"]) == (row.premium, row.changes)
        if row.state == "selected" and reported == "quoted" and values["is_bindable"] and is_same_offer:
            return "selected"
        return str(reported)

    def _reported_reason(self) -> str:
        texts = [reason.get("text", "") for reason in self.row.reasons]
        return " ".join(text for text in texts if text)[:500]

    def _last_day(self) -> str:
        last = self.row.valid_until
        return f"{last:%B} {last.day}, {last.year}" if last else "yesterday"


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

    def of_token(self, request_token: str) -> QuoteRequestMutator | None:
        """Return the request with this token, None if it has another one by now."""
        rows = self._in_force()
        return next((self._opened(row.id) for row in rows if row.request_token == request_token), None)


def _token() -> str:
    return secrets.token_hex(16)
