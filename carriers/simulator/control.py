"""The control API, for tests and for the pages: behavior, speed, received requests, and answers by hand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from carriers.simulator.declarations import Behavior, DeclaredSubjectivity
from carriers.simulator.memory import CarrierState, Memory, QuoteRecord, now
from carriers.simulator.quotes import Step, Underwriting
from carriers.simulator.wire import Change, Premium, Quote, Reason, Subjectivity

control = APIRouter(prefix="/control", include_in_schema=False)


def _carrier(request: Request, code: Annotated[str, Path()]) -> CarrierState:
    memory: Memory = request.app.state.memory
    if code not in memory.carriers:
        raise HTTPException(404, "There is no such carrier.")
    return memory.carriers[code]


Carrier = Annotated[CarrierState, Depends(_carrier)]


class Settings(BaseModel):
    """What applies to all carriers."""

    model_config = ConfigDict(extra="forbid")

    speed: float | None = None
    has_failures: bool | None = None
    seed: str | None = None


class HandAnswer(BaseModel):
    """An underwriter's answer."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["estimated", "quoted", "referred", "declined", "blocked", "expired"]
    premium: int | None = None
    is_bindable: bool = True
    valid_days: int = 30
    valid_until: date | None = None
    reasons: list[Reason] = []
    changes: list[Change] = []
    subjectivities: list[DeclaredSubjectivity] = []


@control.get("/carriers")
def list_carriers(request: Request) -> dict[str, Any]:
    """Return each carrier's behavior and the numbers of its calls."""
    memory: Memory = request.app.state.memory
    return {
        code: {
            "behavior": state.behavior.model_dump(mode="json"),
            "counts": dict(state.counts),
            "results": dict(state.results),
            "quotes": len(state.by_token),
        }
        for code, state in memory.carriers.items()
    }


@control.patch("/settings")
def change_settings(request: Request, settings: Settings) -> dict[str, Any]:
    """Change speed, failures or seed; return all of them."""
    memory: Memory = request.app.state.memory
    if settings.speed is not None:
        memory.speed = settings.speed
    if settings.has_failures is not None:
        memory.has_failures = settings.has_failures
    if settings.seed is not None:
        memory.seed = settings.seed
    return {"speed": memory.speed, "has_failures": memory.has_failures, "seed": memory.seed}


@control.post("/reset", status_code=204)
async def reset(request: Request, carrier: str | None = None) -> None:
    """Forget everything, of one carrier or all, and return to the declared behavior."""
    memory: Memory = request.app.state.memory
    if carrier is not None and carrier not in memory.carriers:
        raise HTTPException(404, "There is no such carrier.")
    memory.reset(carrier)


@control.patch("/{code}/behavior")
def behave(state: Carrier, changes: Annotated[dict[str, Any], Body()]) -> Behavior:
    """Change fields of the behavior; return all of it."""
    try:
        changed = Behavior.model_validate({**state.behavior.model_dump(), **changes})
    except ValidationError as error:
        raise HTTPException(422, [fault["msg"] for fault in error.errors()]) from None
    state.behave(changed)
    return changed


@control.get("/{code}/received")
def list_received(state: Carrier) -> dict[str, Any]:
    """Return the numbers of calls, and the last calls, the newest last."""
    return {
        "counts": dict(state.counts),
        "results": dict(state.results),
        "requests": [asdict(each) for each in state.received],
        "callbacks": list(state.callbacks),
    }


@control.get("/{code}/quotes")
def list_quotes(state: Carrier) -> list[Quote]:
    """Return all quotes, the oldest first."""
    return [record.quote for record in state.by_token.values()]


@control.post("/{code}/expire_tokens", status_code=204)
def expire_tokens(state: Carrier) -> None:
    """Forget all access tokens: the next call with one gets 401."""
    state.tokens.clear()


@control.post("/{code}/quotes/{request_token}/answer")
async def answer(request: Request, state: Carrier, request_token: str, given: HandAnswer) -> Quote:
    """Give the quote an underwriter's answer."""
    record = state.by_token.get(request_token)
    if record is None:
        raise HTTPException(404, "There is no such quote.")
    underwriting: Underwriting = request.app.state.underwriting
    return answer_by_hand(underwriting, state, record, given)


def answer_by_hand(underwriting: Underwriting, state: CarrierState, record: QuoteRecord, given: HandAnswer) -> Quote:
    """Give the quote the answer of an underwriter, in place of later steps."""
    today, has_premium = now().date(), given.premium is not None
    record.stop_work()
    fields = {
        "status": given.status,
        "premium": Premium(amount=given.premium) if given.premium is not None else None,
        "is_bindable": given.is_bindable and has_premium and given.status == "quoted",
        "valid_until": given.valid_until or (today + timedelta(days=given.valid_days) if has_premium else None),
        "reasons": given.reasons,
        "changes": given.changes,
        "subjectivities": [
            Subjectivity(
                code=each.code,
                kind=each.kind,
                text=each.text,
                due_on=today + timedelta(days=each.due_days) if each.due_days is not None else None,
                field=each.field,
            )
            for each in given.subjectivities
        ],
    }
    underwriting.advance(state, record, Step(fields))
    return record.quote
