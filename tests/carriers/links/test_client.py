"""Clients of carriers against a real server: what is sent, what each response means, and what is repeated."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from carriers.links.breaker_rules import FAILURES
from carriers.links.client import CallbackClient, client_of
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
from carriers.links.wire import BindSubmission, Consent, QuoteStatus, QuoteSubmission
from tests.harness.carrier_links import CLIENT_SECRET, NO_CONTEXT, MemoryLog, link_to
from tests.harness.counting_carrier import QUOTE, CountingCarrier, Reply, Seen
from tests.harness.tiers import within

SUBMISSION = QuoteSubmission(
    request_token="t-1", product="qm_bop", risk={"zip": "10001"}, callback_url="https://us.example/c", replaces="Q-0"
)
CONSENT = Consent(wording_hash="0" * 64, accepted_at=datetime(2026, 1, 5, tzinfo=UTC), accepted_by="Pat")
BINDING = {"reference": "Q-1", "bind_token": "b-1", "status": "bound", "updated_at": "2026-01-05T10:00:00Z"}
CLOSED_PORT = "http://127.0.0.1:9"


def submit(carrier_or_url: CountingCarrier | str, **fields: Any) -> Any:
    url = carrier_or_url if isinstance(carrier_or_url, str) else carrier_or_url.url
    return run(client_of(link_to(url, **fields)).submit(SUBMISSION, context=NO_CONTEXT))


def replies(*wanted: Reply | None) -> Any:
    """Return a function that gives these replies to requests other than for tokens, then the carrier's own."""
    left = list(wanted)
    return lambda request: None if request.path == "/oauth/token" or not left else left.pop(0)


def test_a_quote_is_requested_with_token_idempotency_key_and_correlation_id(carrier: CountingCarrier) -> None:
    context = type(NO_CONTEXT)(tenant_id=NO_CONTEXT.tenant_id, correlation_id="corr-1")

    quote = run(client_of(link_to(carrier.url)).submit(SUBMISSION, context=context))

    token, request = carrier.seen
    assert (token.method, token.path, token.body) == ("POST", "/oauth/token", b"grant_type=client_credentials")
    assert token.headers["authorization"].startswith("Basic ")
    assert (request.method, request.path) == ("POST", "/v1/quotes")
    assert request.headers["authorization"] == "Bearer access-1"
    assert request.headers["idempotency-key"] == "t-1"
    assert request.headers["x-correlation-id"] == "corr-1"
    assert json.loads(request.body) == {
        "request_token": "t-1", "product": "qm_bop", "risk": {"zip": "10001"}, "callback_url": None, "replaces": "Q-0",
    }  # fmt: skip
    assert (quote.status, quote.premium.amount, quote.sequence) == (QuoteStatus.QUOTED, 1250, 3)


def test_only_the_callback_mode_sends_its_address(carrier: CountingCarrier) -> None:
    client = client_of(link_to(carrier.url, mode=LinkMode.CALLBACK))

    run(client.submit(SUBMISSION, context=NO_CONTEXT))

    assert isinstance(client, CallbackClient)
    assert json.loads(carrier.seen[-1].body)["callback_url"] == "https://us.example/c"


def test_the_other_calls_have_their_paths(carrier: CountingCarrier) -> None:
    client = client_of(link_to(carrier.url))
    run(client.find("t 1&x=2", context=NO_CONTEXT))
    run(client.refresh("../Q/1", context=NO_CONTEXT))
    run(client.withdraw("Q-1", context=NO_CONTEXT))
    carrier.behave(f"body {json.dumps(BINDING)}")
    run(
        client.bind(
            "Q-1",
            BindSubmission(bind_token="b-1", payment_plan="full", consent=CONSENT, answers={}),
            context=NO_CONTEXT,
        )
    )
    run(client.find_binding("Q-1", "b-1", context=NO_CONTEXT))
    carrier.behave('body {"status": "refer", "messages": [{"kind": "info", "text": "Ask us."}]}')
    eligibility = run(client.check_eligibility("qm_bop", {"zip": "1"}, context=NO_CONTEXT))

    assert [f"{request.method} {request.path}" for request in carrier.seen[1:]] == [
        "GET /v1/quotes?request_token=t%201%26x%3D2",
        "GET /v1/quotes/%2E%2E%2FQ%2F1",
        "POST /v1/quotes/Q-1/withdraw",
        "POST /v1/quotes/Q-1/bind",
        "GET /v1/quotes/Q-1/binding?bind_token=b-1",
        "POST /v1/eligibility",
    ]
    assert (eligibility.status.value, eligibility.messages[0].text) == ("refer", "Ask us.")
    assert carrier.tokens == 1


