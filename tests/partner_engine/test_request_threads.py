"""Each request stays in one thread, from the first middleware to the view, and threads are used again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings

from partner_engine import request_threads
from partner_engine.request_threads import MOST_IDLE, RequestHandler
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


urlpatterns = [path("where", where), path("stay", stay)]


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


# Django does not close the body of a request that is cancelled.
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
