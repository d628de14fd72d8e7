"""Each quirk of a carrier from end to end: the simulator over HTTP, real links, the lane, imports, our records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batch.errors import NotBindable, WrongState
from catalogue.demo import Sample
from catalogue.models import Release
from quoting import callbacks, service
from tenants.access import Actor
from tenants.models import Tenant
from tests.harness.bindings import consent, request_bind
from tests.harness.callback_receiver import CallbackReceiver, callback_receiver
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_quotes import SimulatedQuotes, in_days

pytestmark = pytest.mark.django_db

SLOW = pytest.mark.slow
Open = Callable[[str], SimulatedQuotes]


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with callback_receiver() as running:
        yield running


@pytest.fixture
def open_form(
    settings: Any,
    demo: Release,
    harbor: Tenant,
    agent: Actor,
    samples: dict[str, Sample],
    carrier_simulator: CarrierSimulator,
    receiver: CallbackReceiver,
) -> Iterator[Open]:
    """Return a function that starts a form with a sample's answers."""
    settings.PUBLIC_URL = receiver.base
    callbacks.forget_links_and_copies()
    yield lambda name: SimulatedQuotes(carrier_simulator, receiver, tenant=harbor, actor=agent, sample=samples[name])
    callbacks.forget_links_and_copies()


def premiums(quotes: SimulatedQuotes) -> dict[str, tuple[str, int | None]]:
    return {row.product: (row.state, row.premium) for row in quotes.rows()}


def test_all_open_products_of_s1_have_the_expected_premiums(open_form: Open) -> None:
    quotes = open_form("S1")

    quotes.request()
    quotes.take_callbacks(expected=2)
    for product in ("LF-BOP", "LF-WC"):
        quotes.wait_for(product, "quoted")

    assert premiums(quotes) == {
        "QM-BOP": ("quoted", 2_451),
        "LF-BOP": ("quoted", 2_565),
        "TT-WC": ("quoted", 5_019),
        "LF-WC": ("quoted", 5_978),
    }
    assert [row.indication for row in quotes.rows()] == [row.premium for row in quotes.rows()]
    assert len(quotes.simulator.quotes("OH")) == 0


def test_vellum_lowers_the_limit_of_s3_and_says_so(open_form: Open) -> None:
    quotes = open_form("S3")

    quotes.request("VC-CYB")

    row = quotes.of("VC-CYB")
    assert (row.state, row.premium) == ("quoted", 3_432)
    assert [(change["path"], change["asked"], change["offered"]) for change in row.changes] == [
        ("mqs_cy_limit", "c1m", "c500")
    ]


def test_owl_hollow_answers_s4_by_hand(open_form: Open) -> None:
    quotes = open_form("S4")
    quotes.request("OH-GL")
    waiting = quotes.of("OH-GL").state

    subjectivity = {"code": "survey", "kind": "upload", "text": "Site survey", "due_days": 60}
    quotes.simulator.answer(
        "OH", token_of(quotes, "OH"), status="quoted", premium=28_928, subjectivities=[subjectivity]
    )

    row = quotes.wait_for("OH-GL", "quoted")
    assert waiting == "submitted"
    assert (row.premium, row.is_bindable) == (28_928, True)
    assert quotes.simulator.quotes("QM") + quotes.simulator.quotes("TT") == []


@pytest.mark.parametrize(
    "status", ["declined", pytest.param("blocked", marks=SLOW), pytest.param("referred", marks=SLOW)]
)
def test_owl_hollow_may_answer_otherwise(open_form: Open, status: str) -> None:
    quotes = open_form("S4")
    quotes.request("OH-GL")

    quotes.simulator.answer(
        "OH", token_of(quotes, "OH"), status=status, reasons=[{"code": "x", "text": "Too many roofs"}]
    )

    row = quotes.wait_for("OH-GL", status)
    assert [reason["text"] for reason in row.reasons] == ["Too many roofs"]


