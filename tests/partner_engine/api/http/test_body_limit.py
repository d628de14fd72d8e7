"""Responses that are sent before Django's middleware runs: their correlation id in header, body and log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httptools
import pytest
from structlog.testing import capture_logs

from partner_engine.api.http.body_limit import MAX_ADDRESS_BYTES, MAX_API_BYTES, MAX_REQUEST_BYTES, BodyLimit
from partner_engine.request_metrics import responses
from partner_engine.request_places import NoPlaceFree

OWN = "0193-sent-by-the-caller"


async def reads_all(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Read the body, then respond as Django does to a request that it cannot build."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 400, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def finds_no_place(scope: Any, receive: Any, send: Any) -> None:
    """Be too busy for a request."""
    raise NoPlaceFree


def ask(
    path: str, chunk: int, *headers: tuple[bytes, bytes], query: bytes = b"", application: Any = reads_all
) -> tuple[int, dict[str, str], bytes, list[Any]]:
    """Send one chunk of a body; return status, headers and content of the response, and the lines of the log."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b" " * chunk, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": list(headers)}
    with capture_logs() as logs:
        asyncio.run(BodyLimit(application)(scope, receive, send))
    start, body = sent
    return start["status"], {key.decode(): value.decode() for key, value in start["headers"]}, body["body"], logs


@pytest.mark.parametrize("own", ["", OWN, "x" * 65, "a b"])
@pytest.mark.parametrize(
    ("path", "chunk", "stated"),
    [
        ("/api/v1/application_forms", MAX_API_BYTES + 1, False),
        ("/api/v1/application_forms", 0, True),
        ("/o/token/", MAX_API_BYTES + 1, False),
        ("/forms/new", MAX_REQUEST_BYTES + 1, False),
        ("/admin/", 0, True),
    ],
)
def test_a_body_that_is_too_large_has_one_id_everywhere(path: str, chunk: int, stated: bool, own: str) -> None:
    given = [(b"X-Correlation-ID", own.encode())] if own else []
    length = [(b"content-length", str(MAX_REQUEST_BYTES + 1).encode())] if stated else []

    status, headers, content, logs = ask(path, chunk, *given, *length)

    correlation_id = headers["x-correlation-id"]
    assert status == 413
    assert (correlation_id == own) == (own == OWN)
    assert json.loads(content)["correlation_id"] == correlation_id
    [line] = logs
    assert (line["event"], line["path"], line["status"]) == ("request", path, 413)
    assert line["correlation_id"] == correlation_id


def test_a_request_that_django_cannot_build_gets_an_id_too() -> None:
    status, headers, _, logs = ask("/password/set/a-secret", 0, (b"x-correlation-id", OWN.encode()))

    assert (status, headers["x-correlation-id"]) == (400, OWN)
    [line] = logs
    assert (line["path"], line["status"], line["correlation_id"]) == ("/password/set/...", 400, OWN)


@pytest.mark.parametrize(
    ("path", "accepted", "is_page"),
    [
        ("/settings/agency", b"text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("/settings/agency", b"*/*", False),
        ("/api/v1/application_forms", b"text/html", False),
    ],
)
def test_a_browser_gets_a_page_with_the_remedy(path: str, accepted: bytes, is_page: bool) -> None:
    length = (b"content-length", str(MAX_REQUEST_BYTES + 1).encode())

    status, headers, content, _ = ask(path, 0, length, (b"accept", accepted))

    assert status == 413
    assert headers["content-type"].startswith("text/html") == is_page
    assert (b"Go back and send a smaller one" in content) == is_page
    assert headers["x-correlation-id"].encode() in content


@pytest.mark.parametrize(
    ("path", "accepted", "is_page"),
    [("/", b"text/html", True), ("/", b"*/*", False), ("/api/v1/batch_operations/imports", b"text/html", False)],
)
def test_an_address_that_is_too_long_is_refused_with_the_remedy(path: str, accepted: bytes, is_page: bool) -> None:
    most = b"mapping=" + b"x" * (MAX_ADDRESS_BYTES - len(path) - len("mapping="))

    taken = ask(path, 0, query=most)[0]
    status, headers, content, [line] = ask(path, 0, (b"accept", accepted), query=most + b"x")

    assert (taken, status, line["status"], line["path"]) == (400, 414, 414, path)
    assert headers["content-type"].startswith("text/html") == is_page
    assert (b"Go back and choose fewer filters" in content) == is_page
    assert (b"as parts of a form" in content) != is_page
    assert headers["x-correlation-id"].encode() in content
    assert is_page or json.loads(content)["title"] == "URI Too Long"


def test_the_web_server_reads_every_address_that_the_product_refuses() -> None:
    path = b"/api/v1/batch_operations/imports"
    assert MAX_ADDRESS_BYTES < 65_535

    assert httptools.parse_url(path + b"?" + b"x" * (65_535 - len(path) - 1)).path == path
    with pytest.raises(httptools.HttpParserInvalidURLError):
        httptools.parse_url(path + b"?" + b"x" * (65_536 - len(path) - 1))


@pytest.mark.parametrize("path", ["/api/v1/application_forms", "/forms/new"])
def test_a_request_without_a_place_is_to_come_again(path: str) -> None:
    status, headers, content, [line] = ask(path, 0, application=finds_no_place)

    assert (status, headers["retry-after"], headers["cache-control"]) == (503, "2", "no-store")
    assert json.loads(content)["type"].endswith("unavailable")
    assert (line["status"], line["correlation_id"]) == (503, headers["x-correlation-id"])


@pytest.mark.parametrize(
    ("path", "status", "face", "sent"),
    [
        ("/api/v1/application_forms", 413, "api", {"chunk": MAX_API_BYTES + 1}),
        ("/forms/new", 414, "pages", {"query": b"x" * (MAX_ADDRESS_BYTES + 1)}),
        ("/api/v1/me", 503, "api", {"application": finds_no_place}),
        ("/guest/x", 400, "guests", {}),
    ],
)
def test_early_responses_are_counted(path: str, status: int, face: str, sent: dict[str, Any]) -> None:
    counter = responses.labels(str(status), face)
    before = counter._value.get()

    assert ask(path, **{"chunk": 0, **sent})[0] == status

    assert counter._value.get() == before + 1
