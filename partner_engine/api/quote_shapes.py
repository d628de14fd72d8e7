"""Request and response shapes of quote requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.changes.mutators.subjectivities import SubjectivityRow
from carriers.links import wire
from catalogue import releases
from forms.models import QuoteRequest, Subjectivity
from partner_engine.api.bodies import Code, PageQuery
from partner_engine.api.http.input import Body
from partner_engine.copy_visibility import past_sensitivities
from presentation.visibility import Reader, Visibility
from quoting.selectors import shown_state_of
from quoting.service import RequestedQuotes

State = Literal[
    "draft",
    "queued",
    "submitted",
    "estimated",
    "quoted",
    "referred",
    "declined",
    "blocked",
    "failed",
    "stale",
    "expired",
    "selected",
    "bound",
    "withdrawn",
]
Amount = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Words = Annotated[str, Meta(max_length=300)]


class NewQuoteRequests(Body, frozen=True, kw_only=True):
    """The codes of the products to request; without ``products`` all that are open. With ``draft`` the requests are
    only prepared: a person sends them.
    """

    products: Annotated[list[Code], Meta(min_length=1, max_length=100)] | None = None
    draft: bool = False


class QuotesQuery(PageQuery, frozen=True, kw_only=True):
    """A page of quote requests over all forms, the last changed first; ``state`` may name several, with commas.
    ``test`` requests those of test forms, or the others; the default depends on the client.
    """

    state: Annotated[str, Meta(max_length=200)] = ""
    carrier: Annotated[str, Meta(max_length=64)] = ""
    product: Annotated[str, Meta(max_length=64)] = ""
    test: bool | None = None


class Withdrawal(Body, frozen=True, kw_only=True):
    """The reason why a request is withdrawn, for colleagues."""

    reason: Words = ""


class EnteredQuote(Body, frozen=True, kw_only=True):
    """What an underwriter said, entered by hand; ``premium`` is a year's, in whole units of the currency."""

    status: Literal["estimated", "quoted", "referred", "declined", "blocked", "expired", "withdrawn"]
    reference: Annotated[str, Meta(min_length=1, max_length=100)]
    premium: Amount | None = None
    is_bindable: bool = False
    valid_until: date | None = None
    reason: Words = ""


class DoneMark(Body, frozen=True, kw_only=True):
    """Whether a subjectivity is done."""

    done: bool = True


class AskedValue(msgspec.Struct, frozen=True):
    """A value that the carrier was asked to quote; masked without the right to personal answers."""

    path: str
    label: str
    value: Any


class CarrierChange(msgspec.Struct, frozen=True):
    """What the carrier changed by itself: the value asked for, and the one that it offers."""

    field: str
    path: str
    label: str
    asked: Any
    offered: Any
    reason: str


class CarrierReason(msgspec.Struct, frozen=True):
    """A reason in the carrier's words."""

    code: str
    text: str


