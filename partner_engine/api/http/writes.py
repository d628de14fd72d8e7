"""Writes: the headers that guard them (``If-Match``, ``Idempotency-Key``), and the one way to change a copy, save it
and respond.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpResponse

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import IdempotencyReplay, NotFound
from batch.idempotency import IdempotencyKey, StoredResponse
from partner_engine.api.http.conditional import expected_version, version_tag
from partner_engine.api.http.endpoint import Endpoint, http_response
from partner_engine.problems import Refused

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

T = TypeVar("T")

#: Changes the context's changeset and returns what ``Respond`` needs beside the context and the result.
Change = Callable[[BatchContext], T]
#: Makes the response; the batch calls it during the save, before anything is written.
Respond = Callable[[BatchContext, SaveResult, T], StoredResponse]


class Opener(Protocol):
    """Opens the context to change, for the request's idempotency key."""

    def __call__(self, *, idempotency: IdempotencyKey | None) -> AbstractContextManager[BatchContext]:
        """Return the context, to be entered with ``with``."""


def idempotency_key(endpoint: Endpoint) -> IdempotencyKey | None:
    """Return the request's ``Idempotency-Key``, None without the header. Raises ``Refused`` (400) for a malformed key.

    The fingerprint covers method, address with its query, body, and the caller's rights: a response stored for a caller
    with more rights is not repeated to a caller with fewer. It is keyed, so that nobody can guess a body from it.
    """
    key = endpoint.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused.header(
            "Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID."
        )
    request = endpoint.request._request
    rights = ",".join(sorted(endpoint.actor.rights))
    parts = ((request.method or "").encode(), request.get_full_path().encode(), rights.encode(), endpoint.content())
    fingerprint = hmac.new(settings.SECRET_KEY.encode(), b"\0".join(parts), hashlib.sha256).digest()
    return IdempotencyKey(f"{endpoint.actor.type}:{endpoint.actor.id}", key, fingerprint)


def save_copy(
    endpoint: Endpoint, copy_id: UUID, *, change: Change[T], respond: Respond[T], store: bool = True
) -> HttpResponse:
    """Lock the copy with this id, ``change`` it, save it and ``respond``; see ``save``."""
    return save(endpoint, exact_copy(endpoint, copy_id), change=change, respond=respond, store=store)


def save(
    endpoint: Endpoint, open_context: Opener, *, change: Change[T], respond: Respond[T], store: bool = True
) -> HttpResponse:
    """Open a context, ``change`` it, save it and ``respond`` with the value that ``change`` returned.

    With an ``Idempotency-Key`` the response is stored with the save, and a repeated request receives it again.
    ``store=False`` ignores the key: use it for responses that contain a secret.
    """
    key = idempotency_key(endpoint) if store else None
    try:
        return _save_once(open_context(idempotency=key), change=change, respond=respond)
    except IdempotencyReplay:
        # The same request won the race; its response is stored by now.
        return _save_once(open_context(idempotency=key), change=change, respond=respond)


def copy_or_form(endpoint: Endpoint, form_or_copy_id: UUID, *, archived: bool = False) -> Opener:
    """Return the opener of the copy that the id means, at the version that ``If-Match`` names."""
    return partial(
        batch.find_and_lock,
        form_or_copy_id,
        scope=endpoint.tenant,
        actor=endpoint.actor,
        archived=archived,
        expected_version=expected_version(endpoint.request.headers.get("If-Match")),
    )


def exact_copy(endpoint: Endpoint, copy_id: UUID, *, deleted_too: bool = False) -> Opener:
    """Return the opener of the copy with this id, which raises ``NotFound`` for a form's id and, without
    ``deleted_too``, for a deleted copy.
    """
    # Deleted copies are opened too: a repeated request receives its first response even if the copy is deleted by now.
    opener = copy_or_form(endpoint, copy_id, archived=True)
    return partial(_open_exactly, opener, copy_id, deleted_too=deleted_too)


@contextmanager
def _open_exactly(
    opener: Opener, copy_id: UUID, *, deleted_too: bool, idempotency: IdempotencyKey | None
) -> Iterator[BatchContext]:
    with opener(idempotency=idempotency) as context:
        if context.stored_response is None:
            is_deleted = context.copy.fields.deleted_at is not None or context.form.deleted_at is not None
            if context.copy.id != copy_id or (is_deleted and not deleted_too):
                raise NotFound
        yield context


class _Responder(Generic[T]):
    """Makes the response during the save, and holds it until the save is done."""

    def __init__(self, context: BatchContext, respond: Respond[T], value: T) -> None:
        self._context = context
        self._respond = respond
        self._value = value

    def __call__(self, result: SaveResult) -> StoredResponse:
        self.response = self._respond(self._context, result, self._value)
        return self.response


def _save_once(opened: AbstractContextManager[BatchContext], *, change: Change[T], respond: Respond[T]) -> HttpResponse:
    with opened as context:
        if context.stored_response is not None:
            return http_response(context.stored_response)
        responder = _Responder(context, respond, change(context))
        context.save(respond=responder)
        response = http_response(responder.response)
        if context.is_without_lock:
            response["X-Lock"] = "degraded"
        return response


def json_response(shape: object, *, version: int, status: int = 200, location: str = "") -> StoredResponse:
    """Return ``shape`` as a response with the copy's version as its entity tag."""
    headers = {"ETag": version_tag(version)}
    if location:
        headers["Location"] = location
    return StoredResponse(status, headers, msgspec.json.encode(shape))


def no_content(context: BatchContext, result: SaveResult, value: object) -> StoredResponse:
    """Return the 204 response to a removal, with the copy's version as its entity tag."""
    return StoredResponse(204, {"ETag": version_tag(result.version)}, b"")
