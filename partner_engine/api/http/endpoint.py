"""What every endpoint shares: who calls, with which rights, how bodies and queries are read and answers are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.views import APIView

from batch.idempotency import StoredResponse
from partner_engine.api.bodies import NoQuery, read_body, read_query
from partner_engine.api.http.conditional import digest_tag, is_fresh
from partner_engine.api.http.json import MEDIA_TYPE, Json, UnreadBody
from partner_engine.api.http.permissions import HasRight
from partner_engine.api.http.strict_json import JsonFault, parse
from partner_engine.problems import Fault, Refused
from tenants.access import Actor, Right
from tenants.models import Tenant

T = TypeVar("T")

MAX_BODY_BYTES: Final = 1024 * 1024
#: Answers hold people's data: neither browsers nor proxies keep them.
HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Authorization, Cookie"}


class Endpoint(APIView):
    """One address. ``rights`` names the right that each method needs; every method that is served must be in it (None
    lets any signed-in caller in).
    """

    rights: ClassVar[Mapping[str, Right | None]] = {}
    parser_classes = (UnreadBody,)
    renderer_classes = (Json,)
    permission_classes = (HasRight,)

    @property
    def actor(self) -> Actor:
        """Return who calls."""
        return self.request.actor  # type: ignore[attr-defined]

    @property
    def tenant(self) -> Tenant:
        """Return the caller's tenant: the scope of all that the endpoint does."""
        return self.request.tenant  # type: ignore[attr-defined]

    def body(self, type_: type[T]) -> T:
        """Return the request's body as the struct ``type_``.

        Raises ``Refused``: 400 malformed, 413 too large, 415 no JSON, 422 another shape.
        """
        content = self.content()
        if not content:
            return read_body({}, type_)
        media_type = self.request.content_type.partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise exceptions.UnsupportedMediaType(media_type or "none")
        try:
            value = parse(content)
        except JsonFault as fault:
            found = Fault(pointer=fault.pointer, code=fault.code, detail=fault.text)
            raise Refused(400, fault.code, fault.text, faults=[found]) from fault
        return read_body(value, type_)

    def content(self) -> bytes:
        """Return the bytes of the body. Raises ``Refused`` (413), before reading where the length is told."""
        request = self.request._request
        too_large = Refused(413, "body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes; send it in parts.")
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise too_large
        try:
            content = request.body
        except RequestDataTooBig as error:
            raise too_large from error
        if len(content) > MAX_BODY_BYTES:
            raise too_large
        return content

    def query(self, type_: type[T] = NoQuery) -> T:  # type: ignore[assignment]
        """Return the query parameters as ``type_``. Raises ``Refused`` (400) for unknown ones too."""
        return read_query(dict(self.request.GET.lists()), type_)

    def answer(self, shape: object, *, etag: str = "") -> HttpResponse:
        """Answer a read with ``shape``: 304 where the caller has it already."""
        return self._answer(msgspec.json.encode(shape), etag)

    def answer_digested(self, shape: object) -> HttpResponse:
        """Answer a read of something without a version: its entity tag is the digest of the answer."""
        content = msgspec.json.encode(shape)
        return self._answer(content, digest_tag(content))

    def answer_with_tag(self, shape: object, etag: str) -> HttpResponse:
        """Answer with ``shape`` in any case; ``etag`` is for a later ``If-Match``."""
        return reply(StoredResponse(200, {"ETag": etag}, msgspec.json.encode(shape)))

    def _answer(self, content: bytes, etag: str) -> HttpResponse:
        if etag and is_fresh(self.request.headers.get("If-None-Match"), etag):
            return reply(StoredResponse(304, {"ETag": etag}, b""))
        return reply(StoredResponse(200, {"ETag": etag} if etag else {}, content))


def reply(stored: StoredResponse) -> HttpResponse:
    """Return the HTTP answer that ``stored`` describes."""
    response = HttpResponse(stored.body, status=stored.status, content_type=MEDIA_TYPE, headers=HEADERS)
    if not stored.body:
        del response["Content-Type"]
    for name, value in stored.headers.items():
        response[name] = value
    return response