def test_an_unknown_quote_is_none(carrier: CountingCarrier) -> None:
    carrier.answer = replies((404, {}, b"{}"), (404, {}, b"{}"))
    client = client_of(link_to(carrier.url))

    assert run(client.find("t-1", context=NO_CONTEXT)) is None
    assert run(client.refresh("Q-1", context=NO_CONTEXT)) is None


PROBLEM = json.dumps({"title": "Unprocessable", "detail": "ZIP is unknown.", "code": "zip"}).encode()


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        ((422, {}, PROBLEM), CarrierRefused, "(422)"),
        ((404, {}, b"{}"), CarrierRefused, "(404)"),
        ((500, {}, b"{}"), OutcomeUnknown, "status 500"),
        ((504, {}, b"{}"), OutcomeUnknown, "status 504"),
        ((200, {}, b"<html>"), UnreadableReply, "not as agreed"),
        ((200, {}, b'{"reference": "Q-1"}'), UnreadableReply, "not as agreed"),
        ((200, {}, json.dumps({**QUOTE, "premium": {"amount": -1}}).encode()), UnreadableReply, "not as agreed"),
        ((200, {"Content-Encoding": "gzip"}, b"x"), UnreadableReply, "compressed"),
        ((200, {}, b" " * (1024 * 1024 + 1)), UnreadableReply, "too large"),
        ((302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""), UnreadableReply, "redirect"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else str(value),
)
def test_every_other_response_has_its_error_and_is_not_repeated(
    carrier: CountingCarrier, reply: Reply, error: type[CarrierError], text: str
) -> None:
    carrier.answer = lambda request: None if "oauth" in request.path else reply

    with pytest.raises(error) as caught:
        submit(carrier)

    assert text in str(caught.value)
    assert carrier.count("/v1/quotes") == 1


def test_a_refusal_has_the_carriers_code_and_sentence(carrier: CountingCarrier) -> None:
    carrier.answer = replies((422, {}, PROBLEM))

    with pytest.raises(CarrierRefused) as caught:
        submit(carrier)

    assert (caught.value.reason, caught.value.text) == ("zip", "ZIP is unknown.")


def test_what_was_certainly_not_accepted_is_sent_again(carrier: CountingCarrier) -> None:
    with pytest.raises(CarrierUnreachable, match="no connection"):
        submit(CLOSED_PORT)

    # A token and a read are safe: two bad responses, then a good one.
    failures = [(500, {}, b"{}")] * 2
    carrier.answer = lambda request: failures.pop() if failures else None
    assert run(client_of(link_to(carrier.url)).refresh("Q-1", context=NO_CONTEXT)) is not None
    assert len(carrier.seen) == 4


@pytest.mark.parametrize("behavior", ["hang", "cut"])
def test_a_quote_without_a_response_has_an_unknown_outcome_and_a_read_has_none(
    carrier: CountingCarrier, behavior: str
) -> None:
    link = link_to(carrier.url, timeout_seconds=0.5)
    client = client_of(link)
    run(client.refresh("Q-1", context=NO_CONTEXT))
    carrier.behave(behavior)

    with pytest.raises(OutcomeUnknown, match="timeout|broken connection"):
        run(client.submit(SUBMISSION, context=NO_CONTEXT))
    assert carrier.count("/v1/quotes") == 2

    with pytest.raises(CarrierUnreachable):
        run(client.refresh("Q-1", context=NO_CONTEXT))


def test_a_trickling_response_ends_with_the_time_limit(carrier: CountingCarrier) -> None:
    link = link_to(carrier.url, timeout_seconds=0.5)
    run(client_of(link).refresh("Q-1", context=NO_CONTEXT))
    carrier.delay = 300

    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))

    assert time.monotonic() - started < within(4)


@pytest.mark.parametrize("is_date", [False, True])
def test_retry_after_pauses_the_whole_fleet(carrier: CountingCarrier, is_date: bool) -> None:
    link = link_to(carrier.url)
    moment = format_datetime(datetime.fromtimestamp(time.time() + 20, UTC), usegmt=True)
    carrier.answer = replies((429, {"Retry-After": moment if is_date else "20"}, b"{}"))

    with pytest.raises(CarrierBusy) as first:
        run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))
    with pytest.raises(CarrierBusy) as second:
        run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))

    assert 18 < second.value.retry_after <= first.value.retry_after + 0.1 <= 20.2
    assert carrier.count("/v1/quotes") == 1


