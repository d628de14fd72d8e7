"""Problem responses for the exceptions of views: the exception handler of the REST framework."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from structlog.contextvars import get_contextvars

from batch.errors import BatchError, CopyIsLocked, ExternalIdTaken, InvalidAnswers, LockNotAcquired
from batch.misuse import Misuse
from catalogue.releases import NeverPublished
from copies.history import NoSuchVersion
from encryption.envelope import DecryptionFailed
from encryption.key_ring import KeyServiceUnavailable
from operations.errors import OperationError
from operations.submission.errors import NoValidItems
from partner_engine.api.http.field_errors import refused_answers
from partner_engine.error_statuses import RETRY_AFTER, status_of, status_of_operation_error
from partner_engine.problems import MEDIA_TYPE, ExistingShape, Fault, HolderShape, LockShape, Refused, render
from partner_engine.rate_limits import as_refused
from rules.explain.trace import UnknownTarget
from tenants.access import MissingRight
from tenants.limits.errors import RateLimited
from webhooks.endpoints import EndpointIsDisabled, TooManyEndpoints, UnknownEventType
from webhooks.selectors import NoSuchEndpoint
from webhooks.ssrf import RefusedAddress

#: Exceptions whose message is the detail: status and code.
WITH_MESSAGE: Final[dict[type[Exception], tuple[int, str]]] = {
    NoSuchVersion: (404, "no_such_version"),
    UnknownTarget: (422, "unknown_target"),
    NeverPublished: (422, "unknown_catalogue"),
    MissingRight: (403, "missing_right"),
    NoSuchEndpoint: (404, "not_found"),
    RefusedAddress: (422, "refused_address"),
    UnknownEventType: (422, "unknown_event_type"),
    TooManyEndpoints: (409, "too_many_endpoints"),
    EndpointIsDisabled: (409, "endpoint_is_disabled"),
}
#: Exceptions whose message must not reach callers: status, code and detail.
WITHOUT_MESSAGE: Final[dict[type[Exception], tuple[int, str, str]]] = {
    Http404: (404, "not_found", "There is no page or resource at this address."),
    DjangoPermissionDenied: (403, "permission_denied", "You are not allowed to do this."),
    RequestDataTooBig: (413, "body_too_large", "The body is too large."),
    SuspiciousOperation: (400, "bad_request", "The request is malformed."),
    OperationalError: (503, "unavailable", "A required service is unavailable; try again in a moment."),
    DecryptionFailed: (
        409,
        "unreadable_answer",
        "A sensitive answer cannot be read: its key was erased, or it was altered.",
    ),
    KeyServiceUnavailable: (503, "unavailable", "A required service is unavailable; try again in a moment."),
}

#: Our sentences in place of those of the framework.
SENTENCES: Final[dict[type[Exception], str]] = {
    exceptions.NotAuthenticated: "Sign in, or send a token from /o/token/ as `Authorization: Bearer`.",
    exceptions.NotAcceptable: "Responses are application/json; accept that in the header Accept.",
    exceptions.UnsupportedMediaType: "Send the body as application/json.",
    exceptions.MethodNotAllowed: "This address does not have this method; the header Allow lists the others.",
}

logger = structlog.get_logger(__name__)


def handle(exception: Exception, context: dict[str, Any]) -> HttpResponse:
    """Return the response to an exception that a view raised."""
    request: HttpRequest = context["request"]._request
    refused = _as_refused(exception)
    if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # The log contains the traceback without values; the caller receives only the correlation id.
        logger.error("api.failed", status=refused.status, exc_info=exception)
        got_request_exception.send(sender=type(context["view"]), request=request)
    elif refused.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        logger.warning("audit.access_denied", status=refused.status, code=refused.code, method=request.method)
    response = respond(request, refused)
    authenticate = getattr(exception, "auth_header", None)
    if authenticate:
        response["WWW-Authenticate"] = authenticate
    return response


def respond(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return the problem+json response for ``refused``."""
    response = HttpResponse(
        render(refused, instance=request.path, correlation_id=get_contextvars().get("correlation_id", "")),
        status=refused.status,
        content_type=MEDIA_TYPE,
    )
    for name, value in refused.headers.items():
        response[name] = value
    if refused.code in RETRY_AFTER:
        response["Retry-After"] = str(RETRY_AFTER[refused.code])
    response["Cache-Control"] = "no-store"
    return response


def _as_refused(exception: Exception) -> Refused:
    if isinstance(exception, Refused):
        return exception
    for kind, convert in _CONVERTERS.items():
        if isinstance(exception, kind):
            return convert(exception)
    if isinstance(exception, BatchError) and not isinstance(exception, Misuse):
        return Refused(status_of(exception), exception.code, str(exception), obstacle=_lock_of(exception))
    if isinstance(exception, OperationError):
        return _from_operation(exception)
    return _from_framework(exception) if isinstance(exception, exceptions.APIException) else _from_others(exception)


def _from_others(exception: Exception) -> Refused:
    for kind, (status, code) in WITH_MESSAGE.items():
        if isinstance(exception, kind):
            return Refused(status, code, str(exception))
    for kind, (status, code, detail) in WITHOUT_MESSAGE.items():
        if isinstance(exception, kind):
            return Refused(status, code, detail)
    return Refused(500, "internal_error", "Something went wrong on our side. Give the correlation ID to support.")


def _from_operation(exception: OperationError) -> Refused:
    faults: list[Fault] = list(getattr(exception, "faults", ()))
    # Of many invalid items only the first are listed.
    more = max(0, exception.total - len(exception.rejections)) if isinstance(exception, NoValidItems) else 0
    return Refused(status_of_operation_error(exception), exception.code, str(exception), faults=faults, more=more)


def _from_lock(exception: LockNotAcquired) -> Refused:
    holder = exception.holder
    # Callers receive the entry point, and not the host and process.
    shape = HolderShape(who=holder.who, since=holder.since, where=holder.entry_point) if holder else None
    return Refused(status_of(exception), exception.code, str(exception), obstacle=shape)


def _from_external_id(exception: ExternalIdTaken) -> Refused:
    fault = Fault(pointer="/external_id", code=exception.code, detail=str(exception))
    existing = ExistingShape(application_form_id=str(exception.form_id))
    return Refused(status_of(exception), exception.code, str(exception), faults=[fault], obstacle=existing)


#: Exceptions with more to report than a code and a sentence.
_CONVERTERS: Final[dict[type[Exception], Callable[[Any], Refused]]] = {
    RateLimited: as_refused,
    InvalidAnswers: refused_answers,
    LockNotAcquired: _from_lock,
    ExternalIdTaken: _from_external_id,
}


def _lock_of(exception: BatchError) -> LockShape | None:
    """Return the lock of the copy that refuses the request, None for another reason."""
    if not isinstance(exception, CopyIsLocked) or exception.since is None:
        return None
    return LockShape(who=exception.by, since=exception.since, reason=exception.reason)


def _from_framework(exception: exceptions.APIException) -> Refused:
    code = exception.get_codes()
    headers: dict[str, str] = {}
    wait = getattr(exception, "wait", None)
    if wait:
        headers["Retry-After"] = str(ceil(wait))
    if isinstance(exception.detail, (dict, list)):
        detail = "The request is invalid."
    else:
        detail = next((text for kind, text in SENTENCES.items() if type(exception) is kind), str(exception.detail))
    return Refused(exception.status_code, code if isinstance(code, str) else "invalid", detail, headers=headers)
