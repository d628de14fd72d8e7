"""The words, colors and sentences of the states of quotes, for all pages that show quotes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from partner_engine.web.pages.quote_facts import RUNNING, QuoteFacts
from presentation.formats import money
from presentation.state_words import QUOTE_STATES
from rules.definition.catalogue import Link

_MANUAL: Final = "manual"


@dataclass(frozen=True)
class StateView:
    """The state of one request: one word and its color, a sentence beside and one below it.

    ``since`` is the ISO time since which the request runs, "" for one that does not; ``elapsed`` its seconds until now.
    """

    word: str
    tone: str
    note: str = ""
    detail: str = ""
    since: str = ""
    elapsed: int = 0

    @property
    def clock(self) -> str:
        """Return the elapsed time as ``0:12``."""
        return clock(self.elapsed)


@dataclass(frozen=True)
class Clock:
    """The reader's time, and how they read moments."""

    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> date:
        """Return the day it is for the reader."""
        return self.now.astimezone(self.zone).date()

    def time(self, moment: datetime | None) -> str:
        """Return ``10:42`` for a moment of today, ``Nov 24 10:42`` for any other, "" for None."""
        if moment is None:
            return ""
        local = moment.astimezone(self.zone)
        return f"{local:%H:%M}" if local.date() == self.today else f"{local:%b} {local.day} {local:%H:%M}"


class _Case(NamedTuple):
    """What the sentence about one state is made of."""

    quote: QuoteFacts
    link: Link | None
    clock: Clock
    currency: str


def clock(seconds: int) -> str:
    """Return seconds as ``0:12``, ``12:05`` or ``3:04:00``."""
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def state_view(quote: QuoteFacts, link: Link | None, clock: Clock, *, currency: str) -> StateView:
    """Return the state of ``quote``, whose carrier is reached by ``link``."""
    word, tone = QUOTE_STATES.get(quote.state, (quote.state, ""))
    note, detail = _SENTENCES.get(quote.state, _reason)(_Case(quote, link, clock, currency))
    started = _started(quote)
    if quote.state not in RUNNING or started is None:
        return StateView(word, tone, note, detail)
    elapsed = int((clock.now - started).total_seconds())
    return StateView(word, tone, note, detail, since=started.isoformat(), elapsed=max(0, elapsed))


def usual_time(link: Link | None) -> str:
    """Return how long the carrier takes: ``usually 8 s, up to 45 s``, or that a person answers."""
    if link is None:
        return ""
    if link.mode == _MANUAL:
        return "answered by an underwriter"
    usual, most = seconds_text(link.p50_seconds), seconds_text(link.p95_seconds)
    return f"usually {usual}" if usual == most else f"usually {usual}, up to {most}"


def seconds_text(seconds: float) -> str:
    """Return a duration as ``8 s``, ``3 min`` or ``2 h``."""
    if seconds < 1:
        return "1 s"
    if seconds < 120:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def _started(quote: QuoteFacts) -> datetime | None:
    return quote.updated_at if quote.state == "queued" else quote.submitted_at or quote.updated_at


def _first_reason(quote: QuoteFacts) -> str:
    return quote.reason or next((str(found.get("text") or found.get("code")) for found in quote.reasons), "")


def _next_try(quote: QuoteFacts, clock: Clock) -> str:
    return f"next try {clock.time(quote.next_attempt_at)}" if quote.next_attempt_at else ""


def _reason(case: _Case) -> tuple[str, str]:
    return "", _first_reason(case.quote)


def _queued(case: _Case) -> tuple[str, str]:
    waiting = _next_try(case.quote, case.clock) or "waiting to be sent"
    return "", " · ".join(filter(None, (case.quote.reason, waiting)))


def _submitted(case: _Case) -> tuple[str, str]:
    return "", usual_time(case.link)


def _estimated(case: _Case) -> tuple[str, str]:
    return "", "firm quote to follow"


def _quoted(case: _Case) -> tuple[str, str]:
    kind = "bindable" if case.quote.is_bindable else "indication"
    if case.quote.estimate is None:
        return kind, ""
    firm = f", firm since {case.clock.time(case.quote.firm_at)}" if case.quote.firm_at else ""
    return kind, f"estimate {money(case.quote.estimate, case.currency)}{firm}"


def _referred(case: _Case) -> tuple[str, str]:
    since = f"underwriter since {case.clock.time(case.quote.answered_at or case.quote.updated_at)}"
    estimate = "" if case.quote.estimate is None else f"estimate {money(case.quote.estimate, case.currency)}"
    return _first_reason(case.quote), ", ".join(filter(None, (estimate, since)))


def _blocked(case: _Case) -> tuple[str, str]:
    return "", _first_reason(case.quote) or "another agent holds this account at the carrier"


def _failed(case: _Case) -> tuple[str, str]:
    tries = f"{case.quote.attempts} {'try' if case.quote.attempts == 1 else 'tries'}" if case.quote.attempts else ""
    after = _next_try(case.quote, case.clock) or "no further try"
    return _first_reason(case.quote), ", ".join(filter(None, (f"after {tries}" if tries else "", after)))


def _stale(case: _Case) -> tuple[str, str]:
    reason = _first_reason(case.quote).removesuffix(".") or "answers changed"
    return f"{reason} {case.clock.time(case.quote.updated_at)}", ""


def _expired(case: _Case) -> tuple[str, str]:
    return _first_reason(case.quote) or "no longer valid", ""


def _bound(case: _Case) -> tuple[str, str]:
    return f"policy {case.quote.policy_number}" if case.quote.policy_number else "", ""


def _nothing(case: _Case) -> tuple[str, str]:
    return "", ""


_SENTENCES: Final[dict[str, Callable[[_Case], tuple[str, str]]]] = {
    "draft": _nothing,
    "withdrawn": _nothing,
    "queued": _queued,
    "submitted": _submitted,
    "estimated": _estimated,
    "quoted": _quoted,
    "selected": _quoted,
    "referred": _referred,
    "declined": _reason,
    "blocked": _blocked,
    "failed": _failed,
    "stale": _stale,
    "expired": _expired,
    "bound": _bound,
}
