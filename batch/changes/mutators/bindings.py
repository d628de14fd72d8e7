"""Bindings: the way of one quote to a policy, with the consent of the insured. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind
from batch.changes.free_texts import clean_line
from batch.changes.record_mutator import RecordCollection, StateMutator
from batch.errors import WrongState, WrongValue
from carriers.links.wire import Binding as CarrierBinding
from carriers.links.wire import BindingStatus
from presentation.consent_wording import wording_hash
from webhooks.event_types import CopyEvent, EventType

#: Which states may follow which.
FOLLOWING: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"requested", "help_requested"}),
    "help_requested": frozenset({"requested", "draft"}),
    "requested": frozenset({"pending", "bound", "refused"}),
    "pending": frozenset({"pending", "bound", "refused"}),
    "refused": frozenset({"requested", "help_requested", "draft"}),
    "bound": frozenset(),
}
#: States in which the carrier has been sent, or may have been sent, the request, and has not decided.
UNDER_WAY: Final = frozenset({"requested", "pending"})
#: The reason of a request that was given up and may have been accepted.
OUTCOME_UNKNOWN: Final = "outcome_unknown"
MAX_NAME: Final = 120
MAX_NOTE: Final = 500


class BindingRow(AttachedRecord, frozen=True, kw_only=True):
    """The binding of one quote. ``consent`` is empty, or as ``Consent``."""

    quote_request_id: UUID
    state: str
    updated_at: datetime
    consent: dict[str, Any] = {}
    consent_void_reason: str = ""
    payment_plan: str = ""
    payment_method_id: UUID | None = None
    bind_token: str = ""
    carrier_reference: str = ""
    requested_at: datetime | None = None
    requested_by: str = ""
    requested_version: int | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    answered_at: datetime | None = None
    policy_number: str = ""
    reasons: list[dict[str, str]] = []
    help_requested_at: datetime | None = None
    help_requested_by: str = ""
    help_note: str = ""

    @property
    def is_under_way(self) -> bool:
        """Return whether the carrier has yet to decide."""
        return self.state in UNDER_WAY

    @property
    def given_consent(self) -> Consent | None:
        """Return the consent, None without one in force."""
        return msgspec.convert(self.consent, Consent) if self.consent else None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """The consent to a wording: its text and SHA-256, the name of the person who accepted it, who recorded that, and
    the version of the copy that was shown.
    """

    wording: str
    wording_hash: str
    accepted_by: str
    recorded_by: str
    recorded_by_id: str
    accepted_at: datetime
    document_version: int


class BindingEvent(CopyEvent, frozen=True, kw_only=True):
    """One binding in its new state."""

    id: str
    quote_request_id: str
    policy_number: str
    reasons: list[dict[str, str]]


def _emit(before: BindingRow | None, after: BindingRow) -> Iterator[RecordEvent]:
    if after.state != ("draft" if before is None else before.state):
        yield (
            after.state,
            {
                "id": str(after.id),
                "quote_request_id": str(after.quote_request_id),
                "policy_number": after.policy_number,
                "reasons": after.reasons,
            },
        )


def _shown(row: BindingRow) -> str:
    if row.state == "bound":
        return f"bound as policy {row.policy_number}"
    return "consent given" if row.state == "draft" and row.consent else row.state


BINDINGS: Final = RecordKind(
    name="bindings",
    struct=BindingRow,
    model="forms.Binding",
    shown=_shown,
    events=EventType(
        family="binding", names=tuple(FOLLOWING), data=BindingEvent, when="the binding of a quote entered this state"
    ),
    emit=_emit,
)


class BindingMutator(StateMutator[BindingRow]):
    """The binding of one quote. Every method raises ``WrongState`` where the present state does not allow it."""

    kind: ClassVar = BINDINGS
    following: ClassVar = FOLLOWING

    def choose_payment(self, method_id: UUID | None) -> None:
        """Name the payment method of the form that the carrier is sent, or none."""
        self._require_open("another payment method")
        self._change(payment_method_id=method_id, updated_at=self._tracker.now)

    def give_consent(self, wording: str, *, accepted_by: str) -> None:
        """Record that the person ``accepted_by`` accepted ``wording``. Raises ``WrongValue``, ``LooksSensitive``."""
        self._require_open("agreed")
        name = clean_line(accepted_by, field="accepted_by", most=MAX_NAME)
        if not name:
            raise WrongValue("accepted_by", "the name of the person who consents is required")
        actor = self._tracker.context.actor
        consent = Consent(
            wording=wording,
            wording_hash=wording_hash(wording),
            accepted_by=name,
            recorded_by=actor.label[:200],
            recorded_by_id=actor.id[:64],
            accepted_at=self._tracker.now,
            document_version=self._tracker.version,
        )
        # A binding that was refused or waits for help can be requested from here on.
        state = {"refused": "draft"}.get(self.row.state, self.row.state)
        self._change(
            state=state, consent=msgspec.to_builtins(consent), consent_void_reason="", updated_at=self._tracker.now
        )

    def void_consent(self, reason: str) -> None:
        """End the consent, which no longer is one to the present terms; ``reason`` is shown."""
        if self.row.consent and not self.row.is_under_way and self.row.state != "bound":
            self._change(consent={}, consent_void_reason=reason[:200], updated_at=self._tracker.now)

    def request(self, *, reference: str, payment_plan: str) -> None:
        """Request the carrier to bind its quote ``reference``, under a new bind token, or under the earlier one if the
        carrier may have accepted that.
        """
        actor, row = self._tracker.context.actor, self.row
        is_unknown = any(reason["code"] == OUTCOME_UNKNOWN for reason in row.reasons)
        self._go(
            "requested",
            bind_token=row.bind_token if is_unknown else secrets.token_hex(16),
            carrier_reference=reference,
            payment_plan=payment_plan,
            requested_at=self._tracker.now,
            requested_by=actor.label[:200],
            requested_version=self._tracker.version,
            sent_at=row.sent_at if is_unknown else None,
            attempts=0,
            answered_at=None,
            reasons=[],
        )

    def note_attempt(self) -> None:
        """Record, before it is sent, that the carrier may have the request from now on."""
        if self.row.state != "requested":
            raise WrongState(self.path, now=self.row.state, wanted="sent", possible=FOLLOWING[self.row.state])
        self._change(sent_at=self.row.sent_at or self._tracker.now, attempts=self.row.attempts + 1)

    def receive(self, message: CarrierBinding) -> bool:
        """Apply the carrier's message; return whether it changed the binding. A message about another request, and one
        after the end, are ignored.
        """
        row = self.row
        if message.bind_token != row.bind_token or not row.is_under_way:
            return False
        status = message.status
        if status is BindingStatus.PENDING and row.state == "pending":
            return False
        self._go(
            str(status),
            answered_at=self._tracker.now,
            policy_number=message.policy_number or "",
            reasons=[{"code": reason.code, "text": reason.text} for reason in message.reasons],
        )
        return True

    def refuse(self, code: str, text: str) -> None:
        """End the request without a policy, for a reason of our own or of the transport; the consent is spent."""
        self._go("refused", answered_at=self._tracker.now, reasons=[{"code": code, "text": text[:500]}])

    def ask_for_help(self, note: str) -> None:
        """Record that a person is to help with the binding. Raises ``WrongValue``, ``LooksSensitive``."""
        cleaned = clean_line(note, field="note", most=MAX_NOTE)
        actor = self._tracker.context.actor
        self._go(
            "help_requested",
            help_requested_at=self._tracker.now,
            help_requested_by=actor.label[:200],
            help_note=cleaned,
        )

    def end_help(self) -> None:
        """Record that the help has been given: the binding can be continued."""
        self._go("draft")

    def _require_open(self, wanted: str) -> None:
        self._tracker.require_writable()
        state = self.row.state
        if state == "bound" or self.row.is_under_way:
            raise WrongState(self.path, now=state, wanted=wanted, possible=FOLLOWING[state])


class Bindings(RecordCollection[BindingRow, BindingMutator]):
    """The bindings of a copy's quotes."""

    mutator: ClassVar = BindingMutator

    def find_of(self, quote_request_id: UUID) -> BindingMutator | None:
        """Return the binding of a quote, None if nothing was agreed yet."""
        return next((binding for binding in self if binding.row.quote_request_id == quote_request_id), None)

    def of(self, quote_request_id: UUID) -> BindingMutator:
        """Return the binding of a quote, a new draft if nothing was agreed yet."""
        found = self.find_of(quote_request_id)
        if found is not None:
            return found
        now = self._tracker.now
        return self._put(
            BindingRow(
                id=self._tracker.new_id(),
                created_at=now,
                updated_at=now,
                quote_request_id=quote_request_id,
                state="draft",
            )
        )