def test_lanternfield_answers_429_and_is_asked_again(open_form: Open) -> None:
    quotes = open_form("S1")
    busy = {"kind": "busy", "on": ["read", "find"], "retry_after": 1, "times": 1}
    quotes.simulator.behave("LF", faults=[busy])

    quotes.request("LF-BOP")
    row = quotes.wait_for("LF-BOP", "quoted")

    results = [call["result"] for call in quotes.simulator.received("LF") if call["operation"] in ("read", "find")]
    assert results == ["busy", "200"]
    assert row.premium == 2_565


def test_gristmill_times_out_after_it_accepted_and_is_asked_before_anything_is_sent_again(open_form: Open) -> None:
    quotes = open_form("S7")

    quotes.request("GF-AUTO")
    row = quotes.wait_for("GF-AUTO", "quoted")

    counts = quotes.simulator.counts("GF")
    assert row.premium == 2_280
    assert counts["submit"] == 1
    assert counts["find"] >= 1
    assert len(quotes.simulator.quotes("GF")) == 1


def test_tarn_and_tallow_calls_back_twice_and_is_imported_once(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("TT-WC")

    outcomes = quotes.take_callbacks(expected=2)

    assert outcomes == ["new", "known"]
    assert (quotes.of("TT-WC").state, quotes.of("TT-WC").premium) == ("quoted", 5_019)


def test_callbacks_out_of_order_leave_the_newest(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("TT", has_estimate=True, callbacks={"is_reversed": True})
    quotes.request("TT-WC")

    outcomes = quotes.take_callbacks(expected=3)

    row = quotes.of("TT-WC")
    assert outcomes == ["new", "new", "new"]
    assert (row.state, row.premium, row.sequence) == ("quoted", 5_019, 3)


@pytest.mark.parametrize("manner", [{"signature": "wrong"}, {"signature": "missing"}, {"age_seconds": 400}])
def test_a_callback_that_cannot_be_trusted_changes_nothing(open_form: Open, manner: dict) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("TT", callbacks=manner)
    quotes.request("TT-WC")

    outcomes = quotes.take_callbacks(expected=1)

    assert outcomes == ["wrong_signature"]
    assert quotes.of("TT-WC").state == "submitted"


def test_a_lost_callback_is_made_up_for_by_a_poll(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("TT", callbacks={"copies": 0})
    quotes.request("TT-WC")

    assert quotes.wait_for("TT-WC", "quoted").premium == 5_019


def test_a_requote_follows_the_carriers_new_reference(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("QM-BOP")
    first = quotes.of("QM-BOP").carrier_reference

    quotes.ask_again("QM-BOP")

    row = quotes.of("QM-BOP")
    assert row.state == "quoted"
    assert row.carrier_reference != first
    assert row.previous_references == [first]


def test_an_estimate_comes_first_and_the_firm_quote_later(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", has_estimate=True)

    quotes.request("QM-BOP")
    estimated = quotes.of("QM-BOP")
    firm = quotes.wait_for("QM-BOP", "quoted")

    assert (estimated.state, estimated.estimate) == ("estimated", 2_500)
    assert (firm.premium, firm.estimate) == (2_451, 2_500)
    assert firm.firm_at is not None


def test_a_quote_whose_validity_is_over_cannot_be_selected(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", valid_days=-2)
    quotes.request("QM-BOP")
    row = quotes.of("QM-BOP")

    with pytest.raises(WrongState):
        quotes.work(lambda context: service.select(context, row.id))

    assert row.valid_until is not None and row.valid_until < in_days(0)
    assert quotes.of("QM-BOP").state == "expired"


@pytest.mark.parametrize(("revived", "premium"), [("referred", None), ("quoted", 5_019)])
def test_a_declined_quote_is_revived(open_form: Open, revived: str, premium: int | None) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("TT", outcome="declined", revived_as=revived, callbacks={"copies": 1})
    quotes.request("TT-WC")

    outcomes = quotes.take_callbacks(expected=2)

    row = quotes.of("TT-WC")
    assert outcomes == ["new", "new"]
    assert (row.state, row.premium) == (revived, premium)


def test_another_agent_holds_the_account(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", outcome="blocked")

    quotes.request("QM-BOP")

    row = quotes.of("QM-BOP")
    assert (row.state, row.premium) == ("blocked", None)
    assert [reason["code"] for reason in row.reasons] == ["account_held"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "times": 1},
        {"kind": "reset", "stage": "after", "times": 1},
        {"kind": "malformed", "times": 1},
        pytest.param({"kind": "error", "status": 503, "retry_after": 1, "times": 2}, marks=SLOW),
        pytest.param({"kind": "reset", "times": 1}, marks=SLOW),
        pytest.param({"kind": "huge", "times": 1}, marks=SLOW),
        pytest.param({"kind": "hang", "times": 1}, marks=SLOW),
        pytest.param({"kind": "slow", "seconds": 0.3}, marks=SLOW),
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_a_fault_of_the_carrier_leaves_one_quote_there_and_here(open_form: Open, fault: dict) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", faults=[fault])

    quotes.request("QM-BOP")
    row = quotes.wait_for("QM-BOP", "quoted")

    (there,) = quotes.simulator.quotes("QM")
    assert (row.premium, row.carrier_reference) == (2_451, there["reference"])


def test_an_expired_token_is_renewed(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("QM-BOP")
    quotes.simulator.expire_tokens("QM")

    quotes.ask_again("QM-BOP")

    assert quotes.of("QM-BOP").state == "quoted"
    assert quotes.simulator.counts("QM")["tokens_issued"] == 2


def test_an_indication_cannot_be_selected(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("LF-BOP")
    row = quotes.wait_for("LF-BOP", "quoted")

    with pytest.raises(NotBindable):
        quotes.work(lambda context: service.select(context, row.id))

    assert row.is_bindable is False


def test_a_withdrawn_request_is_withdrawn_at_the_carrier(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("QM-BOP")

    quotes.work(lambda context: service.withdraw(context, quotes.of("QM-BOP").id))
    quotes.dispatch()

    assert quotes.of("QM-BOP").state == "withdrawn"
    assert [quote["status"] for quote in quotes.simulator.quotes("QM")] == ["withdrawn"]


def bind(quotes: SimulatedQuotes, product: str) -> None:
    """Consent to the quote of ``product`` and bind it."""
    people = {"scope": quotes.tenant, "actor": quotes.actor}
    consent(quotes.form_id, quotes.of(product).id, **people)
    request_bind(quotes.form_id, quotes.of(product).id, **people)
    quotes.dispatch()


def test_a_quote_is_bound_in_the_call(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.request("QM-BOP")

    bind(quotes, "QM-BOP")

    row = quotes.of("QM-BOP")
    (call,) = [call for call in quotes.simulator.received("QM") if call["operation"] == "bind"]
    assert row.state == "bound"
    assert row.policy_number.startswith("QM-BOP-")
    assert call["body"]["payment_plan"] == "monthly"
    assert call["body"]["answers"]["owners"][0]["date_of_birth"] == "1980-02-03"


@pytest.mark.parametrize(
    ("binding", "state"), [("pending", "bound"), ("pending_refused", "quoted"), ("refused", "quoted")]
)
def test_a_binding_may_take_its_time_or_be_refused(open_form: Open, binding: str, state: str) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", binding=binding)
    quotes.request("QM-BOP")

    bind(quotes, "QM-BOP")

    row = quotes.wait_for("QM-BOP", state)
    assert bool(row.policy_number) is (state == "bound")
    assert quotes.simulator.counts("QM")["bind"] == 1


def test_a_binding_whose_response_is_lost_is_looked_up(open_form: Open) -> None:
    quotes = open_form("S1")
    quotes.simulator.behave("QM", faults=[{"kind": "reset", "on": ["bind"], "stage": "after"}])
    quotes.request("QM-BOP")

    bind(quotes, "QM-BOP")

    assert quotes.wait_for("QM-BOP", "bound").policy_number
    assert quotes.simulator.counts("QM")["bind"] == 1


def token_of(quotes: SimulatedQuotes, carrier: str) -> str:
    """Return the request token of the only quote at ``carrier``."""
    (quote,) = quotes.simulator.quotes(carrier)
    return str(quote["request_token"])
