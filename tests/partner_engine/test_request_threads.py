"""Each request stays in one thread, from the first middleware to the view, and threads are used again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.urls import path
from pytest_django import Settings

from partner_engine import request_threads
from partner_engine.correlation import WAITED
from partner_engine.health import live
from partner_engine.request_metrics import place_waits
from partner_engine.request_places import NoPlaceFree, Places
from partner_engine.request_threads import LARGE, MOST_IDLE, RequestHandler
from tests.harness.tiers import PATIENCE, until
from tests.partner_engine.test_isolation import get

#: Opens when all requests that are expected at once have arrived.
_all_here = threading.Barrier(1)


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def respond(request: HttpRequest) -> HttpResponse:
        request.began_in = threading.get_ident()  # type: ignore[attr-defined]
        return get_response(request)

    return respond


def where(request: HttpRequest) -> HttpResponse:
    """Respond with the thread of the middleware and that of the view."""
    _all_here.wait(60)
    return HttpResponse(f"{request.began_in} {threading.get_ident()}")  # type: ignore[attr-defined]


#: Of ``stay``: the thread that runs it once it has begun, and what ends it.
_staying: list[int] = []
_may_end = threading.Event()


def stay(request: HttpRequest) -> HttpResponse:
    """Respond when the test lets it."""
    _staying.append(threading.get_ident())
    _may_end.wait(2 * PATIENCE)
    return HttpResponse()


def echo(request: HttpRequest) -> HttpResponse:
    """Respond with the body, a header and a cookie."""
    response = HttpResponse(request.body, headers={"X-Length": str(len(request.body))})
    response["X-Waited"] = str(request.scope.get(WAITED, 0))  # type: ignore[attr-defined]
    response.set_cookie("seen", "yes")
    return response


#: Of ``stream``: what has happened to it.
_streamed: list[str] = []


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Send parts: two, or without end, or one before it fails."""

    async def parts() -> AsyncIterator[bytes]:
        try:
            yield b"one "
            while request.GET.get("is") == "endless":
                await asyncio.sleep(0)
                yield b"more "
            if request.GET.get("is") == "broken":
                raise RuntimeError("broken")
            yield b"two"
        finally:
            _streamed.append("ended")

    response = StreamingHttpResponse(parts())
    response._resource_closers.append(lambda: _streamed.append("closed"))  # type: ignore[attr-defined]
    return response


urlpatterns = [path("where", where), path("stay", stay), path("echo", echo), path("stream", stream)]


@pytest.fixture
def handler(settings: Settings) -> RequestHandler:
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, [f"{__name__}.middleware"]
    return RequestHandler()


