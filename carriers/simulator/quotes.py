"""The life of a quote: accepted, rated, estimated, changed later, withdrawn, bound."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from carriers.simulator.callbacks import CallbackSender
from carriers.simulator.chance import delay
from carriers.simulator.declarations import Product
from carriers.simulator.memory import CarrierState, Memory, QuoteRecord, now
from carriers.simulator.problems import (
    AlreadyBound,
    NotBindable,
    TokenReused,
    UnknownProduct,
    UnknownQuote,
    UnusableRisk,
)
from carriers.simulator.rating import Rated, UnusableField, rate
from carriers.simulator.wire import (
    Binding,
    BindSubmission,
    Eligibility,
    EligibilityQuery,
    Message,
    Premium,
    Quote,
    QuoteSubmission,
    Reason,
    Subjectivity,
)

ESTIMATED_TO: Final = 100
"""Whole dollars that an estimate is rounded to."""
_ENDED: Final = ("withdrawn", "expired")
_FORCED: Final = {
    "blocked": Reason(code="account_held", text="Another agent holds this account."),
    "declined": Reason(code="underwriting", text="The underwriter declines the risk."),
    "referred": Reason(code="underwriting", text="An underwriter looks at the risk."),
}
_ELIGIBILITY: Final = {"quoted": "open", "referred": "refer", "declined": "decline"}


@dataclass(frozen=True)
class Step:
    """A later state of a quote: the fields that change."""

    fields: dict[str, Any]


class Underwriting:
    """What the carriers do with what they receive."""

    def __init__(self, memory: Memory, sender: CallbackSender) -> None:
        self._memory = memory
        self._sender = sender

    async def submit(self, state: CarrierState, submission: QuoteSubmission) -> Quote:
        """Accept a request, or return the quote of an earlier one with the same token. Raises a ``Refusal``."""
        known = state.by_token.get(submission.request_token)
        if known is not None:
            if (known.submission.product, known.submission.risk) != (submission.product, submission.risk):
                raise TokenReused
            return known.quote
        product = _product_of(state, submission.product)
        steps = self._plan(state, product, _rated(product, submission.risk))
        record = self._accept(state, product, submission)
        if state.behavior.mode == "sync":
            await asyncio.sleep(self._delay(state, submission.request_token, 0))
            self.advance(state, record, steps[0], is_last=len(steps) == 1)
            steps = steps[1:]
        if steps and state.behavior.mode != "manual":
            record.work = self._memory.start(self._advance_all(state, record, steps))
        return record.quote

    def advance(self, state: CarrierState, record: QuoteRecord, step: Step, *, is_last: bool = True) -> None:
        """Give the quote the fields of ``step``, and send a callback where one was requested."""
        before = record.quote
        record.quote = before.model_copy(
            update={**step.fields, "sequence": before.sequence + 1, "updated_at": now()}, deep=True
        )
        record.history.append(record.quote)
        if state.behavior.mode in ("callback", "manual"):
            self._sender.send_quote(state, record, is_last=is_last)

    def withdraw(self, state: CarrierState, reference: str) -> Quote:
        """Withdraw a quote. Raises ``UnknownQuote``, ``AlreadyBound``."""
        record = find(state, reference)
        if any(binding.status == "bound" for binding in record.bindings.values()):
            raise AlreadyBound
        record.stop_work()
        if record.quote.status != "withdrawn":
            record.quote = record.quote.model_copy(
                update={
                    "status": "withdrawn",
                    "is_bindable": False,
                    "sequence": record.quote.sequence + 1,
                    "updated_at": now(),
                }
            )
            record.history.append(record.quote)
        return record.quote

    def bind(self, state: CarrierState, reference: str, submission: BindSubmission) -> Binding:
        """Bind a quote, or return the binding of an earlier request with the same token. Raises a ``Refusal``."""
        record = find(state, reference)
        if submission.bind_token in record.bindings:
            return record.bindings[submission.bind_token]
        if any(binding.status in ("bound", "pending") for binding in record.bindings.values()):
            raise AlreadyBound
        quote = record.quote
        # An underwriter who answers by hand may have told the agent without noting it at the desk.
        was_told = state.behavior.mode == "manual" and quote.status in ("received", "referred")
        if not was_told and (quote.status not in ("quoted", "referred") or not quote.is_bindable):
            raise NotBindable(f"It is {quote.status}." if quote.status != "quoted" else "It is an indication.")
        if quote.valid_until is not None and quote.valid_until < now().date():
            raise NotBindable("It has expired.")
        planned = state.behavior.binding
        if planned.startswith("pending"):
            result = self._bound(state, record, submission.bind_token, "pending")
            final = "refused" if planned == "pending_refused" else "bound"
            self._memory.start(self._bind_later(state, record, submission.bind_token, final))
            return result
        return self._bound(state, record, submission.bind_token, planned)

    def check(self, state: CarrierState, query: EligibilityQuery) -> Eligibility:
        """Return the carrier's view of an unfinished risk. Raises ``UnusableRisk``."""
        product = state.declared.product(query.product)
        if product is None or not query.risk.get("naics"):
            return Eligibility(status="unknown")
        rated = _rated(product, query.risk)
        messages = [Message(kind="info", text=change.reason) for change in rated.changes]
        if state.behavior.outcome == "blocked":
            return Eligibility(status="decline", reasons=[_FORCED["blocked"]])
        status: Any = _ELIGIBILITY[rated.outcome]
        return Eligibility(status=status, reasons=list(rated.reasons), messages=messages)

    def _accept(self, state: CarrierState, product: Product, submission: QuoteSubmission) -> QuoteRecord:
        replaced = state.by_reference.get(submission.replaces or "")
        is_renamed = replaced is None or state.behavior.renames
        if replaced is not None:
            replaced.stop_work()
        quote = Quote(
            reference=f"{state.declared.code}-{secrets.token_hex(5).upper()}" if is_renamed else replaced_by(replaced),
            request_token=submission.request_token,
            product=product.code,
            status="received",
            sequence=1,
            previous_reference=replaced_by(replaced) if replaced and is_renamed else None,
            updated_at=now(),
        )
        record = QuoteRecord(submission, product, quote, [quote])
        state.store(record)
        return record

    def _plan(self, state: CarrierState, product: Product, rated: Rated) -> list[Step]:
        """Return the later states of a quote, in order."""
        behavior = state.behavior
        outcome = rated.outcome if behavior.outcome == "rated" else behavior.outcome
        steps = [Step(result_fields(state, product, rated, outcome))]
        if behavior.has_estimate and outcome in ("quoted", "referred"):
            rounded = max(ESTIMATED_TO, round(rated.premium / ESTIMATED_TO) * ESTIMATED_TO)
            steps.insert(0, Step({"status": "estimated", "premium": Premium(amount=rounded)}))
        if behavior.revived_as is not None and outcome == "declined":
            steps.append(Step(result_fields(state, product, rated, behavior.revived_as)))
        if behavior.expires and outcome in ("quoted", "referred"):
            steps.append(Step({"status": "expired", "is_bindable": False, "valid_until": now().date()}))
        return steps

    async def _advance_all(self, state: CarrierState, record: QuoteRecord, steps: Sequence[Step]) -> None:
        token = record.submission.request_token
        for position, step in enumerate(steps):
            await asyncio.sleep(self._delay(state, token, record.quote.sequence))
            self.advance(state, record, step, is_last=position == len(steps) - 1)

    async def _bind_later(self, state: CarrierState, record: QuoteRecord, bind_token: str, status: str) -> None:
        await asyncio.sleep(self._delay(state, bind_token, 0))
        self._sender.send_binding(state, record, self._bound(state, record, bind_token, status))

    def _bound(self, state: CarrierState, record: QuoteRecord, bind_token: str, status: str) -> Binding:
        refused = [Reason(code="underwriting", text="The underwriter does not accept the risk any longer.")]
        binding = Binding.model_validate(
            {
                "reference": record.quote.reference,
                "bind_token": bind_token,
                "status": status,
                "policy_number": f"{record.product.code}-{secrets.token_hex(4).upper()}" if status == "bound" else None,
                "reasons": [reason.model_dump() for reason in refused] if status == "refused" else [],
                "updated_at": now(),
            }
        )
        record.bindings[bind_token] = binding
        return binding

    def _delay(self, state: CarrierState, token: str, position: int) -> float:
        behavior = state.behavior
        names = (self._memory.seed, state.declared.code, token, position)
        return self._memory.scaled(delay(behavior.p50_seconds, behavior.p95_seconds, *names))


