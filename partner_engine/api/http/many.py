"""A list of bodies in one request: each is one write of its own, with its own status, and none depends on another."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from django.http import HttpResponseBase

from batch.idempotency import StoredResponse
from partner_engine.api.http.endpoint import Endpoint, http_response
from partner_engine.problems import Refused
from presentation.strict_json import JsonValue
from tenants.limits.check import RateLimited

#: Bodies in one request; more are an operation.
MOST_BODIES: Final = 50


class EntryResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one entry: ``status`` and ``body`` are those of the response to it alone, a problem if it was
    refused. ``replayed`` is true if its key was used before. Pointers of a problem are within the entry.
    """

    index: int
    status: int
    replayed: bool
    body: dict[str, Any]


class ManyResults(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a list, in its order; ``refused`` is the number of entries that changed nothing."""

    results: list[EntryResult]
    created: int
    refused: int


def respond_to_each(endpoint: Endpoint, bodies: list[JsonValue], one: Callable[[], HttpResponseBase]) -> Any:
    """Return the response to a list: 207 with the result of each entry, for which ``one`` is called.

    Raises ``Refused`` (422) for a list that is empty or too long, and ``RateLimited`` before the first entry for a
    list with more entries than the caller has requests left.
    """
    if not bodies:
        raise Refused.field("", "The list is empty: send at least one entry.", code="empty_body")
    if len(bodies) > MOST_BODIES:
        detail = (
            f"A list has at most {MOST_BODIES} entries, this one has {len(bodies)}. Send more as one operation to "
            "POST /api/v1/batch_operations, or as a file to POST /api/v1/batch_operations/imports."
        )
        raise Refused.field("", detail, code="too_many_entries")
    endpoint.count_entries(len(bodies))
    results = [_result(endpoint, index, body, one) for index, body in enumerate(bodies)]
    endpoint.leave_entries()
    refused = sum(result.status >= HTTPStatus.BAD_REQUEST for result in results)
    shape = ManyResults(results=results, created=len(results) - refused, refused=refused)
    return http_response(StoredResponse(HTTPStatus.MULTI_STATUS, {}, msgspec.json.encode(shape)))


def _result(endpoint: Endpoint, index: int, body: JsonValue, one: Callable[[], HttpResponseBase]) -> EntryResult:
    endpoint.enter(index, body)
    response = _counted_response(endpoint, index, one)
    return EntryResult(
        index=index,
        status=response.status_code,
        replayed="Idempotent-Replayed" in response.headers,
        body=msgspec.json.decode(response.content),
    )


def _counted_response(endpoint: Endpoint, index: int, one: Callable[[], HttpResponseBase]) -> Any:
    """Return the response to the present entry. A refused one gives back its own count and never that of another."""
    try:
        # The request itself is counted for its first entry.
        if index:
            endpoint.count_entry()
    except RateLimited as limited:
        return endpoint.handle_exception(limited)
    try:
        response: Any = one()
    except Exception as error:  # noqa: BLE001 - as the framework does it for a request of one body
        response = endpoint.handle_exception(error)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        endpoint.give_entry_back()
    return response
