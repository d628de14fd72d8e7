"""``Idempotency-Key``: keys of requests, their fingerprints, and responses that are stored sealed."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from batch.idempotency import IdempotencyKey, StoredResponse
from batch.keyed_work import run_once, run_then_store
from encryption.tenant_secrets import open_sealed, seal
from partner_engine.api.http.endpoint import Endpoint, http_response
from partner_engine.problems import Fault, Refused
from tenants.models import Tenant

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
#: Marks a stored body that contains a secret and is sealed; never sent.
_SEALED: Final = "Sealed"
_PURPOSE: Final = "idempotency"


def idempotency_key(endpoint: Endpoint) -> IdempotencyKey | None:
    """Return the request's ``Idempotency-Key``, None without the header. Raises ``Refused`` (400) for a malformed key.

    The fingerprint covers method, address with its query, ``If-Match``, the body's JSON, and the caller's rights: a
    response stored for a caller with more rights is not repeated to a caller with fewer. It is keyed, so that nobody
    can guess a body from it.
    """
    key = endpoint.request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused.header(HEADER, "Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID.")
    request = endpoint.request._request
    texts = (
        request.method or "",
        request.get_full_path(),
        request.headers.get("If-Match", ""),
        ",".join(sorted(endpoint.actor.rights)),
    )
    parts = (*(text.encode() for text in texts), endpoint.canonical_body())
    fingerprint = hmac.new(settings.SECRET_KEY.encode(), b"\0".join(parts), hashlib.sha256).digest()
    # A blank cannot be part of a caller's key.
    own = key if endpoint.entry is None else f"{key} {endpoint.entry}"
    return IdempotencyKey(f"{endpoint.actor.type}:{endpoint.actor.id}", own, fingerprint)


def refuse_key(request: HttpRequest) -> None:
    """Raise ``Refused`` (400) for a key on a write whose response is never stored."""
    if HEADER in request.headers:
        detail = "This response is never stored, so it cannot be repeated; send the request without Idempotency-Key."
        fault = Fault(path=HEADER, code="idempotency_not_supported", detail=detail)
        raise Refused(400, "idempotency_not_supported", detail, faults=[fault])


def respond_once(
    endpoint: Endpoint, work: Callable[[], StoredResponse], *, contains_secret: bool = False
) -> HttpResponse:
    """Do the ``work`` of a write outside of a copy and return its response; with a key, once.

    A response that ``contains_secret`` is stored sealed.
    """
    key = idempotency_key(endpoint)
    if key is None:
        return http_response(work())
    tenant = endpoint.tenant
    outcome = run_once(
        key,
        work,
        scope=tenant,
        stored=lambda response: sealed_response(response, key, tenant) if contains_secret else response,
    )
    if outcome.is_replayed:
        return replayed_response(outcome.response, key, tenant)
    return http_response(outcome.response)


def respond_once_done(endpoint: Endpoint, work: Callable[[], StoredResponse]) -> HttpResponse:
    """Do ``work``, which has transactions of its own; return its response, with a key the one that was stored first."""
    key = idempotency_key(endpoint)
    if key is None:
        return http_response(work())
    outcome = run_then_store(key, work, scope=endpoint.tenant, stored=lambda response: response)
    if outcome.is_replayed:
        return replayed_response(outcome.response, key, endpoint.tenant)
    return http_response(outcome.response)


def sealed_response(response: StoredResponse, key: IdempotencyKey, tenant: Tenant) -> StoredResponse:
    """Return ``response`` with its body sealed for the client and its key."""
    body = seal(response.body.decode(), tenant_id=tenant.id, purpose=_PURPOSE, owner=_owner(key))
    return StoredResponse(response.status, {**response.headers, _SEALED: "1"}, body)


def replayed_response(stored: StoredResponse, key: IdempotencyKey, tenant: Tenant) -> HttpResponse:
    """Return the HTTP response to a repeated request. Raises ``DecryptionFailed``."""
    headers, body = dict(stored.headers), stored.body
    if headers.pop(_SEALED, None):
        body = open_sealed(body, tenant_id=tenant.id, purpose=_PURPOSE, owner=_owner(key)).encode()
    response = http_response(StoredResponse(stored.status, headers, body))
    response["Idempotent-Replayed"] = "true"
    return response


def _owner(key: IdempotencyKey) -> UUID:
    return uuid5(NAMESPACE_URL, f"{key.client}\n{key.key}")
