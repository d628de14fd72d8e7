"""Writes: the headers that guard them (``If-Match``, ``Idempotency-Key``) and the one way a change of a copy becomes an
answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final
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
from partner_engine.api.http.endpoint import Endpoint, reply
from partner_engine.problems import Fault, Refused

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

Change = Callable[[BatchContext], None]
Answer = Callable[[BatchContext, SaveResult], StoredResponse]
Opener = Callable[[IdempotencyKey | None], AbstractContextManager[BatchContext]]


def idempotency_key(endpoint: Endpoint) -> IdempotencyKey | None:
    """Return the request's ``Idempotency-Key``, None without the header. Raises ``Refused`` (400) for one that is no
    key.

    The fingerprint covers method, address with its query, body, and the caller's rights: an answer stored for one who
    may read more is not given to one who may read less. It is keyed, so that nobody can guess a body from it.
    """
    key = endpoint.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        detail = "Idempotency-Key must be 1 to 255 visible ASCII characters; a UUID is a good one."
        raise Refused(
            400,
            "malformed_header",
            detail,
            faults=[Fault(code="malformed_header", path="Idempotency-Key", detail=detail)],
        )
    request = endpoint.request._request
    rights = ",".join(sorted(endpoint.actor.rights))
    parts = ((request.method or "").encode(), request.get_full_path().encode(), rights.encode(), endpoint.content())
    told = b"\0".join(parts)
    fingerprint = hmac.new(settings.SECRET_KEY.encode(), told, hashlib.sha256).digest()
    return IdempotencyKey(f"{endpoint.actor.type}:{endpoint.actor.id}", key, fingerprint)


def save_copy(
    endpoint: Endpoint,
    copy_id: UUID,
    *,
    change: Change,
    answer: Answer,
    deleted_too: bool = False,
) -> HttpResponse:
    """Lock the copy with this very id, let ``change`` change it, save it and answer with ``answer``.

    A repeated keyed request gets its first answer again, even if the copy is deleted by now; any other finds a deleted
    copy only with ``deleted_too``.
    """

    def change_if_there(context: BatchContext) -> None:
        is_deleted = context.copy.fields.deleted_at is not None or context.form.deleted_at is not None
        if context.copy.id != copy_id or (is_deleted and not deleted_too):
            raise NotFound
        change(context)

    return save(endpoint, open_for_writing(endpoint, copy_id, archived=True), change=change_if_there, answer=answer)


def open_for_writing(endpoint: Endpoint, form_or_copy_id: UUID, *, archived: bool = False) -> Opener:
    """Return what opens the copy that the id means, if it is at the version that ``If-Match`` names."""
    expected = expected_version(endpoint.request.headers.get("If-Match"))

    def open_copy(key: IdempotencyKey | None) -> AbstractContextManager[BatchContext]:
        return batch.find_and_lock(
            form_or_copy_id,
            scope=endpoint.tenant,
            actor=endpoint.actor,
            archived=archived,
            expected_version=expected,
            idempotency=key,
        )

    return open_copy


def save(
    endpoint: Endpoint,
    open_context: Opener,
    *,
    change: Change,
    answer: Answer,
) -> HttpResponse:
    """Open a context for the request's key, let ``change`` change it, save it and answer with ``answer``."""
    key = idempotency_key(endpoint)
    try:
        return _save_once(open_context(key), change=change, answer=answer)
    except IdempotencyReplay:
        # The same request won the race; by now its answer is stored.
        return _save_once(open_context(key), change=change, answer=answer)


def _save_once(
    opened: AbstractContextManager[BatchContext],
    *,
    change: Change,
    answer: Answer,
) -> HttpResponse:
    with opened as context:
        if context.stored_response is not None:
            return reply(context.stored_response)
        change(context)
        answered: list[StoredResponse] = []

        def respond(result: SaveResult) -> StoredResponse:
            answered.append(answer(context, result))
            return answered[0]

        context.save(respond=respond)
        response = reply(answered[0])
        if context.is_without_lock:
            response["X-Lock"] = "degraded"
        return response


def stored(shape: object, *, version: int, status: int = 200, location: str = "") -> StoredResponse:
    """Return ``shape`` as an answer with the copy's version as its entity tag."""
    headers = {"ETag": version_tag(version)}
    if location:
        headers["Location"] = location
    return StoredResponse(status, headers, msgspec.json.encode(shape))


def gone(context: BatchContext, result: SaveResult) -> StoredResponse:
    """Answer that something is not there any more: without a body, with the copy's version as the entity tag."""
    return StoredResponse(204, {"ETag": version_tag(result.version)}, b"")