class SubjectivityShape(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of the quote. ``path`` is the answer that is missing, if any."""

    id: UUID
    code: str
    kind: Literal["pay", "sign", "upload", "answer"]
    text: str
    owner: Literal["agent", "insured", "carrier"]
    due_on: date | None
    path: str
    done_at: datetime | None
    done_by: str


class QuoteRequestShape(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a carrier. ``premium`` is the carrier's, ``estimate`` its first one, ``indication`` our own when
    the request was sent. ``asked_version`` is the version of the copy that was sent.
    """

    id: UUID
    copy_id: UUID
    product: str
    carrier: str
    state: State
    premium: int | None
    estimate: int | None
    indication: int | None
    is_bindable: bool
    valid_until: date | None
    asked_version: int | None
    asked: list[AskedValue]
    changes: list[CarrierChange]
    reasons: list[CarrierReason]
    reason: str
    subjectivities: list[SubjectivityShape]
    carrier_reference: str
    previous_references: list[str]
    policy_number: str
    attempts: int
    next_attempt_at: datetime | None
    submitted_at: datetime | None
    answered_at: datetime | None
    firm_at: datetime | None
    created_at: datetime
    updated_at: datetime


class QuoteRequestPage(msgspec.Struct, frozen=True):
    """A page of quote requests; ``next`` is the URL of the next page."""

    results: list[QuoteRequestShape]
    next: str | None


class RefusedProduct(msgspec.Struct, frozen=True):
    """A product that was not requested, and why."""

    product: str
    code: str
    text: str


class RequestedShape(msgspec.Struct, frozen=True):
    """The requests that are queued or prepared now, and the products that were refused."""

    requested: list[QuoteRequestShape]
    refused: list[RefusedProduct]


class BridgeShape(msgspec.Struct, frozen=True):
    """The address of the carrier's own pages."""

    url: str


class RealTimeResult(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier's own view of a product for the present answers; ``unknown``: the carrier could not decide."""

    product: str
    outcome: Literal["eligible", "refer", "need_info", "decline", "unknown"]
    reasons: list[dict[str, str]]
    messages: list[dict[str, str]]
    checked_at: datetime


class RealTimeResults(msgspec.Struct, frozen=True):
    """The carriers' views for the present answers; earlier ones about other answers are left out."""

    results: list[RealTimeResult]


class QuoteShapes:
    """Builds the shapes for one reader, who sees personal values only with the right to them."""

    def __init__(self, reader: Reader, *, today: date) -> None:
        self._today = today
        self._visibility = cache(lambda release_id: _visibility(release_id, reader))

    def request(
        self,
        row: QuoteRequest | QuoteRequestRow,
        *,
        copy_id: UUID,
        subjectivities: Sequence[Subjectivity | SubjectivityRow] = (),
    ) -> QuoteRequestShape:
        """Return the shape of one request."""
        values = {name: getattr(row, name) for name in _PLAIN}
        return QuoteRequestShape(
            **values,
            copy_id=copy_id,
            state=cast(State, shown_state_of(row, self._today)),
            asked=[self._asked(one, row.release_id) for one in row.asked],
            changes=[self._change(one, row.release_id) for one in row.changes],
            reasons=[CarrierReason(one["code"], one["text"]) for one in row.reasons],
            subjectivities=[subjectivity_shape(one) for one in subjectivities],
        )

    def requested(self, requested: RequestedQuotes, *, copy_id: UUID) -> RequestedShape:
        """Return the shape of requested and refused products."""
        return RequestedShape(
            requested=[self.request(one.row, copy_id=copy_id) for one in requested.requested],
            refused=[RefusedProduct(product, one.code, one.text) for product, one in requested.refused.items()],
        )

    def _asked(self, asked: dict[str, Any], release_id: int | None) -> AskedValue:
        value = self._visibility(release_id).shown(asked["path"], asked["value"])
        return AskedValue(asked["path"], asked["label"], value)

    def _change(self, change: dict[str, Any], release_id: int | None) -> CarrierChange:
        if not change["path"]:
            return CarrierChange(**change)
        visibility = self._visibility(release_id)
        shown = {name: visibility.shown(change["path"], change[name]) for name in ("asked", "offered")}
        return CarrierChange(**(change | shown))


def subjectivity_shape(row: Subjectivity | SubjectivityRow) -> SubjectivityShape:
    """Return the shape of a subjectivity."""
    return SubjectivityShape(**{name: getattr(row, name) for name in SubjectivityShape.__struct_fields__})


def entered_quote(body: EnteredQuote, *, now: datetime) -> wire.Quote:
    """Return ``body`` as a carrier's message; token, product and sequence are those of the request."""
    return wire.Quote(
        reference=body.reference,
        request_token="-",  # noqa: S106 - replaced by that of the request
        product="-",
        status=wire.QuoteStatus(body.status),
        updated_at=now,
        premium=None if body.premium is None else wire.Premium(amount=body.premium),
        is_bindable=body.is_bindable,
        valid_until=body.valid_until,
        reasons=(wire.Reason(code="entered", text=body.reason),) if body.reason else (),
    )


def _visibility(release_id: int | None, reader: Reader) -> Visibility:
    """Return the policy of today for values that were sent under the release."""
    assert release_id is not None  # noqa: S101 - nothing is recorded as asked without a release
    current = releases.current(releases.get(release_id).catalogue_code)
    return Visibility(current.compiled, reader, past=past_sensitivities([release_id]))


#: The fields that are shown as they are stored.
_PLAIN = (
    "id",
    "product",
    "carrier",
    "premium",
    "estimate",
    "indication",
    "is_bindable",
    "valid_until",
    "asked_version",
    "reason",
    "carrier_reference",
    "previous_references",
    "policy_number",
    "attempts",
    "next_attempt_at",
    "submitted_at",
    "answered_at",
    "firm_at",
    "created_at",
    "updated_at",
)
