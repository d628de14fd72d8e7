"""The base of every endpoint: caller, rights, parsing of bodies and queries, responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from rest_framework import exceptions

from batch.idempotency import StoredResponse
from partner_engine.api.http.conditional import content_tag, digest_tag, is_fresh
from partner_engine.api.http.input import NoQuery, read_body, read_query
from partner_engine.api.http.json import MEDIA_TYPE, Json, UnreadBody
from partner_engine.api.http.limited import Limited
from partner_engine.api.http.permissions import HasRight
from partner_engine.api.http.selection import Selection, select
from partner_engine.problems import Fault, Refused
from presentation.strict_json import JsonFault, JsonValue, parse
from tenants.access import Actor, Right
from tenants.models import Tenant

T = TypeVar("T")

MAX_BODY_BYTES: Final = 1024 * 1024
#: Responses contain personal data: neither browsers nor proxies may store them.
HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Authorization, Cookie"}


class Endpoint(Limited):
    """One route. ``rights`` maps each method to the right that it requires, None for any signed-in caller. A method
    that is not in it is refused.
    """

    rights: ClassVar[Mapping[str, Right | None]] = {}
    #: The fields that a reader wants (``?fields=``), None for all.
    selection: Selection | None = None
    #: The index of the entry of a list that is worked on, None for a request of one body.
    entry: int | None = None
    parser_classes = (UnreadBody,)
    renderer_classes = (Json,)
    permission_classes = (HasRight,)

    @property
    def actor(self) -> Actor:
        """Return the caller."""
        return self.request.actor  # type: ignore[attr-defined]

    @property
    def tenant(self) -> Tenant:
        """Return the caller's tenant, the scope of all reads and writes."""
        return self.request.tenant  # type: ignore[attr-defined]

    def body(self, type_: type[T]) -> T:
        """Return the request's body as the struct ``type_``.

        Raises ``Refused``: 400 malformed, 413 too large, 415 not JSON, 422 of another shape.
        """
        return read_body(self.parsed_body(), type_)

    def refusals_of_answers(self, **places: object) -> Sequence[Refused]:
        """Return what is wrong with the answers in a request that is refused for its shape; ``places`` are the parts
        of its address. An endpoint with answers overrides this.
        """
        return ()

    def parsed_body(self) -> JsonValue:
        """Return the JSON of the request's body, an empty object without one; parses it once.

        Raises ``Refused``: 400 malformed, 413 too large, 415 not JSON or encoded.
        """
        if not self.has_read_body:
            self._parsed: JsonValue = self._parse()
        return self._parsed

    @property
    def has_read_body(self) -> bool:
        """Return whether the body was read and is JSON."""
        return hasattr(self, "_parsed")

    def require_body(self) -> None:
        """Raise ``Refused`` (422) for an empty body, which would change nothing: it was probably lost on its way."""
        if not self.parsed_body():
            raise Refused.field("", "The body is empty: send the fields to change.", code="empty_body")

    def canonical_body(self) -> bytes:
        """Return the body's JSON in one spelling, whatever its spaces and the order of its names; of an entry of a list
        the whole list.
        """
        whole = self.parsed_body() if self.entry is None else self._list
        return msgspec.json.encode(whole, order="sorted")

    def enter(self, index: int, body: JsonValue) -> None:
        """Take ``body``, the entry of the request's list at ``index``, as the body."""
        if self.entry is None:
            self._list = self.parsed_body()
        self.entry, self._parsed = index, body

    def leave_entries(self) -> None:
        """Take the whole list as the body again."""
        self.entry, self._parsed = None, self._list

    def _parse(self) -> JsonValue:
        coding = self.request.headers.get("Content-Encoding", "").strip()
        if coding.lower() not in ("", "identity"):
            detail = "Send the body without Content-Encoding."
            raise Refused(415, "unsupported_content_encoding", detail, headers={"Accept-Encoding": "identity"})
        content = self.content()
        if not content:
            return {}
        media_type = self.request.content_type.partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise exceptions.UnsupportedMediaType(media_type or "none")
        try:
            value = parse(content)
        except JsonFault as fault:
            shown = Fault(pointer=fault.pointer, code=fault.code, detail=fault.text)
            raise Refused(400, fault.code, fault.text, faults=[shown]) from fault
        return value

    def content(self) -> bytes:
        """Return the bytes of the body. Raises ``Refused`` (413), before reading if the request states its length."""
        request = self.request._request
        too_large = Refused(
            413, "body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes; send less at a time."
        )
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
        """Return the query parameters as ``type_``. Raises ``Refused`` (400), for unknown parameters too."""
        return read_query(dict(self.request.GET.lists()), type_)

    def respond(self, shape: object, *, etag: str = "") -> HttpResponse:
        """Return the response to a read: ``shape``, or 304 if ``If-None-Match`` names ``etag``."""
        return self.respond_with_content(self.encode(shape), etag=etag)

    def respond_with_digest(self, shape: object) -> HttpResponse:
        """Return the response to a read without a version: its entity tag is the digest of its bytes."""
        content = self.encode(shape)
        return self.respond_with_content(content, etag=digest_tag(content))

    @property
    def has_tags(self) -> bool:
        """Return whether the caller names what they have: the request has ``If-None-Match``."""
        return "If-None-Match" in self.request.headers

    def is_fresh(self, etag: str) -> bool:
        """Return whether ``If-None-Match`` names ``etag``, so that the body need not be built."""
        return is_fresh(self.request.headers.get("If-None-Match"), etag)

    def respond_unchanged(self, etag: str) -> HttpResponse:
        """Return the 304 response to a read whose ``etag`` the caller has."""
        return http_response(StoredResponse(304, {"ETag": etag}, b""))

    def respond_with_content_tag(self, shape: object, *, version: int) -> HttpResponse:
        """Return the response to a read of records of a copy: its entity tag is the version and the digest."""
        content = self.encode(shape)
        return self.respond_with_content(content, etag=content_tag(version, content))

    def respond_in_full(self, shape: object, etag: str) -> HttpResponse:
        """Return ``shape`` and never 304; ``etag`` is for a later ``If-Match``."""
        return http_response(StoredResponse(200, {"ETag": etag}, self.encode(shape)))

    def respond_with_status(self, status: int, shape: object) -> HttpResponse:
        """Return ``shape`` with another status than 200, for writes that are never repeated."""
        return http_response(plain_response(shape, status=status))

    def encode(self, shape: object) -> bytes:
        """Return ``shape`` as JSON, of a read with ``?fields=`` the selected fields."""
        if self.selection is None:
            return msgspec.json.encode(shape)
        return msgspec.json.encode(select(msgspec.to_builtins(shape), self.selection))

    def respond_with_content(self, content: bytes, *, etag: str) -> HttpResponse:
        """Return the response to a read with ``content``, the JSON of its body, or 304 as ``respond``."""
        if etag and self.is_fresh(etag):
            return self.respond_unchanged(etag)
        return http_response(StoredResponse(200, {"ETag": etag} if etag else {}, content))


def plain_response(shape: object, *, status: int = 200, location: str = "") -> StoredResponse:
    """Return ``shape`` as the response to a write outside of a copy."""
    return StoredResponse(status, {"Location": location} if location else {}, msgspec.json.encode(shape))


def http_response(stored: StoredResponse) -> HttpResponse:
    """Return the HTTP response that ``stored`` describes."""
    response = HttpResponse(stored.body, status=stored.status, content_type=MEDIA_TYPE, headers=HEADERS)
    if not stored.body:
        del response["Content-Type"]
    for name, value in stored.headers.items():
        response[name] = value
    return response