def ask(handler: RequestHandler, *, at_once: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Send requests that wait for each other; return the threads of middleware and view of each."""
    monkeypatch.setitem(globals(), "_all_here", threading.Barrier(at_once))

    async def all_at_once() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(get(handler, "/where", "") for _ in range(at_once)))

    bodies = [body.decode() for status, body in asyncio.run(all_at_once()) if status == 200]
    return [(began, ended) for began, ended in (body.split() for body in bodies)]


def test_a_request_stays_in_one_thread_that_the_next_one_uses_again(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = [ask(handler, at_once=1, monkeypatch=monkeypatch) for _ in range(3)]

    ((began, ended),) = threads[0]
    assert began == ended != str(threading.get_ident())
    assert threads == [threads[0]] * 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cancelled_request_keeps_no_other_waiting_and_no_connection(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []
    monkeypatch.setattr(request_threads.connections, "close_all", lambda: closed.append(threading.get_ident()))
    body = asyncio.Queue[dict[str, Any]]()
    body.put_nowait({"type": "http.request", "body": b""})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/stay",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }

    async def send(message: dict[str, Any]) -> None:
        """Nobody reads the response."""

    async def cancel_and_ask() -> int:
        request = asyncio.create_task(handler(scope, body.get, send))
        await asyncio.to_thread(until, lambda: _staying)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request
        try:
            return (await asyncio.wait_for(get(handler, "/where", ""), PATIENCE))[0]
        finally:
            _may_end.set()

    assert asyncio.run(cancel_and_ask()) == 200
    until(lambda: closed)
    assert closed == _staying


def test_as_many_threads_as_requests_and_no_more_than_some_stay(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = MOST_IDLE + 4

    threads = ask(handler, at_once=at_once, monkeypatch=monkeypatch)

    assert len(set(threads)) == at_once
    assert len(handler._idle) == MOST_IDLE


class Connection:
    """A client's connection: ``sent`` are the messages that came to it; it ends when ``ends`` is set."""

    def __init__(self, *bodies: bytes) -> None:
        last = len(bodies) - 1
        self._bodies = [
            {"type": "http.request", "body": body, "more_body": number < last} for number, body in enumerate(bodies)
        ]
        self.ends = asyncio.Event()
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self._bodies:
            return self._bodies.pop(0)
        await self.ends.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def content(self) -> bytes:
        return b"".join(message["body"] for message in self.sent if "body" in message)


def scope_of(path: str, *, query: bytes = b"", method: str = "POST") -> dict[str, Any]:
    headers = [(b"host", b"localhost")]
    return {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}


@contextmanager
def signals_of_requests() -> Iterator[list[tuple[str, int]]]:
    """Yield what the signals of requests report, with the thread that they are sent in."""
    seen: list[tuple[str, int]] = []

    def began(**_: Any) -> None:
        seen.append(("began", threading.get_ident()))

    def ended(**_: Any) -> None:
        seen.append(("ended", threading.get_ident()))

    request_started.connect(began)
    request_finished.connect(ended)
    try:
        yield seen
    finally:
        request_started.disconnect(began)
        request_finished.disconnect(ended)


def serve(handler: RequestHandler, path: str, *bodies: bytes, query: bytes = b"", method: str = "POST") -> Connection:
    async def once() -> Connection:
        client = Connection(*bodies)
        scope = scope_of(path, query=query, method=method)
        await asyncio.wait_for(handler(scope, client.receive, client.send), PATIENCE)
        return client

    return asyncio.run(once())


def test_a_response_is_one_message_with_its_headers_and_one_with_its_body(handler: RequestHandler) -> None:
    body = b"a" * 100_000

    with signals_of_requests() as seen:
        client = serve(handler, "/echo", body[:70_000], body[70_000:])

    begun, content = client.sent
    headers = dict(begun["headers"])
    assert (begun["type"], begun["status"]) == ("http.response.start", 200)
    assert (headers[b"X-Length"], headers[b"Set-Cookie"]) == (b"100000", b"seen=yes; Path=/")
    assert content == {"type": "http.response.body", "body": body}
    assert [what for what, _ in seen] == ["began", "ended"]
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


def test_a_large_response_is_sent_in_parts(handler: RequestHandler) -> None:
    body = b"a" * (LARGE + 1)

    _, *parts = serve(handler, "/echo", body).sent

    assert b"".join(part["body"] for part in parts) == body
    assert max(len(part["body"]) for part in parts) <= handler.chunk_size
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]


def test_a_client_who_leaves_before_the_body_is_complete_is_not_served(handler: RequestHandler) -> None:
    async def leave() -> list[dict[str, Any]]:
        client = Connection()
        client.ends.set()
        await handler(scope_of("/echo"), client.receive, client.send)
        return client.sent

    with signals_of_requests() as seen:
        assert asyncio.run(leave()) == []

    assert seen == []


def test_an_unreadable_address_is_refused(handler: RequestHandler) -> None:
    with signals_of_requests() as seen:
        client = serve(handler, "/echo", b"", query=b"\xff")

    assert client.sent[0]["status"] == 400
    assert [what for what, _ in seen] == ["began", "ended"]


def test_a_stream_is_sent_in_parts_and_closed(handler: RequestHandler) -> None:
    _streamed.clear()
    with signals_of_requests() as seen:
        client = serve(handler, "/stream", b"")

    assert [message.get("body") for message in client.sent] == [None, b"one ", b"two", None]
    assert _streamed == ["ended", "closed"]
    assert [what for what, _ in seen] == ["began", "ended"]
    assert len({thread for _, thread in seen}) == 1
    assert len(handler._idle) == 1


def test_a_stream_ends_when_its_client_leaves(handler: RequestHandler) -> None:
    _streamed.clear()

    async def leave() -> Connection:
        client = Connection(b"")
        scope = scope_of("/stream", query=b"is=endless")
        request = asyncio.create_task(handler(scope, client.receive, client.send))
        while b"more" not in client.content:
            await asyncio.sleep(0)
        client.ends.set()
        await asyncio.wait_for(request, PATIENCE)
        return client

    client = asyncio.run(leave())

    assert _streamed == ["ended", "closed"]
    assert "body" in client.sent[-1]
    assert len(handler._idle) == 1


def test_a_broken_stream_is_closed_and_reported(handler: RequestHandler) -> None:
    _streamed.clear()

    with pytest.raises(RuntimeError, match="broken"):
        serve(handler, "/stream", b"", query=b"is=broken")

    assert _streamed == ["ended", "closed"]
    assert handler._idle == []


