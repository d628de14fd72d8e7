"""The calls to a carrier about one request, as the traffic log has them, in an agent's words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from partner_engine.web.pages.quote_states import Clock

_OPERATIONS: Final = {
    "submit": "Sent the request",
    "find": "Asked whether it had arrived",
    "refresh": "Asked for the answer",
    "withdraw": "Withdrew the request",
    "bind": "Asked to bind",
    "find_binding": "Asked about the binding",
    "eligibility": "Asked about eligibility",
    "token": "Signed in",
}
_FAILURES: Final = {
    "busy": "the carrier is busy",
    "circuit_open": "the carrier is down",
    "unreachable": "not reachable",
    "outcome_unknown": "no answer in time",
    "timeout": "no answer in time",
    "refused": "refused",
    "unreadable": "answer not readable",
    "unreadable_reply": "answer not readable",
}


class LoggedCall(Protocol):
    """The fields of a logged call that a page shows."""

    operation: str
    status: int | None
    error: str
    duration: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class CallView:
    """One call: ``result`` is its HTTP status or what went wrong."""

    at: str
    what: str
    result: str
    is_good: bool
    took: str


def build_call(call: LoggedCall, clock: Clock) -> CallView:
    """Return one logged call."""
    is_good = not call.error and call.status is not None and (call.status < 400 or call.status == 404)
    failure = _FAILURES.get(call.error, call.error.replace("_", " "))
    result = " · ".join(filter(None, (str(call.status or ""), failure)))
    return CallView(
        at=clock.time(call.created_at),
        what=_OPERATIONS.get(call.operation, call.operation.replace("_", " ").capitalize()),
        result=result or "no answer",
        is_good=is_good,
        took=f"{call.duration / 1000:.1f} s" if call.duration >= 100 else f"{call.duration} ms",
    )
