"""Writes: the headers that guard them (``If-Match``, ``Idempotency-Key``), and the one way to change a copy, save it
and respond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from django.http import HttpResponse

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import IdempotencyReplay, NotFound
from batch.idempotency import IdempotencyKey, StoredResponse
from forms.selectors import find_meant_copy
from partner_engine.api.http.conditional import expected_version, version_tag
from partner_engine.api.http.endpoint import Endpoint, http_response
from partner_engine.api.http.idempotency import idempotency_key, replayed_response, sealed_response

T = TypeVar("T")

#: Changes the context's changeset and returns what ``Respond`` needs beside the context and the result.
Change = Callable[[BatchContext], T]
#: Makes the response; the batch calls it during the save, before anything is written.
Respond = Callable[[BatchContext, SaveResult, T], StoredResponse]


class Opener(Protocol):
    """Opens the context to change, for the request's idempotency key."""

    def __call__(self, *, idempotency: IdempotencyKey | None) -> AbstractContextManager[BatchContext]:
        """Return the context, to be entered with ``with``."""


def save_copy(
    endpoint: Endpoint, copy_id: UUID, *, change: Change[T], respond: Respond[T], contains_secret: bool = False
) -> HttpResponse:
    """Lock the copy with this id, ``change`` it, save it and ``respond``; see ``save``."""
    opener = exact_copy(endpoint, copy_id)
    return save(endpoint, opener, change=change, respond=respond, contains_secret=contains_secret)


def save(
    endpoint: Endpoint, open_context: Opener, *, change: Change[T], respond: Respond[T], contains_secret: bool = False
) -> HttpResponse:
    """Open a context, ``change`` it, save it and ``respond`` with the value that ``change`` returned.

    With an ``Idempotency-Key`` the response is stored with the save, sealed if it ``contains_secret``, and a repeated
    request receives it again.
    """
    key = idempotency_key(endpoint)

    def save_once() -> HttpResponse:
        with open_context(idempotency=key) as context:
            if context.stored_response is not None and key is not None:
                return replayed_response(context.stored_response, key, endpoint.tenant)
            stored = partial(sealed_response, key=key, tenant=endpoint.tenant) if key and contains_secret else None
            responder = _Responder(context, respond, change(context), stored)
            context.save(respond=responder)
            response = http_response(responder.response)
            if context.is_without_lock:
                response["X-Lock"] = "degraded"
            return response

    try:
        return save_once()
    except IdempotencyReplay:
        # The same request won the race; its response is stored by now.
        return save_once()


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
    """Return the opener of the copy with this id, which raises ``NotFound`` for a form's id, for a copy of an archived
    form and, without ``deleted_too``, for a deleted copy.
    """
    # Deleted copies are opened too: a repeated request receives its first response even if the copy is deleted by now.
    opener = copy_or_form(endpoint, copy_id, archived=True)
    return partial(_open_exactly, opener, copy_id, deleted_too=deleted_too)


def meant_copy(endpoint: Endpoint, form_or_copy_id: UUID, *, deleted_too: bool = False) -> Opener:
    """Return the opener of the copy that the id means, which raises ``NotFound`` for the id of a deleted copy and,
    without ``deleted_too``, of a deleted form.
    """
    # Of deleted forms too: a repeated request receives its first response even if the form is deleted by now.
    meant = find_meant_copy(form_or_copy_id, archived=True)
    opener = copy_or_form(endpoint, meant or form_or_copy_id, archived=True)
    return partial(_open_meant, opener, deleted_too=deleted_too)


@contextmanager
def _open_meant(opener: Opener, *, deleted_too: bool, idempotency: IdempotencyKey | None) -> Iterator[BatchContext]:
    with opener(idempotency=idempotency) as context:
        if context.stored_response is None:
            is_archived = context.form.deleted_at is not None
            if context.copy.fields.deleted_at is not None or (is_archived and not deleted_too):
                raise NotFound
        yield context


@contextmanager
def _open_exactly(
    opener: Opener, copy_id: UUID, *, deleted_too: bool, idempotency: IdempotencyKey | None
) -> Iterator[BatchContext]:
    with opener(idempotency=idempotency) as context:
        if context.stored_response is None:
            is_deleted = context.copy.fields.deleted_at is not None
            if context.copy.id != copy_id or context.form.deleted_at is not None or (is_deleted and not deleted_too):
                raise NotFound
        yield context


class _Responder(Generic[T]):
    """Makes the response during the save, and holds it until the save is done; ``stored`` makes the form to store."""

    def __init__(
        self,
        context: BatchContext,
        respond: Respond[T],
        value: T,
        stored: Callable[[StoredResponse], StoredResponse] | None,
    ) -> None:
        self._context = context
        self._respond = respond
        self._value = value
        self._stored = stored

    def __call__(self, result: SaveResult) -> StoredResponse:
        self.response = self._respond(self._context, result, self._value)
        return self._stored(self.response) if self._stored else self.response


def json_response(shape: object, *, version: int, status: int = 200, location: str = "") -> StoredResponse:
    """Return ``shape`` as a response with the copy's version as its entity tag."""
    headers = {"ETag": version_tag(version)}
    if location:
        headers["Location"] = location
    return StoredResponse(status, headers, msgspec.json.encode(shape))


def no_content(context: BatchContext, result: SaveResult, value: object) -> StoredResponse:
    """Return the 204 response to a removal, with the copy's version as its entity tag."""
    return StoredResponse(204, {"ETag": version_tag(result.version)}, b"")