def test_a_request_that_cannot_be_closed_has_its_response(
    handler: RequestHandler, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError

    request_finished.connect(refuse)
    try:
        client = serve(handler, "/echo", b"text")
    finally:
        request_finished.disconnect(refuse)

    assert client.content == b"text"
    assert "request_not_closed" in caplog.text


def test_other_protocols_are_refused(handler: RequestHandler) -> None:
    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(handler({"type": "websocket"}, None, None))


def test_a_request_without_a_place_is_refused_and_probes_are_served(
    handler: RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_threads, "PROBES", ("/echo",))
    handler._places = Places(at_once=0, patience=0.01)

    with pytest.raises(NoPlaceFree), signals_of_requests() as seen:
        serve(handler, "/where", b"")

    assert seen == []
    assert serve(handler, "/echo", b"text").content == b"text"


def test_a_stream_keeps_no_place(handler: RequestHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    handler._places = Places(at_once=1, patience=PATIENCE)
    monkeypatch.setitem(globals(), "_all_here", threading.Barrier(1))

    async def stream_and_ask() -> int:
        client = Connection(b"")
        request = asyncio.create_task(handler(scope_of("/stream", query=b"is=endless"), client.receive, client.send))
        while b"more" not in client.content:
            await asyncio.sleep(0)
        try:
            return (await asyncio.wait_for(get(handler, "/where", ""), PATIENCE / 2))[0]
        finally:
            client.ends.set()
            await request

    assert asyncio.run(stream_and_ask()) == 200


def waits(outcome: str) -> tuple[float, float]:
    """Return the number of waits for places that ended so, and their seconds."""
    metric = place_waits.labels(outcome)
    values = {sample.name: sample.value for sample in metric._child_samples() if sample.name in ("_count", "_sum")}
    return values["_count"], values["_sum"]


def test_a_wait_for_a_place_is_measured_and_none_is_not(handler: RequestHandler) -> None:
    handler._places = Places(at_once=1, patience=PATIENCE)
    before = waits("taken"), waits("refused")

    async def ask_twice() -> list[Connection]:
        # The second waits until the test gives the place of another one back.
        clients = [Connection(b"one"), Connection(b"two")]
        await handler(scope_of("/echo"), clients[0].receive, clients[0].send)
        assert (waits("taken"), waits("refused")) == before
        await handler._places.take()
        request = asyncio.create_task(handler(scope_of("/echo"), clients[1].receive, clients[1].send))
        await asyncio.sleep(0.05)
        handler._places.give_back()
        await asyncio.wait_for(request, PATIENCE)
        return clients

    none, some = (float(dict(client.sent[0]["headers"])[b"X-Waited"]) for client in asyncio.run(ask_twice()))

    assert none == 0.0
    assert 0.04 < some < PATIENCE
    number, seconds = waits("taken")
    assert (number - before[0][0], seconds - before[0][1]) == (1.0, pytest.approx(some))
    assert waits("refused") == before[1]


def test_a_refusal_is_measured_with_its_wait(handler: RequestHandler) -> None:
    handler._places = Places(at_once=0, patience=0.01)
    number, seconds = waits("refused")

    with pytest.raises(NoPlaceFree):
        serve(handler, "/echo", b"")

    assert waits("refused") == (number + 1, pytest.approx(seconds + 0.01))


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [("/healthz", False), ("/healthz/full", True), ("/readyz", True), ("/metrics", True), ("/echo", False)],
)
def test_liveness_needs_no_place_and_other_probes_have_places_of_their_own(
    handler: RequestHandler, path: str, is_refused: bool
) -> None:
    handler._places_of_probes = Places(at_once=0, patience=0.01)

    if is_refused:
        with pytest.raises(NoPlaceFree):
            serve(handler, path, b"")
    else:
        assert serve(handler, path, b"").sent != []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_liveness_is_answered_by_the_loop_as_the_page_would(handler: RequestHandler, method: str) -> None:
    handler._places = handler._places_of_probes = Places(at_once=0, patience=0.01)
    page = live(RequestFactory().get("/healthz"))

    start, body = serve(handler, "/healthz", b"", method=method).sent

    assert start["status"] == page.status_code
    assert {name.decode(): value.decode() for name, value in start["headers"]} == {
        **{name: value for name, value in page.headers.items() if name != "Expires"},
        "Content-Length": str(len(page.content)),
    }
    assert body["body"] == (page.content if method == "GET" else b"")
    assert handler._idle == []


def test_other_methods_of_liveness_need_a_place(handler: RequestHandler) -> None:
    handler._places = Places(at_once=0, patience=0.01)

    with pytest.raises(NoPlaceFree):
        serve(handler, "/healthz", b"", method="POST")
