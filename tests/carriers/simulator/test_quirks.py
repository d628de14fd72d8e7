"""Each quirk of the simulated carriers, one by one over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_calls import RESTAURANT, Caller

FLEET = {"naics": "561730", "states": ["OH"], "vehicles": [{"type": "medium"}, {"type": "trailer"}], "csl": "a500"}
CYBER = {
    "naics": "541512", "states": ["CA"], "annual_revenue": 2_400_000, "records": 52_000, "cyber_limit": "c1m",
    "mfa": False, "backups": True, "incident": False,
}  # fmt: skip


@pytest.fixture
def simulator(carrier_simulator: CarrierSimulator) -> CarrierSimulator:
    return carrier_simulator


def test_lanternfield_accepts_and_is_polled_and_answers_every_third_poll_with_429(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "LF")

    accepted = caller.submit("t-1", "LF-BOP")
    quote = caller.wait_for("t-1", "quoted")
    polls = [caller.read(quote["reference"]) for _ in range(6)]

    assert (accepted.status, accepted.json()["status"]) == (202, "received")
    assert quote["premium"]["amount"] == 2_565
    assert [poll.status for poll in polls] == [200, 200, 429, 200, 200, 429]
    assert polls[2].headers["retry-after"] == "1"
    assert polls[2].json()["code"] == "busy"


def test_gristmill_accepts_and_then_times_out(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "GF", timeout=0.3)

    with pytest.raises(TimeoutError):
        caller.submit("t-1", "GF-AUTO", FLEET)

    quote = caller.wait_for("t-1", "quoted")
    assert quote["premium"]["amount"] == 2_280
    assert len(simulator.quotes("GF")) == 1
    assert simulator.wait_until(lambda: [call["result"] for call in simulator.received("GF")].count("hang")) == 1


def test_vellum_lowers_a_limit_and_says_so(simulator: CarrierSimulator) -> None:
    quote = Caller(simulator, "VC").submit("t-1", "VC-CYB", CYBER).json()

    assert quote["premium"]["amount"] == 3_432
    assert [(change["field"], change["asked"], change["offered"]) for change in quote["changes"]] == [
        ("cyber_limit", "c1m", "c500")
    ]
    assert quote["changes"][0]["reason"] == "Limit lowered to $500,000 without a second factor"


def test_owl_hollow_waits_for_an_underwriter(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "OH")
    caller.submit("t-1", "OH-BOP")
    waiting = caller.find("t-1").json()

    simulator.answer(
        "OH",
        "t-1",
        status="quoted",
        premium=4_444,
        subjectivities=[{"code": "survey", "kind": "upload", "text": "Site survey", "due_days": 60}],
    )

    quote = caller.find("t-1").json()
    assert (waiting["status"], waiting["sequence"]) == ("received", 1)
    assert (quote["status"], quote["premium"]["amount"], quote["sequence"]) == ("quoted", 4_444, 2)
    assert quote["subjectivities"][0]["kind"] == "upload"
    assert quote["is_bindable"] is True


@pytest.mark.parametrize("status", ["referred", "declined", "blocked"])
def test_an_underwriter_may_refer_decline_or_block(simulator: CarrierSimulator, status: str) -> None:
    caller = Caller(simulator, "OH")
    caller.submit("t-1", "OH-BOP")

    simulator.answer("OH", "t-1", status=status, reasons=[{"code": "x", "text": "A reason"}])

    quote = caller.find("t-1").json()
    assert (quote["status"], quote["reasons"], quote["is_bindable"]) == (
        status,
        [{"code": "x", "text": "A reason"}],
        False,
    )


def test_a_quote_told_by_phone_is_bound(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "OH")
    reference = caller.submit("t-1", "OH-BOP").json()["reference"]

    binding = caller.bind(reference, "b-1").json()

    assert (binding["status"], binding["policy_number"] is not None) == ("bound", True)


def test_a_requote_gets_a_new_reference(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "QM")
    first = caller.submit("t-1", "QM-BOP").json()

    second = caller.submit("t-2", "QM-BOP", replaces=first["reference"]).json()

    assert second["reference"] != first["reference"]
    assert second["previous_reference"] == first["reference"]


def test_a_requote_keeps_the_reference_elsewhere(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", renames=False)
    caller = Caller(simulator, "QM")
    first = caller.submit("t-1", "QM-BOP").json()

    second = caller.submit("t-2", "QM-BOP", {**RESTAURANT, "tiv": 1}, replaces=first["reference"]).json()

    assert second["reference"] == first["reference"]
    assert second["previous_reference"] is None
    assert caller.read(first["reference"]).json() == second


def test_an_estimate_comes_before_the_firm_quote(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", has_estimate=True)
    caller = Caller(simulator, "QM")

    estimate = caller.submit("t-1", "QM-BOP").json()
    firm = caller.wait_for("t-1", "quoted")

    assert (estimate["status"], estimate["premium"]["amount"], estimate["is_bindable"]) == ("estimated", 2_500, False)
    assert (firm["premium"]["amount"], firm["is_bindable"]) == (2_451, True)
    assert firm["sequence"] == estimate["sequence"] + 1


def test_a_quote_expires_by_itself(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", expires=True)
    caller = Caller(simulator, "QM")
    quoted = caller.submit("t-1", "QM-BOP").json()

    expired = caller.wait_for("t-1", "expired")

    assert quoted["status"] == "quoted"
    assert expired["is_bindable"] is False
    assert caller.bind(expired["reference"], "b-1").json()["code"] == "not_bindable"


def test_a_quote_whose_validity_is_over_cannot_be_bound(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", valid_days=-1)
    caller = Caller(simulator, "QM")
    quote = caller.submit("t-1", "QM-BOP").json()

    refused = caller.bind(quote["reference"], "b-1")

    assert date.fromisoformat(quote["valid_until"]) == datetime.now(UTC).date() - timedelta(days=1)
    assert (refused.status, refused.json()["detail"]) == (409, "It has expired.")


@pytest.mark.parametrize("revived", ["referred", "quoted"])
def test_a_declined_quote_is_revived(simulator: CarrierSimulator, revived: str) -> None:
    simulator.behave("QM", revived_as=revived)
    caller = Caller(simulator, "QM")

    declined = caller.submit("t-1", "QM-BOP", {**RESTAURANT, "liquor_pct": 35}).json()
    later = caller.wait_for("t-1", revived)

    assert declined["status"] == "declined"
    assert later["sequence"] == declined["sequence"] + 1
    assert later["premium"]["amount"] == 2_451


def test_another_agent_holds_the_account(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", outcome="blocked")

    quote = Caller(simulator, "QM").submit("t-1", "QM-BOP").json()

    assert (quote["status"], quote["premium"], quote["reasons"][0]["code"]) == ("blocked", None, "account_held")


def test_subjectivities_have_kinds_and_days(simulator: CarrierSimulator) -> None:
    simulator.behave("TT", mode="sync")

    quote = Caller(simulator, "TT").submit("t-1", "TT-WC").json()

    assert quote["premium"]["amount"] == 5_019
    assert quote["subjectivities"] == [
        {
            "code": "signed_application",
            "kind": "sign",
            "text": "Signed application",
            "due_on": str(datetime.now(UTC).date() + timedelta(days=30)),
            "field": None,
        }
    ]


def test_a_slow_carrier_responds_in_the_end(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "slow", "seconds": 0.4}])
    caller, began = Caller(simulator, "QM"), time.monotonic()

    quote = caller.submit("t-1", "QM-BOP").json()

    assert quote["status"] == "quoted"
    assert time.monotonic() - began >= 0.4


def test_a_hanging_carrier_accepts_nothing(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "hang"}])
    caller = Caller(simulator, "QM", timeout=0.3)

    with pytest.raises(TimeoutError):
        caller.submit("t-1", "QM-BOP")

    assert caller.find("t-1").status == 404


@pytest.mark.parametrize(("stage", "found"), [("before", 404), ("after", 200)])
def test_a_connection_is_reset_before_or_after_the_acceptance(
    simulator: CarrierSimulator, stage: str, found: int
) -> None:
    simulator.behave("QM", faults=[{"kind": "reset", "stage": stage}])
    caller = Caller(simulator, "QM")

    with pytest.raises(ConnectionResetError):
        caller.submit("t-1", "QM-BOP")

    assert caller.find("t-1").status == found


def test_a_dead_carrier_fails_in_every_call_and_counts_them(simulator: CarrierSimulator) -> None:
    caller = Caller(simulator, "QM")
    simulator.behave("QM", faults=[{"kind": "error", "on": ["token", "submit", "find"]}])

    replies = [caller.submit("t-1", "QM-BOP"), caller.find("t-1"), caller.sign_in()]

    assert [reply.status for reply in replies] == [500, 500, 500]
    assert simulator.quotes("QM") == []
    assert {name: simulator.counts("QM")[name] for name in ("token", "submit", "find")} == {
        "token": 2,
        "submit": 1,
        "find": 1,
    }


def test_a_flapping_carrier_changes_between_good_and_bad(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "error", "status": 503, "retry_after": 2, "good": 2, "bad": 3}])
    caller = Caller(simulator, "QM")

    replies = [caller.submit(f"t-{number}", "QM-BOP") for number in range(7)]

    assert [reply.status for reply in replies] == [200, 200, 503, 503, 503, 200, 200]
    assert replies[2].headers["retry-after"] == "2"


def test_a_fault_may_end_after_some_times(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "error", "times": 2}])
    caller = Caller(simulator, "QM")

    assert [caller.submit("t-1", "QM-BOP").status for _ in range(4)] == [500, 500, 200, 200]


def test_a_response_may_be_malformed(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "malformed"}])

    reply = Caller(simulator, "QM").submit("t-1", "QM-BOP")

    with pytest.raises(ValueError, match="Unterminated string"):
        reply.json()
    assert len(simulator.quotes("QM")) == 1


def test_a_response_may_be_huge(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", faults=[{"kind": "huge", "size": 3_000_000}])

    reply = Caller(simulator, "QM").submit("t-1", "QM-BOP")

    assert len(reply.body) > 3_000_000


def test_calls_beyond_the_pace_are_refused(simulator: CarrierSimulator) -> None:
    simulator.settings(speed=1)
    simulator.behave("QM", per_minute=3)
    caller = Caller(simulator, "QM")

    replies = [caller.find("t-1") for _ in range(5)]

    assert [reply.status for reply in replies] == [404, 404, 404, 429, 429]
    assert replies[3].headers["retry-after"] == "20"


def test_seeded_failures_are_the_same_each_time_and_end(simulator: CarrierSimulator) -> None:
    simulator.settings(has_failures=True)

    def outcomes() -> list[str]:
        simulator.behave("QM", fail_percent=50)
        caller, seen = Caller(simulator, "QM"), []
        for number in range(12):
            try:
                seen.append(str(caller.submit(f"t-{number}", "QM-BOP").status))
            except ConnectionResetError:
                seen.append("reset")
        return seen

    first = outcomes()
    simulator.reset()
    simulator.settings(has_failures=True)

    assert outcomes() == first
    assert {"200", "503", "500", "reset"} == {*first}


def test_a_token_lives_as_long_as_the_behavior_says(simulator: CarrierSimulator) -> None:
    simulator.behave("QM", token_seconds=90)

    assert Caller(simulator, "QM").sign_in().json()["expires_in"] == 90


def test_a_waiting_quote_is_accepted_twice_only_once(simulator: CarrierSimulator) -> None:
    simulator.settings(speed=1)
    caller = Caller(simulator, "LF")

    replies = [caller.submit("t-1", "LF-BOP") for _ in range(3)]

    assert [reply.status for reply in replies] == [202, 202, 202]
    assert len({reply.json()["reference"] for reply in replies}) == 1
    assert len(simulator.quotes("LF")) == 1


@pytest.mark.parametrize(
    "changes", [{"mode": "fax"}, {"colour": "red"}, {"faults": [{"kind": "fire"}]}, {"p50_seconds": 0}]
)
def test_an_unknown_behavior_is_refused(simulator: CarrierSimulator, changes: dict) -> None:
    with pytest.raises(Exception, match="422"):
        simulator.behave("QM", **changes)

    assert simulator.behave("QM")["mode"] == "sync"
