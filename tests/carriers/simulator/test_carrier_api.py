"""The carrier API of the simulator over HTTP: sign-in, quotes, withdrawal, binding, eligibility, refusals."""

from __future__ import annotations

import pytest

from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_calls import RESTAURANT, Caller


@pytest.fixture
def caller(carrier_simulator: CarrierSimulator) -> Caller:
    return Caller(carrier_simulator, "QM")


def test_a_token_is_issued_for_client_credentials_and_counted(caller: Caller) -> None:
    in_form = caller.call(
        "POST", "/oauth/token", b"grant_type=client_credentials&client_id=partner-engine&client_secret=demo-qm-secret"
    )

    assert in_form.status == 200
    assert in_form.json()["token_type"] == "Bearer"
    assert in_form.json()["expires_in"] == 3_600
    assert caller.simulator.counts("QM")["tokens_issued"] == 2


def test_a_wrong_secret_gets_no_token(caller: Caller) -> None:
    refused = caller.sign_in(client_secret="wrong")

    assert (refused.status, refused.json()) == (401, {"error": "invalid_client"})
    assert caller.simulator.counts("QM")["tokens_issued"] == 1


def test_another_grant_is_refused(caller: Caller) -> None:
    refused = caller.call("POST", "/oauth/token", b"grant_type=password")

    assert (refused.status, refused.json()) == (400, {"error": "unsupported_grant_type"})


@pytest.mark.parametrize("ended", ["expired", "forgotten", "another carrier's"])
def test_a_call_without_a_valid_token_is_refused(caller: Caller, ended: str) -> None:
    if ended == "expired":
        caller.simulator.behave("QM", token_seconds=1)
        caller.token = caller.sign_in().json()["access_token"]
        caller.simulator.wait_until(lambda: caller.submit("t-1", "QM-BOP").status == 401)
    elif ended == "forgotten":
        caller.simulator.expire_tokens("QM")
    else:
        caller.token = Caller(caller.simulator, "VC").token

    refused = caller.submit("t-2", "QM-BOP")

    assert (refused.status, refused.json()["code"]) == (401, "invalid_token")
    assert "t-2" not in {quote["request_token"] for quote in caller.simulator.quotes("QM")}


def test_a_synchronous_carrier_quotes_in_the_call(caller: Caller) -> None:
    reply = caller.submit("t-1", "QM-BOP")

    quote = reply.json()
    assert reply.status == 200
    assert quote["status"] == "quoted"
    assert quote["premium"] == {"amount": 2_451, "currency": "USD"}
    assert quote["is_bindable"] is True
    assert quote["request_token"] == "t-1"
    assert caller.read(quote["reference"]).json() == quote
    assert caller.find("t-1").json() == quote


def test_the_same_request_token_returns_the_same_quote(caller: Caller) -> None:
    first, second = caller.submit("t-1", "QM-BOP").json(), caller.submit("t-1", "QM-BOP").json()

    assert first == second
    assert len(caller.simulator.quotes("QM")) == 1


def test_a_request_token_is_refused_for_another_request(caller: Caller) -> None:
    caller.submit("t-1", "QM-BOP")

    refused = caller.submit("t-1", "QM-BOP", {**RESTAURANT, "tiv": 190_000})

    assert (refused.status, refused.json()["code"]) == (409, "token_reused")
    assert len(caller.simulator.quotes("QM")) == 1


