"""Serves each request in one thread, from the first middleware to the view, and uses threads again.

Django's own handler starts two threads for each request and returns to its event loop between middleware and view, as
views could be asynchronous. Ours are not: by the loop and the threads a request cost twice as much as by its work.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

#: Threads without a request that stay; above them as many as there are requests at once.
MOST_IDLE: Final = 16


class RequestHandler(ASGIHandler):
    """Django's handler with one thread per request. Loads the middleware as that of a synchronous application."""

    def __init__(self) -> None:
        super().__init__()
        #: Touched by the event loop alone.
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; what Django does before and after the middleware is done in the same thread."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        is_over = False
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
            is_over = True
        finally:
            if is_over and len(self._idle) < MOST_IDLE:
                self._idle.append(thread)
            else:
                if not is_over:
                    # Cancelled or broken off: the view may still run, and nothing has closed its connections.
                    thread.submit(connections.close_all)
                thread.shutdown(wait=False)

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware as synchronous."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, made in the thread of the request."""
        return await sync_to_async(self.get_response)(request)
