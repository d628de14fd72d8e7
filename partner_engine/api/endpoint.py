"""What every endpoint shares: who calls, with which rights, how bodies and queries are read and answers are written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions, parsers, permissions, renderers
from rest_framework.request import Request
from rest_framework.views import APIView

from batch.idempotency import StoredResponse
from partner_engine.api.bodies import NoQuery, read_body, read_query
from partner_engine.api.conditional import digest_tag, is_fresh
from partner_engine.api.problems import Fault, Refused
from partner_engine.api.strict_json import JsonFault, parse
from tenants.access import Actor, Right
from tenants.models import Tenant
from tenants.scoping import use_tenant

T = TypeVar("T")

MAX_BODY_BYTES: Final = 1024 * 1024
MEDIA_TYPE: Final = "application/json"
#: Answers hold people's data: neither browsers nor proxies keep them.
HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Authorization, Cookie"}


class UnreadBody(parsers.BaseParser):
    """Leaves the body alone.

    The framework's own reading would skip a chunked body, which has no length; ``Endpoint.body`` reads it instead.
    """

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return nothing, unread."""
        return {}


class Json(renderers.BaseRenderer):
    """Names the one media type that is answered; views write their bytes themselves, so that a stored answer is the
    same to the byte.
    """

    media_type = MEDIA_TYPE
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return ``data`` as JSON."""
        return msgspec.json.encode(data)


class HasRight(permissions.BasePermission):
    """Lets a caller in who has the right that the endpoint names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raise 401 for nobody and 403, naming the right, for somebody without it."""
        assert isinstance(view, Endpoint)  # noqa: S101 - the rights are declared there
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            raise exceptions.NotAuthenticated
        right = view.rights.get(request.method or "")
        if right is not None:
            actor.require(right)
        return True


class Endpoint(APIView):
    """One address. ``rights`` names the right that each method needs; every method that is served must be in it (None
    lets any signed-in caller in).
    """

    rights: ClassVar[Mapping[str, Right | None]] = {}
    parser_classes = (UnreadBody,)
    renderer_classes = (Json,)
    permission_classes = (HasRight,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer under the caller's tenant, which is known as soon as ``initial`` has let them in."""
        with ExitStack() as scope:
            self._scope = scope
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in or raise, then make their tenant the current one."""
        super().initial(request, *args, **kwargs)
        self._scope.enter_context(use_tenant(self.tenant))

    @property
    def actor(self) -> Actor:
        """Return who calls."""
        return self.request.actor  # type: ignore[attr-defined,no-any-return]

    @property
    def tenant(self) -> Tenant:
        """Return the caller's tenant: the scope of all that the endpoint does."""
        return self.request.tenant  # type: ignore[attr-defined,no-any-return]

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
