"""The product with four more paths for ``benchmarks.reading``, all in one process.

``/bare/<id>`` sends the stored document as it is: one prepared SELECT on one connection, decompressed. ``/empty`` sends
nothing. ``/api/v1/nothing`` sends nothing to a caller who passed the whole middleware with a token. ``/first`` before a
path of the API drops all stored responses first, so that this one is built as that of a first read.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import zstandard

# First: it sets Django up.
from partner_engine.asgi import application as product

from django.conf import settings  # isort: skip
from django.http import HttpResponse  # isort: skip
from django.urls import path  # isort: skip
from rest_framework.request import Request  # isort: skip
from partner_engine import urls  # isort: skip
from partner_engine.api.http import response_store  # isort: skip
from partner_engine.api.http.endpoint import Endpoint  # isort: skip

_DOCUMENT = "SELECT document FROM copies_copy WHERE id = %s"


class Nothing(Endpoint):
    """A response without content."""

    rights = {"GET": None}  # noqa: RUF012 - as all endpoints declare them

    def get(self, request: Request) -> HttpResponse:
        """Return 204."""
        return HttpResponse(status=204)


urls.urlpatterns.insert(0, path("api/v1/nothing", Nothing.as_view()))
_connections: list[psycopg.AsyncConnection[Any]] = []
_decompressor = zstandard.ZstdDecompressor()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send a bare response, or that of the product."""
    path_ = scope.get("path", "")
    if path_.startswith("/bare/"):
        await _respond(send, 200, await _document(UUID(path_.removeprefix("/bare/"))))
    elif path_ == "/empty":
        await _respond(send, 204, b"")
    elif path_.startswith("/first/"):
        response_store.copies.clear()
        built = path_.removeprefix("/first")
        await product({**scope, "path": built, "raw_path": built.encode()}, receive, send)
    else:
        await product(scope, receive, send)


async def _document(copy_id: UUID) -> bytes:
    if not _connections:
        _connections.append(await _connect())
    found = await _connections[0].execute(_DOCUMENT, [copy_id], prepare=True)
    row = await found.fetchone()
    assert row is not None
    # A version byte comes first.
    return _decompressor.decompress(row[0][1:])


async def _connect() -> psycopg.AsyncConnection[Any]:
    own = settings.DATABASES["default"]
    connection = await psycopg.AsyncConnection.connect(
        host=own["HOST"], port=own["PORT"], user=own["USER"], password=own["PASSWORD"], dbname=own["NAME"],
        sslmode="disable", autocommit=True,
    )  # fmt: skip
    await connection.execute("SELECT set_config('partner_engine.tenant', '*', false)")
    return connection


async def _respond(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
