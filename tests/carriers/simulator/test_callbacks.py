"""The callbacks of the simulated carriers, with each of their quirks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standardwebhooks import WebhookVerificationError

from tests.harness.callback_receiver import CallbackReceiver, callback_receiver
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_calls import Caller


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with callback_receiver() as running:
        yield running


@pytest.fixture
def caller(carrier_simulator: CarrierSimulator) -> Caller:
    return Caller(carrier_simulator, "TT")


def secret(caller: Caller) -> str:
    return caller.simulator.credentials("TT")["callback_secret"]


def submit(caller: Caller, receiver: CallbackReceiver, *, expected: int) -> list[dict]:
    """Request a quote; return the data of the first ``expected`` callbacks."""
    accepted = caller.submit("t-1", "TT-WC", callback_url=receiver.url)
    assert (accepted.status, accepted.json()["status"]) == (202, "received")
    caller.simulator.wait_until(lambda: len(receiver.received) >= expected)
    return [callback.data for callback in receiver.received]


def test_each_callback_is_signed_and_sent_twice(caller: Caller, receiver: CallbackReceiver) -> None:
    data = submit(caller, receiver, expected=2)

    assert data[0] == data[1] == caller.find("t-1").json()
    assert data[0]["premium"]["amount"] == 5_019
    assert len({callback.headers["webhook-id"] for callback in receiver.received}) == 1
    for callback in receiver.received:
        callback.verify(secret(caller))


def test_callbacks_may_come_out_of_order(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", has_estimate=True, callbacks={"is_reversed": True})

    data = submit(caller, receiver, expected=3)

    assert [(each["status"], each["sequence"]) for each in data] == [("quoted", 3), ("estimated", 2), ("received", 1)]


def test_an_older_callback_may_come_again(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"replays_older": True})

    data = submit(caller, receiver, expected=2)

    assert [each["sequence"] for each in data] == [2, 1]


def test_a_callback_may_be_signed_wrongly(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"signature": "wrong"})

    submit(caller, receiver, expected=1)

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        receiver.received[0].verify(secret(caller))


def test_a_callback_may_be_unsigned(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"signature": "missing"})

    submit(caller, receiver, expected=1)

    assert "webhook-signature" not in receiver.received[0].headers


def test_a_callback_may_be_too_old(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"age_seconds": 600})

    submit(caller, receiver, expected=1)

    with pytest.raises(WebhookVerificationError, match="too old"):
        receiver.received[0].verify(secret(caller))


def test_a_callback_may_be_lost(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"copies": 0})
    caller.submit("t-1", "TT-WC", callback_url=receiver.url)

    quote = caller.wait_for("t-1", "quoted")

    assert quote["premium"]["amount"] == 5_019
    assert receiver.received == []


def test_a_refused_callback_is_sent_again(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", callbacks={"copies": 1})
    receiver.refusals = 2

    submit(caller, receiver, expected=3)

    assert len({callback.headers["webhook-id"] for callback in receiver.received}) == 1
    caller.simulator.wait_until(lambda: len(caller.simulator.callbacks("TT")) == 3)
    assert [sent["result"] for sent in caller.simulator.callbacks("TT")] == ["503", "503", "204"]


def test_a_pending_binding_is_reported_by_callback(caller: Caller, receiver: CallbackReceiver) -> None:
    caller.simulator.behave("TT", binding="pending", callbacks={"copies": 1})
    reference = submit(caller, receiver, expected=1)[0]["reference"]

    pending = caller.bind(reference, "b-1").json()
    caller.simulator.wait_until(lambda: len(receiver.received) == 2)

    assert pending["status"] == "pending"
    assert b'"type":"binding.updated"' in receiver.received[1].body
    bound = receiver.received[1].data
    assert (bound["status"], bound["bind_token"]) == ("bound", "b-1")
    assert caller.get(f"/v1/quotes/{reference}/binding?bind_token=b-1").json() == bound


def test_without_an_address_nothing_is_sent(caller: Caller) -> None:
    caller.submit("t-1", "TT-WC")

    caller.wait_for("t-1", "quoted")

    assert caller.simulator.callbacks("TT") == []