@pytest.mark.parametrize(
    ("product", "changes", "code"),
    [
        ("QM-AUTO", {}, "unknown_product"),
        ("QM-BOP", {"annual_revenue": "a lot"}, "unusable_field"),
        ("QM-BOP", {"annual_revenue": True}, "unusable_field"),
        ("QM-BOP", {"annual_revenue": "NaN"}, "unusable_field"),
        ("QM-BOP", {"locations": "here"}, "unusable_field"),
    ],
)
def test_an_unusable_request_is_refused(caller: Caller, product: str, changes: dict, code: str) -> None:
    refused = caller.submit("t-1", product, {**RESTAURANT, **changes})

    assert (refused.status, refused.json()["code"]) == (422, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert caller.simulator.quotes("QM") == []


def test_an_invalid_body_is_refused_without_its_values(caller: Caller) -> None:
    refused = caller.post("/v1/quotes", {"request_token": "t" * 65, "product": "QM-BOP", "risk": {"secret": "canary"}})

    assert (refused.status, refused.json()["code"]) == (422, "invalid")
    assert "request_token" in refused.json()["detail"]
    assert b"canary" not in refused.body


@pytest.mark.parametrize(
    "path", ["/v1/quotes/none", "/v1/quotes?request_token=none", "/v1/quotes/none/binding?bind_token=none"]
)
def test_an_unknown_quote_is_not_found(caller: Caller, path: str) -> None:
    assert (caller.get(path).status, caller.get(path).json()["code"]) == (404, "unknown_quote")


def test_an_unknown_carrier_is_not_found(caller: Caller) -> None:
    caller.carrier = "XX"

    assert caller.find("t-1").json()["code"] == "unknown_carrier"


def test_a_decline_has_its_reasons(caller: Caller) -> None:
    quote = caller.submit("t-1", "QM-BOP", {**RESTAURANT, "liquor_pct": 35, "states": ["TX", "CA"]}).json()

    assert quote["status"] == "declined"
    assert quote["premium"] is None
    assert [reason["code"] for reason in quote["reasons"]] == ["state", "Q-105"]


def test_a_withdrawn_quote_cannot_be_bound(caller: Caller) -> None:
    reference = caller.submit("t-1", "QM-BOP").json()["reference"]

    withdrawn = caller.post(f"/v1/quotes/{reference}/withdraw").json()
    again = caller.post(f"/v1/quotes/{reference}/withdraw").json()

    assert withdrawn["status"] == "withdrawn"
    assert again == withdrawn
    assert caller.bind(reference, "b-1").json()["code"] == "not_bindable"


def test_a_quote_is_bound_once(caller: Caller) -> None:
    reference = caller.submit("t-1", "QM-BOP").json()["reference"]

    bound = caller.bind(reference, "b-1").json()
    again = caller.bind(reference, "b-1").json()
    other = caller.bind(reference, "b-2")

    assert bound["status"] == "bound"
    assert bound["policy_number"].startswith("QM-BOP-")
    assert again == bound
    assert (other.status, other.json()["code"]) == (409, "already_bound")
    assert caller.get(f"/v1/quotes/{reference}/binding?bind_token=b-1").json() == bound
    assert caller.post(f"/v1/quotes/{reference}/withdraw").json()["code"] == "already_bound"


@pytest.mark.parametrize(("binding", "final"), [("pending", "bound"), ("pending_refused", "refused")])
def test_a_binding_may_be_pending_first(caller: Caller, binding: str, final: str) -> None:
    caller.simulator.behave("QM", binding=binding)
    reference = caller.submit("t-1", "QM-BOP").json()["reference"]

    reply = caller.bind(reference, "b-1")

    assert (reply.status, reply.json()["status"], reply.json()["policy_number"]) == (202, "pending", None)
    path = f"/v1/quotes/{reference}/binding?bind_token=b-1"
    result = caller.simulator.wait_until(lambda: (now := caller.get(path).json())["status"] != "pending" and now)
    assert result["status"] == final


def test_a_binding_may_be_refused(caller: Caller) -> None:
    caller.simulator.behave("QM", binding="refused")
    reference = caller.submit("t-1", "QM-BOP").json()["reference"]

    reply = caller.bind(reference, "b-1")

    assert (reply.status, reply.json()["status"]) == (200, "refused")
    assert reply.json()["reasons"][0]["code"] == "underwriting"


def test_an_indication_cannot_be_bound(carrier_simulator: CarrierSimulator) -> None:
    caller = Caller(carrier_simulator, "LF")
    carrier_simulator.behave("LF", faults=[])
    reference = caller.submit("t-1", "LF-BOP").json()["reference"]
    quote = caller.wait_for("t-1", "quoted")

    assert quote["is_bindable"] is False
    assert caller.bind(reference, "b-1").json()["code"] == "not_bindable"


@pytest.mark.parametrize(
    ("product", "risk", "status"),
    [
        ("QM-BOP", RESTAURANT, "open"),
        ("QM-BOP", {**RESTAURANT, "liquor_pct": 35}, "decline"),
        ("QM-BOP", {"annual_revenue": 5}, "unknown"),
        ("XX", RESTAURANT, "unknown"),
        ("QM-BOP", {**RESTAURANT, "locations": [{"buildings": [{"roof_year": 1990}]}]}, "refer"),
    ],
)
def test_a_risk_is_checked_early(caller: Caller, product: str, risk: dict, status: str) -> None:
    reply = caller.post("/v1/eligibility", {"product": product, "risk": risk})

    assert (reply.status, reply.json()["status"]) == (200, status)
    assert caller.simulator.quotes("QM") == []


def test_an_adjusted_value_is_a_message_of_an_early_check(carrier_simulator: CarrierSimulator) -> None:
    caller = Caller(carrier_simulator, "VC")
    risk = {"naics": "541512", "states": ["CA"], "cyber_limit": "c1m", "mfa": False, "records": 5, "backups": True}

    reply = caller.post("/v1/eligibility", {"product": "VC-CYB", "risk": risk}).json()

    assert reply["status"] == "open"
    assert reply["messages"] == [{"kind": "info", "text": "Limit lowered to $500,000 without a second factor"}]