def find(state: CarrierState, reference: str) -> QuoteRecord:
    """Return the newest quote with ``reference``. Raises ``UnknownQuote``."""
    try:
        return state.by_reference[reference]
    except KeyError:
        raise UnknownQuote from None


def find_binding(state: CarrierState, reference: str, bind_token: str) -> Binding:
    """Return the binding with ``bind_token``. Raises ``UnknownQuote``."""
    try:
        return find(state, reference).bindings[bind_token]
    except KeyError:
        raise UnknownQuote from None


def replaced_by(record: QuoteRecord | None) -> str:
    """Return the reference of a replaced quote."""
    return record.quote.reference if record else ""


def result_fields(state: CarrierState, product: Product, rated: Rated, outcome: str) -> dict[str, Any]:
    """Return the fields of a quote with this outcome."""
    today = now().date()
    forced = [_FORCED[outcome]] if outcome in _FORCED and outcome != rated.outcome else None
    if outcome in ("declined", "blocked"):
        return {"status": outcome, "premium": None, "is_bindable": False, "reasons": forced or list(rated.reasons)}
    return {
        "status": outcome,
        "premium": Premium(amount=rated.premium),
        "is_bindable": product.is_bindable and outcome == "quoted",
        "valid_until": today + timedelta(days=state.behavior.valid_days),
        "changes": list(rated.changes),
        "reasons": forced or (list(rated.reasons) if outcome == rated.outcome else []),
        "subjectivities": [
            Subjectivity(
                code=each.code,
                kind=each.kind,
                text=each.text,
                due_on=today + timedelta(days=each.due_days) if each.due_days is not None else None,
                field=each.field,
            )
            for each in product.subjectivities
        ],
    }


def _product_of(state: CarrierState, code: str) -> Product:
    product = state.declared.product(code)
    if product is None:
        raise UnknownProduct(code)
    return product


def _rated(product: Product, risk: dict[str, Any]) -> Rated:
    try:
        return rate(product, risk)
    except UnusableField as error:
        raise UnusableRisk(str(error)) from None
