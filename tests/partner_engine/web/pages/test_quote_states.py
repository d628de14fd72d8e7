"""The words of a quote's state: what the carrier does, since when, and when the next try is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from partner_engine.web.pages.quote_facts import QuoteFacts
from partner_engine.web.pages.quote_states import Clock, clock, seconds_text, state_view, usual_time
from rules.definition.catalogue import Link

NOW = datetime(2026, 11, 28, 15, 42, tzinfo=UTC)
CLOCK = Clock(ZoneInfo("America/New_York"), NOW)
LINK = Link(mode="poll", p50_seconds=8, p95_seconds=45)


def quote(state: str, **values: Any) -> QuoteFacts:
    times = {"created_at": NOW, "updated_at": NOW - timedelta(minutes=1)}
    return QuoteFacts(id="q", copy_id="c", product="P", carrier="C", state=state, **{**times, **values})


def shown(state: str, **values: Any) -> tuple[str, str, str]:
    view = state_view(quote(state, **values), LINK, CLOCK, currency="USD")
    return view.word, view.note, view.detail


@pytest.mark.parametrize(
    ("state", "values", "expected"),
    [
        ("queued", {}, ("Queued", "", "waiting to be sent")),
        ("queued", {"next_attempt_at": NOW + timedelta(minutes=3)}, ("Queued", "", "next try 10:45")),
        ("submitted", {"submitted_at": NOW}, ("Submitted", "", "usually 8 s, up to 45 s")),
        ("estimated", {"premium": 5010}, ("Estimate", "", "firm quote to follow")),
        ("quoted", {"premium": 2451, "is_bindable": True}, ("Quoted", "bindable", "")),
        ("quoted", {"premium": 2451}, ("Quoted", "indication", "")),
        (
            "quoted",
            {"premium": 5019, "is_bindable": True, "estimate": 5010, "firm_at": NOW - timedelta(minutes=1)},
            ("Quoted", "bindable", "estimate $5,010, firm since 10:41"),
        ),
        ("referred", {"answered_at": NOW - timedelta(hours=1)}, ("Referred", "", "underwriter since 09:42")),
        ("declined", {"reasons": ({"code": "R1", "text": "Roof too old"},)}, ("Declined", "", "Roof too old")),
        ("blocked", {}, ("Blocked", "", "another agent holds this account at the carrier")),
        (
            "failed",
            {"reason": "No answer", "attempts": 3, "next_attempt_at": NOW + timedelta(minutes=5)},
            ("Failed", "No answer", "after 3 tries, next try 10:47"),
        ),
        ("failed", {"reason": "Refused", "attempts": 1}, ("Failed", "Refused", "after 1 try, no further try")),
        ("stale", {"reason": "payroll of 9082 changed"}, ("Stale", "payroll of 9082 changed 10:41", "")),
        ("stale", {"updated_at": NOW - timedelta(days=1)}, ("Stale", "answers changed Nov 27 10:42", "")),
        ("expired", {}, ("Expired", "no longer valid", "")),
        ("bound", {"policy_number": "QM-1"}, ("Bound", "policy QM-1", "")),
        ("withdrawn", {}, ("Withdrawn", "", "")),
    ],
)
def test_each_state_says_what_it_is(state: str, values: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert shown(state, **values) == expected


def test_only_a_running_request_has_a_clock() -> None:
    running = state_view(quote("submitted", submitted_at=NOW - timedelta(seconds=12)), LINK, CLOCK, currency="USD")
    answered = state_view(quote("quoted", submitted_at=NOW - timedelta(seconds=12)), LINK, CLOCK, currency="USD")

    assert (running.clock, running.since) == ("0:12", (NOW - timedelta(seconds=12)).isoformat())
    assert answered.since == ""


@pytest.mark.parametrize(("seconds", "text"), [(-3, "0:00"), (9, "0:09"), (725, "12:05"), (11_040, "3:04:00")])
def test_elapsed_time_is_read_like_a_watch(seconds: int, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (45, "45 s"), (150, "2 min"), (10_800, "3 h")])
def test_usual_times_are_short(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_a_carrier_with_one_time_states_it_once_and_a_manual_one_none() -> None:
    assert usual_time(Link(mode="sync", p50_seconds=2, p95_seconds=2)) == "usually 2 s"
    assert usual_time(Link(mode="manual")) == "answered by an underwriter"
    assert usual_time(None) == ""