def test_a_refused_token_is_replaced_once(carrier: CountingCarrier) -> None:
    link = link_to(carrier.url)
    run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))

    carrier.answer = replies((401, {}, b"{}"))
    run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))
    assert carrier.tokens == 2
    assert [request.headers["authorization"] for request in carrier.seen[-3:]][::2] == [
        "Bearer access-1",
        "Bearer access-2",
    ]

    carrier.answer = lambda request: None if "oauth" in request.path else (401, {}, b"{}")
    with pytest.raises(CarrierRefused, match="401"):
        run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))
    assert carrier.tokens == 3
    assert carrier.count("/v1/quotes") == 5


def test_wrong_credentials_are_refused_for_all_waiting_calls(carrier: CountingCarrier) -> None:
    carrier.answer = lambda request: (401, {}, b'{"error": "invalid_client"}')
    link = link_to(carrier.url)

    for _ in range(3):
        with pytest.raises(CarrierRefused, match="401"):
            run(client_of(link).submit(SUBMISSION, context=NO_CONTEXT))

    assert [request.path for request in carrier.seen] == ["/oauth/token"]


def test_no_cookie_is_kept(carrier: CountingCarrier) -> None:
    seen: list[Seen] = []

    def answer(request: Seen) -> Reply | None:
        seen.append(request)
        return (200, {"Set-Cookie": "session=1"}, json.dumps(QUOTE).encode()) if "v1" in request.path else None

    carrier.answer = answer
    submit(carrier)
    submit(carrier)

    assert all("cookie" not in request.headers for request in seen)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://10.1.2.3", "private"),
        ("https://169.254.169.254", "link local"),
        ("http://93.184.216.34", "without TLS"),
        ("https://user:password@93.184.216.34", "credentials"),
        ("ftp://127.0.0.1", "scheme"),
    ],
)
def test_other_addresses_are_refused_before_a_connection(url: str, kind: str) -> None:
    # Waiting for a connection would be another error, after the time limit.
    with pytest.raises(CarrierUnreachable, match="refused address"):
        submit(url)


def test_slow_calls_open_the_circuit_like_failures(carrier: CountingCarrier) -> None:
    link = link_to(carrier.url, slow_seconds=0.02)
    carrier.behave("ok", delay=0.05)

    with pytest.raises(CircuitOpen) as caught:
        for _ in range(10):
            run(client_of(link).refresh("Q-1", context=NO_CONTEXT))

    assert len(carrier.seen) == FAILURES
    assert 0 < caught.value.retry_after <= 30


def test_no_token_secret_value_or_text_of_the_carrier_is_logged(
    carrier: CountingCarrier, carrier_traffic: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-ssn-078-05-1120"
    quote = {
        **QUOTE,
        "reasons": [{"code": "r1", "text": canary}],
        "changes": [{"field": "limit", "asked": canary, "offered": canary, "reason": canary}],
        "subjectivities": [{"code": "s1", "kind": "sign", "text": canary}],
    }
    problem = json.dumps({"detail": canary, "title": canary, "code": f"{canary} x"}).encode()
    carrier.answer = replies((200, {}, json.dumps(quote).encode()), (422, {}, problem))
    context = type(NO_CONTEXT)(tenant_id=NO_CONTEXT.tenant_id, logged_body={"risk": {"ssn": "***"}})
    submission = QuoteSubmission(request_token="t-1", product="p", risk={"ssn": canary})
    client = client_of(link_to(carrier.url))
    caplog.set_level("DEBUG")

    run(client.submit(submission, context=context))
    with pytest.raises(CarrierRefused) as refused:
        run(client.submit(submission, context=context))
    carrier.behave("cut")
    with pytest.raises(OutcomeUnknown) as unknown:
        run(client.submit(submission, context=context))

    records = carrier_traffic.records
    assert [(each.operation, each.status, each.error) for each in records] == [
        ("token", 200, ""), ("submit", 200, ""), ("submit", 422, "refused"), ("submit", None, "unknown"),
    ]  # fmt: skip
    assert records[1].reply is not None
    assert (records[1].reply["reasons"], records[1].reply["changes"]) == (["r1"], ["limit"])
    shown = repr(records) + str([each.reply for each in records]) + caplog.text
    shown += str(refused.value) + str(unknown.value) + repr(client.link)
    assert "***" in str(records[1].context.logged_body)
    assert records[0].context.logged_body is None
    for secret in (canary, CLIENT_SECRET, "access-1", "whsec_"):
        assert secret not in shown
