"""The JSON bodies between this product and a carrier, as structs. Pure.

Unknown fields of a carrier are ignored; everything else is bounded, so that no reply can fill our tables.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

MOST_ENTRIES: Final = 200

Token: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
#: The carrier's id of a quote. A re-quote may change it.
Reference: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Code: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Text: TypeAlias = Annotated[str, Meta(max_length=500)]
ShownValue: TypeAlias = Annotated[str, Meta(max_length=300)] | int | float | bool | None


class QuoteStatus(StrEnum):
    """The state of a quote at the carrier."""

    RECEIVED = "received"
    ESTIMATED = "estimated"
    QUOTED = "quoted"
    REFERRED = "referred"
    DECLINED = "declined"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class BindingStatus(StrEnum):
    """The state of a binding at the carrier."""

    PENDING = "pending"
    BOUND = "bound"
    REFUSED = "refused"


class EligibilityStatus(StrEnum):
    """What the carrier thinks of a risk before a quote."""

    OPEN = "open"
    REFER = "refer"
    DECLINE = "decline"
    UNKNOWN = "unknown"


class SubjectivityKind(StrEnum):
    """What a subjectivity requires."""

    PAY = "pay"
    SIGN = "sign"
    UPLOAD = "upload"
    ANSWER = "answer"


class MessageKind(StrEnum):
    """How much a message of the carrier matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Premium(Struct, frozen=True, kw_only=True):
    """A yearly premium in whole units of its currency."""

    amount: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"


class Change(Struct, frozen=True, kw_only=True):
    """What the carrier changed by itself: a wire field, the value requested, and the value offered."""

    field: Annotated[str, Meta(min_length=1, max_length=200)]
    asked: ShownValue = None
    offered: ShownValue = None
    reason: Text = ""


class Reason(Struct, frozen=True, kw_only=True):
    """A reason of the carrier's result."""

    code: Code
    text: Text = ""


class WireSubjectivity(Struct, frozen=True, kw_only=True):
    """A condition that must be met before the policy is bound or stays in force."""

    code: Code
    kind: SubjectivityKind
    text: Text = ""
    due_on: date | None = None
    field: Annotated[str, Meta(max_length=200)] | None = None


class Quote(Struct, frozen=True, kw_only=True):
    """One quote as the carrier sees it now. ``sequence`` rises per request token: an older one is ignored."""

    reference: Reference
    request_token: Token
    product: Code
    status: QuoteStatus
    updated_at: Moment
    sequence: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    premium: Premium | None = None
    is_bindable: bool = False
    valid_until: date | None = None
    changes: Annotated[tuple[Change, ...], Meta(max_length=MOST_ENTRIES)] = ()
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=MOST_ENTRIES)] = ()
    subjectivities: Annotated[tuple[WireSubjectivity, ...], Meta(max_length=MOST_ENTRIES)] = ()
    previous_reference: Reference | None = None


class Binding(Struct, frozen=True, kw_only=True):
    """The result of binding one quote."""

    reference: Reference
    bind_token: Token
    status: BindingStatus
    updated_at: Moment
    policy_number: Annotated[str, Meta(max_length=64)] | None = None
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=MOST_ENTRIES)] = ()


class CarrierMessage(Struct, frozen=True, kw_only=True):
    """A message of real-time eligibility."""

    kind: MessageKind
    text: Text


class Eligibility(Struct, frozen=True, kw_only=True):
    """The carrier's view of a risk while the form is filled in."""

    status: EligibilityStatus
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=MOST_ENTRIES)] = ()
    messages: Annotated[tuple[CarrierMessage, ...], Meta(max_length=MOST_ENTRIES)] = ()


class QuoteSubmission(Struct, frozen=True, kw_only=True):
    """The body of a quote request. ``risk`` has the mapped fields; ``replaces`` is the reference of the last quote."""

    request_token: Token
    product: Code
    risk: dict[str, Any]
    callback_url: str | None = None
    replaces: str | None = None


class Consent(Struct, frozen=True, kw_only=True):
    """The insured's consent to the wording with this hash."""

    wording_hash: str
    accepted_at: datetime
    accepted_by: str


class BindSubmission(Struct, frozen=True, kw_only=True):
    """The body of a bind request. ``answers`` has the mapped fields."""

    bind_token: Token
    payment_plan: str
    consent: Consent
    answers: dict[str, Any]
    payment_token: str | None = None


class EligibilityQuery(Struct, frozen=True, kw_only=True):
    """The body of a real-time eligibility call."""

    product: Code
    risk: dict[str, Any]


class QuoteUpdated(Struct, frozen=True, kw_only=True, tag_field="type", tag="quote.updated"):
    """A callback about a quote."""

    data: Quote


class BindingUpdated(Struct, frozen=True, kw_only=True, tag_field="type", tag="binding.updated"):
    """A callback about a binding."""

    data: Binding


Callback: TypeAlias = QuoteUpdated | BindingUpdated
_callback: Final = msgspec.json.Decoder(Callback)


class AccessToken(Struct, frozen=True, kw_only=True):
    """The reply of a token endpoint (RFC 6749, section 5.1)."""

    access_token: Annotated[str, Meta(min_length=1, max_length=8_192, pattern=r"^[\x21-\x7E]+$")]
    token_type: Annotated[str, Meta(max_length=32)] = "Bearer"  # noqa: S105 - a type, not a token
    expires_in: Annotated[int, Meta(ge=0, le=10_000_000)] = 300

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"AccessToken(expires_in={self.expires_in})"


class Problem(Struct, frozen=True, kw_only=True):
    """A carrier's refusal (RFC 9457). ``code`` is the carrier's own; OAuth2 names it ``error``."""

    title: str = ""
    detail: str = ""
    code: str = ""
    error: str = ""


def parse_callback(body: bytes) -> Callback:
    """Return the callback in ``body``. Raises ``msgspec.MsgspecError``."""
    return _callback.decode(body)
