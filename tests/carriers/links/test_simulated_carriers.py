"""Every call of a client against the carrier simulator, a program of its own, and the quirks that clients meet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from carriers.demo_credentials import CLIENT_ID, demo_callback_secret, demo_client_secret
from carriers.links.breaker_rules import FAILURES
from carriers.links.client import CarrierClient, client_of
from carriers.links.errors import (
    CarrierBusy,
    CarrierError,
    CarrierRefused,
    CarrierUnreachable,
    CircuitOpen,
    OutcomeUnknown,
    UnreadableReply,
)
from carriers.links.link import LinkMode
from carriers.links.loop import run
from carriers.links.trial import make_test_call
from carriers.links.wire import BindingStatus, BindSubmission, Consent, QuoteStatus, QuoteSubmission
from tests.harness.carrier_links import NO_CONTEXT, link_to
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_calls import RESTAURANT

CONSENT = Consent(wording_hash="0" * 64, accepted_at=datetime(2026, 6, 1, tzinfo=UTC), accepted_by="Robin")


def client_to(simulator: CarrierSimulator, carrier: str = "QM", **fields: Any) -> CarrierClient:
    return client_of(
        link_to(
            simulator.address(carrier),
            carrier=carrier,
            client_id=CLIENT_ID,
            client_secret=demo_client_secret(carrier),
            callback_secrets=(demo_callback_secret(carrier),),
            **fields,
        )
    )


def submission(token: str = "t-1", product: str = "QM-BOP", **fields: Any) -> QuoteSubmission:
    return QuoteSubmission(request_token=token, product=product, risk=RESTAURANT, **fields)


def call(client: CarrierClient, name: str, *arguments: Any) -> Any:
    return run(getattr(client, name)(*arguments, context=NO_CONTEXT))


@pytest.mark.parametrize("carrier", ["QM", "TT", "OH", "LF", "VC", "GF"])
def test_the_credentials_of_the_demo_are_those_of_the_simulator(
    carrier: str, carrier_simulator: CarrierSimulator
) -> None:
    known = carrier_simulator.credentials(carrier)

    assert known == {
        "client_id": CLIENT_ID,
        "client_secret": demo_client_secret(carrier),
        "callback_secret": demo_callback_secret(carrier),
    }


def test_a_quote_from_the_request_to_the_policy(carrier_simulator: CarrierSimulator) -> None:
    client = client_to(carrier_simulator)

    quote = call(client, "submit", submission())
    again = call(client, "submit", submission())
    found = call(client, "find", "t-1")
    binding = call(
        client, "bind", quote.reference,
        BindSubmission(bind_token="b-1", payment_plan="annual", consent=CONSENT, answers={}, payment_token="tok"),
    )  # fmt: skip

    assert (quote.status, quote.is_bindable) == (QuoteStatus.QUOTED, True)
    assert quote.premium is not None and quote.premium.amount > 500
    assert again.reference == quote.reference == found.reference
    assert call(client, "find", "t-2") is None
    assert call(client, "refresh", "no-such") is None
    assert (binding.status, bool(binding.policy_number)) == (BindingStatus.BOUND, True)
    assert call(client, "find_binding", quote.reference, "b-1").policy_number == binding.policy_number
    assert call(client, "find_binding", quote.reference, "b-2") is None


def test_a_quote_is_withdrawn(carrier_simulator: CarrierSimulator) -> None:
    client = client_to(carrier_simulator)
    quote = call(client, "submit", submission())

    assert call(client, "withdraw", quote.reference).status is QuoteStatus.WITHDRAWN


def test_eligibility_has_status_and_reasons(carrier_simulator: CarrierSimulator) -> None:
    found = run(
        client_to(carrier_simulator).check_eligibility("QM-BOP", {**RESTAURANT, "max_sqft": 30_000}, context=NO_CONTEXT)
    )

    assert (found.status.value, [reason.code for reason in found.reasons]) == ("decline", ["Q-101"])


@pytest.mark.parametrize("mode", [LinkMode.POLL, LinkMode.MANUAL])
def test_a_carrier_that_accepts_is_polled(carrier_simulator: CarrierSimulator, mode: LinkMode) -> None:
    carrier_simulator.behave("QM", mode=mode.value)
    client = client_to(carrier_simulator, mode=mode)

    accepted = call(client, "submit", submission())
    if mode is LinkMode.MANUAL:
        carrier_simulator.answer("QM", "t-1", status="quoted", premium=1234)
    quote = carrier_simulator.wait_until(
        lambda: (state := call(client, "refresh", accepted.reference)).status is QuoteStatus.QUOTED and state
    )

    assert accepted.status is QuoteStatus.RECEIVED
    assert quote.sequence > accepted.sequence


def test_a_wrong_secret_and_an_unknown_product_are_refused(carrier_simulator: CarrierSimulator) -> None:
    wrong = client_of(link_to(carrier_simulator.address("QM"), client_id=CLIENT_ID, client_secret="wrong"))

    with pytest.raises(CarrierRefused, match="401"):
        call(wrong, "submit", submission())
    with pytest.raises(CarrierRefused) as refused:
        call(client_to(carrier_simulator), "submit", submission(product="QM-NONE"))
    assert refused.value.status in (404, 422) and refused.value.reason


def test_forgotten_tokens_are_replaced(carrier_simulator: CarrierSimulator) -> None:
    client = client_to(carrier_simulator)
    call(client, "find", "t-1")
    carrier_simulator.expire_tokens("QM")

    assert call(client, "submit", submission()).status is QuoteStatus.QUOTED
    assert carrier_simulator.counts("QM")["tokens_issued"] == 2


@pytest.mark.parametrize(
    ("fault", "error", "is_accepted"),
    [
        ({"kind": "hang", "stage": "after"}, OutcomeUnknown, True),
        ({"kind": "hang", "stage": "before"}, OutcomeUnknown, False),
        ({"kind": "reset", "stage": "after"}, OutcomeUnknown, True),
        ({"kind": "error", "status": 500, "stage": "after"}, OutcomeUnknown, True),
        ({"kind": "error", "status": 503, "retry_after": 7}, CarrierBusy, False),
        ({"kind": "busy", "retry_after": 9}, CarrierBusy, False),
        ({"kind": "malformed", "stage": "after"}, UnreadableReply, True),
        ({"kind": "huge", "stage": "after"}, UnreadableReply, True),
    ],
    ids=lambda value: str(value.get("kind")) if isinstance(value, dict) else "",
)
def test_each_fault_of_a_submission_leads_to_its_error_and_to_one_call(
    carrier_simulator: CarrierSimulator, fault: dict[str, Any], error: type[CarrierError], is_accepted: bool
) -> None:
    carrier_simulator.behave("QM", faults=[{**fault, "times": 1}])
    client = client_to(carrier_simulator, timeout_seconds=0.6)

    with pytest.raises(error) as caught:
        call(client, "submit", submission())

    assert carrier_simulator.counts("QM")["submit"] == 1
    assert len(carrier_simulator.quotes("QM")) == is_accepted
    if error is CarrierBusy:
        with pytest.raises(CarrierBusy) as paused:
            call(client, "find", "t-1")
        assert paused.value.retry_after <= caught.value.retry_after in (7.0, 9.0)  # type: ignore[attr-defined]
    else:
        assert (call(client, "find", "t-1") is not None) is is_accepted


def test_reads_are_repeated(carrier_simulator: CarrierSimulator) -> None:
    carrier_simulator.behave("QM", faults=[{"kind": "error", "on": ["read"], "times": 2, "bad": 2}])
    client = client_to(carrier_simulator)
    quote = call(client, "submit", submission())

    assert call(client, "refresh", quote.reference).reference == quote.reference


def test_a_dead_carrier_gets_five_calls(carrier_simulator: CarrierSimulator) -> None:
    carrier_simulator.behave("QM", faults=[{"kind": "error", "on": ["token", "submit", "find", "read"], "bad": 1_000}])
    client = client_to(carrier_simulator)

    carrier_simulator.wait_until(lambda: is_open(client))

    counted = carrier_simulator.counts("QM")
    assert sum(counted.get(name, 0) for name in ("token", "submit", "find", "read")) == FAILURES


def is_open(client: CarrierClient) -> bool:
    """Submit once; return whether the circuit is open."""
    with pytest.raises((CarrierUnreachable, CircuitOpen)) as caught:
        call(client, "submit", submission())
    return isinstance(caught.value, CircuitOpen)


def test_a_callback_is_signed_with_a_secret_of_the_link(carrier_simulator: CarrierSimulator) -> None:
    link = client_to(carrier_simulator, "TT").link
    now = datetime.now(UTC)

    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(carrier_simulator.credentials("TT")["callback_secret"]).sign("m-1", now, "{}"),
    }
    assert Webhook(link.callback_secrets[0]).verify("{}", headers) == {}


def test_the_test_call_succeeds_and_states_a_wrong_secret(carrier_simulator: CarrierSimulator) -> None:
    link = client_to(carrier_simulator).link

    good = run(make_test_call(link, context=NO_CONTEXT))
    bad = run(make_test_call(link_to(link.base_url, client_id=CLIENT_ID), context=NO_CONTEXT))

    assert [step.is_good for step in good] == [True, True]
    assert [step.text for step in bad] == [
        "The carrier refused the request (401). The carrier refuses the client ID or the client secret."
    ]


def test_the_wire_shapes_accept_what_the_simulator_lists(carrier_simulator: CarrierSimulator) -> None:
    client = client_to(carrier_simulator)
    quote = call(client, "submit", submission())

    assert msgspec.json.decode(msgspec.json.encode(quote), type=type(quote)) == quote
